//! `book/claims.toml`: the guide's claims and the rules that judge them. A broken row is told, and the others are used.

use std::collections::BTreeSet;
use std::path::Path;

use measure::Claim;
use serde::Deserialize;
use toml::Spanned;

use crate::labs::manifest::line_of;

/// Where they stand, from the root.
pub(crate) const FILE: &str = "book/claims.toml";

/// A mistake in one of the book's files: file, line and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{file}:{line}: {what}")]
pub(crate) struct Mistake {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// The claims, and what is wrong with the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims {
    /// With the line of each.
    pub(crate) all: Vec<(usize, Claim)>,
    pub(crate) mistakes: Vec<Mistake>,
}

impl Claims {
    /// Reads them; a checkout without the file has none.
    pub(crate) fn read(root: &Path) -> Self {
        match std::fs::read_to_string(root.join(FILE)) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(error) => Self {
                mistakes: vec![mistake(1, format!("cannot be read ({error}); correct its rights"))],
                ..Self::default()
            },
        }
    }

    pub(crate) fn parse(text: &str) -> Self {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            #[serde(default)]
            claim: Vec<Spanned<toml::Value>>,
        }
        let mut read = Self::default();
        let file: File = match toml::from_str(text) {
            Ok(file) => file,
            Err(error) => {
                let line = error.span().map_or(1, |span| line_of(text, span.start));
                read.mistakes
                    .push(mistake(line, format!("{}; correct this line", error.message())));
                return read;
            }
        };
        let mut seen = BTreeSet::new();
        for row in file.claim {
            let line = line_of(text, row.span().start);
            match Claim::deserialize(row.into_inner()) {
                Err(error) => read.mistakes.push(mistake(
                    line,
                    format!("{}; correct this claim, the others are used", error.message()),
                )),
                Ok(claim) => match fault(&claim, &mut seen) {
                    Some(what) => read.mistakes.push(mistake(line, format!("claim {}: {what}", claim.id))),
                    None => read.all.push((line, claim)),
                },
            }
        }
        read
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Claim> {
        self.all.iter().map(|(_, claim)| claim).find(|claim| claim.id == id)
    }
}

fn mistake(line: usize, what: String) -> Mistake {
    Mistake {
        file: FILE.into(),
        line,
        what,
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

    #[test]
    fn a_broken_row_is_told_with_its_line_and_the_others_are_used() {
        let check = "check = [{ when = \"here\", of = \"e p99 a=1\", at_least = 1 }]\n";
        let good = format!("{ROW}{check}");
        for (bad, says) in [
            (
                "[[claim]]\nid = \"b\"\n".to_owned(),
                "book/claims.toml:9: missing field",
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
            let read = Claims::parse(&format!("{good}\n{bad}"));
            assert_eq!(read.all.len(), 1, "{bad}");
            let said = read.mistakes[0].to_string();
            assert!(
                said.starts_with("book/claims.toml:9: ") && said.contains(says),
                "{says:?} is not in {said:?}"
            );
        }
        let read = Claims::parse("[[claim]\n");
        assert_eq!((read.all.len(), read.mistakes[0].line), (0, 1));
    }
}
