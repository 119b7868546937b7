//! `book/claims/`: the guide's claims and the rules that judge them, a file a chapter. A broken row is told, and the others are used.

use std::collections::BTreeSet;
use std::path::Path;

use measure::Claim;
use serde::Deserialize;
use toml::Spanned;

use crate::keep;
use crate::labs::manifest::line_of;

/// Where they stand, from the root.
pub(crate) const FOLDER: &str = "book/claims";

/// A mistake in one of the book's files: file, line and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{file}:{line}: {what}")]
pub(crate) struct Mistake {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// A claim, and where it is written.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) claim: Claim,
}

/// The claims, and what is wrong with their files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims {
    rows: Vec<Row>,
    pub(crate) mistakes: Vec<Mistake>,
}

impl Claims {
    /// Reads them; a checkout without the folder has none.
    pub(crate) fn read(root: &Path) -> Self {
        let mut read = Self::default();
        let mut seen = BTreeSet::new();
        for file in keep::files::named(root, FOLDER, ".toml") {
            match std::fs::read_to_string(root.join(&file)) {
                Ok(text) => read.parse(&file, &text, &mut seen),
                Err(error) => read.mistakes.push(Mistake {
                    file,
                    line: 1,
                    what: format!("cannot be read ({error}); correct its rights"),
                }),
            }
        }
        read
    }

    fn parse(&mut self, file: &str, text: &str, seen: &mut BTreeSet<String>) {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            #[serde(default)]
            claim: Vec<Spanned<toml::Value>>,
        }
        let mut wrong = |line, what| {
            self.mistakes.push(Mistake {
                file: file.into(),
                line,
                what,
            });
        };
        let rows: File = match toml::from_str(text) {
            Ok(rows) => rows,
            Err(error) => {
                let line = error.span().map_or(1, |span| line_of(text, span.start));
                return wrong(line, format!("{}; correct this line", error.message()));
            }
        };
        for row in rows.claim {
            let line = line_of(text, row.span().start);
            match Claim::deserialize(row.into_inner()) {
                Err(error) => wrong(
                    line,
                    format!("{}; correct this claim, the others are used", error.message()),
                ),
                Ok(claim) => match fault(&claim, seen) {
                    Some(what) => wrong(line, format!("claim {}: {what}", claim.id)),
                    None => self.rows.push(Row {
                        file: file.into(),
                        line,
                        claim,
                    }),
                },
            }
        }
    }

    /// The claims with their places, in the chapters' order.
    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The claims, in the chapters' order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Claim> {
        self.rows.iter().map(|row| &row.claim)
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Claim> {
        self.all().find(|claim| claim.id == id)
    }
}

/// What a claim lacks to be judged.
fn fault(claim: &Claim, seen: &mut BTreeSet<String>) -> Option<String> {
    if !seen.insert(claim.id.clone()) {
        return Some("there are two of this id; rename one".into());
    }
    match (claim.check.is_empty(), &claim.not_here) {
        (true, None) => return Some("it has neither checks nor a reason why it is not measured here; give one".into()),
        (false, Some(_)) => return Some("it has checks and a reason why it is not measured here; keep one".into()),
        _ => {}
    }
    let bare = claim
        .check
        .iter()
        .find(|check| check.at_least.is_none() && check.at_most.is_none());
    bare.map(|check| format!("the check of {} has neither at_least nor at_most; give one", check.of))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = "[[claim]]\nid = \"a\"\nchapter = \"05\"\nguide = []\nsays = \"x\"\nbecause = \"y\"\n";

    fn read(text: &str) -> Claims {
        let mut read = Claims::default();
        read.parse("book/claims/05-a.toml", text, &mut BTreeSet::new());
        read
    }

    #[test]
    fn a_broken_row_is_told_with_its_line_and_the_others_are_used() {
        let check = "check = [{ when = \"here\", of = \"e p99 a=1\", at_least = 1 }]\n";
        let good = format!("{ROW}{check}");
        for (bad, says) in [
            (
                "[[claim]]\nid = \"b\"\n".to_owned(),
                "book/claims/05-a.toml:9: missing field",
            ),
            (ROW.replace("\"a\"", "\"b\""), "claim b: it has neither checks nor"),
            (good.clone(), "claim a: there are two of this id"),
            (
                good.replace("id = \"a\"", "id = \"b\"").replace(", at_least = 1", ""),
                "claim b: the check of e p99 a=1 has neither at_least",
            ),
            (
                good.replace("id = \"a\"", "id = \"b\"").replace("e p99 a=1", "e p99"),
                "names no figure",
            ),
        ] {
            let read = read(&format!("{good}\n{bad}"));
            assert_eq!(read.rows.len(), 1, "{bad}");
            let said = read.mistakes[0].to_string();
            assert!(
                said.starts_with("book/claims/05-a.toml:9: ") && said.contains(says),
                "{says:?} is not in {said:?}"
            );
        }
        let read = read("[[claim]\n");
        assert_eq!((read.rows.len(), read.mistakes[0].line), (0, 1));
    }
}
