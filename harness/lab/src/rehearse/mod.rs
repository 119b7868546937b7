//! The rehearsal: questions of the bank, answered against the clock, held against their key points, scored, and asked again when
//! they are due.
//!
//! [`session`] knows what is asked and what came of it; [`drill`] and [`draw`] put it on a screen, [`plain`] into lines;
//! [`schedule`] and [`mock`] choose what is asked; [`review`] and [`answers`] keep what was done, and nothing leaves the machine.

mod answers;
mod draw;
mod drill;
mod editor;
mod mock;
mod plain;
pub(crate) mod review;
pub(crate) mod schedule;
mod screen;
mod session;
mod summary;
mod words;
mod wrap;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use jiff::civil::Date;

use crate::bank::template::{Blank, Gap, Piece, Why};
use crate::bank::{Bank, Question, Side, quotable};
use crate::keep;
use crate::measuring::Known;
use crate::{note, out};

use drill::{Drill, Moment};
use session::{Asked, Keep, Session, Terms};
use summary::Facts;

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// As the bank has it: `05`.
    pub(crate) chapter: Option<String>,
    pub(crate) limit: Duration,
    pub(crate) mock: bool,
    pub(crate) side: Side,
    /// In lines also where there is a terminal.
    pub(crate) plain: bool,
    /// Draws what a mock interview asks.
    pub(crate) seed: u64,
}

/// Rehearses.
///
/// # Errors
/// There is nothing to ask; what must be kept cannot be.
pub(crate) fn run(root: &Path, wanted: &Wanted) -> anyhow::Result<()> {
    let bank = Bank::read(root);
    for mistake in &bank.broken {
        note(&format!("lab: {mistake}"));
    }
    let rehearsal = Rehearsal {
        root: root.to_path_buf(),
        wanted: wanted.clone(),
        bank,
        begun: Instant::now(),
    };
    rehearsal.hold()
}

struct Rehearsal {
    root: PathBuf,
    wanted: Wanted,
    bank: Bank,
    begun: Instant,
}

impl Rehearsal {
    fn hold(self) -> anyhow::Result<()> {
        let reviews = review::read(&self.root).context("the reviews cannot be read")?;
        let today = keep::progress::today();
        let questions = chosen(&self.bank, self.wanted.chapter.as_deref())?;
        let Some(rubric) = self.bank.rubric.clone() else {
            bail!("book/questions/rubric.toml cannot be used; ./lab questions check says why");
        };
        let cards = schedule::cards(&reviews);
        let due = schedule::next(questions.iter().copied(), &cards);
        let order = match self.wanted.mock {
            true => mock::mix(questions, &cards, self.wanted.seed),
            false => schedule::order(questions, &cards, today),
        };
        if order.is_empty() {
            let due = due.unwrap_or(today);
            out(&format!(
                "Nothing is due before {due}, and every question was asked. To practise all the same: ./lab rehearse --mock\n"
            ));
            return Ok(());
        }
        // Files are written when there is something to keep; that the folder is git's to ignore must be so before.
        keep::place(&self.root)?;
        let known = Known::read(&self.root);
        if let Err(error) = &known {
            note(&format!("lab: no numbers are filled in: {error:#}"));
        }
        let filled = |blank: &Blank| match &known {
            Ok(known) => quotable(known, blank),
            Err(_) => Piece::Blank(Gap {
                why: Why::Missing,
                measure: "./lab bench".into(),
            }),
        };
        let asked = order
            .into_iter()
            .map(|question| Asked::new(question, self.wanted.side, &filled));
        let terms = Terms {
            side: self.wanted.side,
            mock: self.wanted.mock,
            limit: self.wanted.limit,
            rubric,
        };
        let mut session = Session::new(terms, asked.collect());
        let rows = match self.wanted.plain || !crate::can_draw() {
            true => {
                let dialogue = plain::Dialogue {
                    input: &mut std::io::stdin().lock(),
                    output: &mut std::io::stdout().lock(),
                };
                plain::drive(&mut session, dialogue, &|| self.now(), &mut |kept| self.keep(kept))?;
                self.summary(&session)?
            }
            false => {
                let mut drill = Drill::new(session);
                screen::drive(&mut drill, &|| self.now(), &mut |kept| self.keep(kept), &|session| {
                    self.summary(session)
                })?;
                self.summary(&drill.session)?
            }
        };
        out(&plain::summary(&rows));
        out(self.wanted.side.of(
            "\nTyped answers are kept in .lab/rehearsal/answers. Next: ./lab rehearse\n",
            "\n입력한 답변: .lab/rehearsal/answers. 다음: ./lab rehearse --lang ko\n",
        ));
        Ok(())
    }

    fn now(&self) -> Moment {
        Moment {
            elapsed: self.begun.elapsed(),
            date: crate::text::now(),
            day: keep::progress::today(),
        }
    }

    fn keep(&self, kept: &Keep) -> anyhow::Result<()> {
        keep(&self.root, kept, keep::progress::today())
    }

    fn summary(&self, session: &Session) -> anyhow::Result<Vec<summary::Row>> {
        // What is broken was told at the beginning; here a session's screen would be written over.
        let (reviews, _) = review::read_with_broken(&self.root).context("the reviews cannot be read")?;
        Ok(summary::rows(&Facts {
            session,
            reviews: &reviews,
            bank: &self.bank,
            today: keep::progress::today(),
            took: self.begun.elapsed(),
        }))
    }
}

/// Keeps what must not be lost, as soon as it is there.
fn keep(root: &Path, kept: &Keep, day: Date) -> anyhow::Result<()> {
    let written = match kept {
        Keep::Review(review) => review::append(root, review),
        Keep::Answer {
            question,
            ask,
            text,
            took,
        } => answers::keep(root, day, question, ask, text, *took),
    };
    written.map_err(|error| {
        let unkept = match kept {
            Keep::Review(review) => serde_json::to_string(review).unwrap_or_default(),
            Keep::Answer { text, .. } => text.clone(),
        };
        anyhow!(
            "{} cannot be written: {error}. Make room there, or make it writable. This is kept nowhere else:\n\n{unkept}",
            review::folder(root).display()
        )
    })
}

/// The questions of a chapter, or all.
fn chosen<'a>(bank: &'a Bank, chapter: Option<&str>) -> anyhow::Result<Vec<&'a Question>> {
    let all = &bank.questions;
    if all.is_empty() {
        bail!("book/questions holds no question that can be asked; ./lab questions check says what is broken there");
    }
    let these: Vec<&Question> = match chapter {
        Some(chapter) => bank.chapter(chapter).collect(),
        None => all.iter().collect(),
    };
    if let (true, Some(chapter)) = (these.is_empty(), chapter) {
        let mut chapters: Vec<&str> = all.iter().map(|question| question.chapter.as_str()).collect();
        chapters.sort_unstable();
        chapters.dedup();
        bail!(
            "the bank has no questions of chapter {chapter}; there are some of {}. Next: ./lab rehearse --chapter {}",
            chapters.join(", "),
            chapters[0]
        );
    }
    Ok(these)
}

#[cfg(test)]
mod tests;
