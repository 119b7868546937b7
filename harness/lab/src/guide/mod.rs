//! `book/guide.toml`: the inventory of the guide, and how much of it the workbook treats.

mod coverage;
mod targets;

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::labs::manifest::line_of;
use crate::measuring::claims::Mistake;

pub(crate) use coverage::table;
pub(crate) use targets::{Places, check};

/// Where it stands, from the root.
pub(crate) const FILE: &str = "book/guide.toml";

/// One of the guide's documents.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) number: u8,
    pub(crate) title: String,
    pub(crate) items: Vec<Item>,
}

/// One thing that the guide says, asks, shows or names.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// Of the file, from 1.
    pub(crate) line: usize,
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) says: String,
    pub(crate) checkable: bool,
    /// Absent for what is no matter of streaming.
    pub(crate) chapter: Option<String>,
    pub(crate) to: Vec<Target>,
}

/// What an item is: the letter of its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Section,
    Claim,
    Question,
    Code,
    Design,
    System,
}

impl Kind {
    pub(crate) const ALL: [(Self, &'static str, char); 6] = [
        (Self::Section, "section", 'h'),
        (Self::Claim, "claim", 'c'),
        (Self::Question, "question", 'q'),
        (Self::Code, "code", 'x'),
        (Self::Design, "design", 'd'),
        (Self::System, "system", 's'),
    ];

    /// From `g1-c-136`.
    fn of(id: &str) -> Option<Self> {
        let letter = id.split('-').nth(1)?;
        let is = |(_, _, its): &&(Self, &str, char)| letter.chars().eq([*its]);
        Self::ALL.iter().find(is).map(|(kind, _, _)| *kind)
    }
}

/// Where the workbook treats an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A row of `book/claims/`.
    Claim(String),
    /// A question of the bank.
    Question(String),
    /// A page below `book/src`, with its anchor if it has one.
    Page(String),
    /// In a chapter that is to come.
    Planned,
    /// Nowhere, because it is no matter of streaming.
    LeftOut,
}

impl Target {
    fn read(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("claim", id)) => Ok(Self::Claim(id.to_owned())),
            Some(("question", id)) => Ok(Self::Question(id.to_owned())),
            Some(("page", page)) => Ok(Self::Page(page.to_owned())),
            None if text == "planned" => Ok(Self::Planned),
            None if text == "left-out" => Ok(Self::LeftOut),
            _ => Err(format!(
                "{text:?} is no target; write claim:ID, question:ID, page:FILE, planned or left-out"
            )),
        }
    }
}

/// The inventory, and what is wrong with the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guide {
    pub(crate) documents: Vec<Document>,
    pub(crate) mistakes: Vec<Mistake>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    document: Vec<RawDocument>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDocument {
    number: u8,
    title: String,
    lines: u32,
    items: Vec<Spanned<RawItem>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawItem {
    id: String,
    #[serde(rename = "at")]
    _at: String,
    lines: [u32; 2],
    says: String,
    #[serde(rename = "number")]
    _number: Option<String>,
    #[serde(default)]
    checkable: bool,
    chapter: Option<String>,
    to: Vec<String>,
}

impl Guide {
    /// Reads it; a checkout without the file has an empty one.
    pub(crate) fn read(root: &Path) -> Self {
        match std::fs::read_to_string(root.join(FILE)) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(error) => Self {
                documents: Vec::new(),
                mistakes: vec![mistake(1, format!("cannot be read ({error}); correct its rights"))],
            },
        }
    }

    pub(crate) fn parse(text: &str) -> Self {
        let mut guide = Self::default();
        let file: RawFile = match toml::from_str(text) {
            Ok(file) => file,
            Err(error) => {
                let line = error.span().map_or(1, |span| line_of(text, span.start));
                let what = format!("{}; correct this line", error.message().replace('\n', " "));
                guide.mistakes.push(mistake(line, what));
                return guide;
            }
        };
        let mut seen = BTreeSet::new();
        for document in file.document {
            let mut items = Vec::with_capacity(document.items.len());
            for raw in document.items {
                let line = line_of(text, raw.span().start);
                match item(raw.into_inner(), line, document.lines, &mut seen) {
                    Ok(item) => items.push(item),
                    Err(what) => guide.mistakes.push(mistake(line, what)),
                }
            }
            guide.documents.push(Document {
                number: document.number,
                title: document.title,
                items,
            });
        }
        guide
    }

    pub(crate) fn items(&self) -> impl Iterator<Item = &Item> {
        self.documents.iter().flat_map(|document| &document.items)
    }
}

pub(crate) fn mistake(line: usize, what: String) -> Mistake {
    Mistake {
        file: FILE.into(),
        line,
        what,
    }
}

fn item(raw: RawItem, line: usize, of: u32, seen: &mut BTreeSet<String>) -> Result<Item, String> {
    let kind = Kind::of(&raw.id).ok_or_else(|| {
        format!(
            "{:?} is no id; write document, kind and number, such as g1-c-136",
            raw.id
        )
    })?;
    if !seen.insert(raw.id.clone()) {
        return Err(format!("{} stands here twice; remove one", raw.id));
    }
    let [from, to] = raw.lines;
    if from == 0 || to < from || to > of {
        return Err(format!(
            "{}: lines {from} to {to} are not in a document of {of}; correct them",
            raw.id
        ));
    }
    let targets = raw
        .to
        .iter()
        .map(|text| Target::read(text))
        .collect::<Result<Vec<_>, _>>()?;
    if targets.is_empty() {
        return Err(format!("{} has no target; write planned if it is to come", raw.id));
    }
    Ok(Item {
        line,
        id: raw.id,
        kind,
        says: raw.says,
        checkable: raw.checkable,
        chapter: raw.chapter,
        to: targets,
    })
}

#[cfg(test)]
mod tests;
