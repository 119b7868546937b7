//! The question bank, `book/questions/*.toml`: what the book's quizzes and the rehearsal ask.
//!
//! [`Bank::read`] reads it, and what is broken in it is told and left out. [`template`] fills the numbers into an answer;
//! [`check`] says what of the bank does not fit the labs or its own other language; [`synced`] notes that both sides agree.

mod check;
mod numbers;
mod raw;
mod rubric;
mod shape;
pub(crate) mod synced;
pub(crate) mod template;

use std::fmt;
use std::path::Path;

use clap::ValueEnum;
use measure::claim::Source;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::keep;
use crate::measuring::claims::Mistake;

pub(crate) use check::check;
pub(crate) use numbers::quotable;
pub(crate) use rubric::Rubric;

/// The bank's folder, below the checkout.
pub(crate) const FOLDER: &str = "book/questions";

/// The file of the folder that holds no questions.
pub(crate) const RUBRIC: &str = "rubric.toml";

/// One of the two languages of a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Side {
    /// English
    #[default]
    #[value(name = "en")]
    English,
    /// Korean
    #[value(name = "ko")]
    Korean,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::English, Self::Korean];

    /// Its key in the bank's files.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }

    pub(crate) fn other(self) -> Self {
        match self {
            Self::English => Self::Korean,
            Self::Korean => Self::English,
        }
    }

    /// Of two texts the one in this language.
    pub(crate) fn of<T>(self, en: T, ko: T) -> T {
        match self {
            Self::English => en,
            Self::Korean => ko,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// A question, in both languages.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Question {
    /// Small letters, digits and dashes; unique in the bank, and never given to another question: reviews go by it.
    pub(crate) id: String,
    /// The chapter's number: `05`.
    pub(crate) chapter: String,
    /// Items of the guide that ask it.
    pub(crate) guide: Vec<String>,
    /// For question and ladder together.
    pub(crate) minutes: u32,
    pub(crate) links: Links,
    /// The primary source that decides, with its date.
    pub(crate) source: Source,
    /// Digests of both sides when they were last brought up to each other; `None` if that was never said.
    pub(crate) synced: Option<Digests>,
    pub(crate) en: Text,
    pub(crate) ko: Text,
    pub(crate) place: Place,
}

/// Where a question stands, for whoever tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Below the checkout.
    pub(crate) file: String,
    /// Lines, from 1: of the question, its guide's items, its links, its sides.
    pub(crate) line: usize,
    pub(crate) guide: usize,
    pub(crate) links: usize,
    pub(crate) en: usize,
    pub(crate) ko: usize,
}

/// What a question belongs to. Tasks and mutants are those of its chapter's lab.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Links {
    /// Number of a task.
    pub(crate) task: Option<u8>,
    /// Name of a mutant.
    pub(crate) mutant: Option<String>,
    /// Id of an experiment.
    pub(crate) experiment: Option<String>,
    /// A page of the book below `book/src`, with an anchor if it likes: `05-acks.md#the-invariants`.
    pub(crate) page: Option<String>,
}

/// Digests of both sides: 12 hexadecimal digits each.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Digests {
    pub(crate) en: String,
    pub(crate) ko: String,
}

/// A question in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Text {
    pub(crate) ask: String,
    /// What a good answer contains, 3 to 6. May hold blanks.
    pub(crate) points: Vec<String>,
    /// The model answer. May hold blanks.
    pub(crate) answer: String,
    /// The right option of a quiz, a sentence.
    pub(crate) right: String,
    /// Common wrong answers, 2 to 4: a quiz's other options.
    pub(crate) wrong: Vec<Wrong>,
    /// Follow-ups, in the order in which they are asked.
    pub(crate) ladder: Vec<Step>,
}

/// A wrong answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wrong {
    pub(crate) says: String,
    /// Why it is wrong.
    pub(crate) why: String,
}

/// A follow-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) kind: Kind,
    pub(crate) ask: String,
    /// May hold blanks.
    pub(crate) points: Vec<String>,
}

/// What a follow-up is after; a ladder has each kind, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Why,
    WhatIf,
    Number,
    Production,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Why, Self::WhatIf, Self::Number, Self::Production];

    /// Its word in the bank's files.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Why => "why",
            Self::WhatIf => "what-if",
            Self::Number => "number",
            Self::Production => "production",
        }
    }

    /// What an interviewer means by it.
    pub(crate) fn name(self, side: Side) -> &'static str {
        match self {
            Self::Why => side.of("why", "왜"),
            Self::WhatIf => side.of("what if", "만약"),
            Self::Number => side.of("show me the number", "숫자로"),
            Self::Production => side.of("in production", "운영에서"),
        }
    }
}

impl Text {
    /// What tells this text from any other: 12 hexadecimal digits of the SHA-256 of its JSON.
    pub(crate) fn digest(&self) -> String {
        // A struct of texts has a JSON, and its fields have one order.
        let json = serde_json::to_vec(self).unwrap_or_default();
        let digest = Sha256::digest(&json);
        digest[..6].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Every text that may hold blanks.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &str> {
        let ladder = self.ladder.iter().flat_map(|step| &step.points);
        let all = self.points.iter().chain([&self.answer]).chain(ladder);
        all.map(String::as_str)
    }
}

impl Question {
    pub(crate) fn text(&self, side: Side) -> &Text {
        side.of(&self.en, &self.ko)
    }

    /// The digests of both sides as they are now.
    pub(crate) fn digests(&self) -> Digests {
        Digests {
            en: self.en.digest(),
            ko: self.ko.digest(),
        }
    }

    /// The sides that have to be looked at, because the other one has changed since they agreed; none if they do.
    pub(crate) fn stale(&self) -> Vec<Side> {
        let Some(then) = &self.synced else {
            return Side::BOTH.to_vec();
        };
        let now = self.digests();
        let changed = |side: Side| side.of(&now.en, &now.ko) != side.of(&then.en, &then.ko);
        Side::BOTH.into_iter().filter(|side| changed(side.other())).collect()
    }
}

/// All questions that can be used, and what of the bank cannot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bank {
    /// By file, and in each as they stand.
    pub(crate) questions: Vec<Question>,
    /// How answers are scored; `None` if its file is broken or not there.
    pub(crate) rubric: Option<Rubric>,
    /// What was left out, and why.
    pub(crate) broken: Vec<Mistake>,
}

impl Bank {
    /// Reads the bank of a checkout. A question or a file that is broken is told in [`Bank::broken`], and the rest is used.
    pub(crate) fn read(root: &Path) -> Self {
        let mut bank = Self::default();
        for file in files(root) {
            match std::fs::read_to_string(root.join(&file)) {
                Ok(text) if file.ends_with(RUBRIC) => match Rubric::parse(&text, &file) {
                    Ok(rubric) => bank.rubric = Some(rubric),
                    Err(mistake) => bank.broken.push(mistake),
                },
                Ok(text) => bank.add(&text, &file),
                Err(error) => bank.broken.push(Mistake {
                    line: 1,
                    what: format!("cannot be read ({error}); `git checkout -- {file}` brings it back"),
                    file,
                }),
            }
        }
        bank
    }

    fn add(&mut self, text: &str, file: &str) {
        let (questions, broken) = raw::parse(text, file);
        self.broken.extend(broken);
        for question in questions {
            match self.question(&question.id) {
                Some(first) => self.broken.push(Mistake {
                    file: file.to_owned(),
                    line: question.place.line,
                    what: format!(
                        "{} stands in {}:{} already; give this question another id",
                        question.id, first.place.file, first.place.line
                    ),
                }),
                None => self.questions.push(question),
            }
        }
    }

    pub(crate) fn question(&self, id: &str) -> Option<&Question> {
        self.questions.iter().find(|question| question.id == id)
    }

    /// The questions of a chapter, such as `05`.
    pub(crate) fn chapter(&self, chapter: &str) -> impl Iterator<Item = &Question> {
        self.questions
            .iter()
            .filter(move |question| question.chapter == chapter)
    }
}

/// The bank's files, below the checkout, in order; none where there is no such folder.
pub(crate) fn files(root: &Path) -> Vec<String> {
    keep::files::named(root, FOLDER, ".toml")
}

#[cfg(test)]
mod tests;
