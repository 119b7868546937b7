//! `next`: what to build now, and where.

use std::process::ExitCode;

use crate::labs::found;
use crate::reader::standing::{Standing, open, task_text};
use crate::{cargo, note, out};

pub(crate) fn run(word: Option<&str>) -> anyhow::Result<ExitCode> {
    let root = cargo::root();
    let standing = match word {
        Some(word) => Some(Standing::of(found::find(&root, word)?)?),
        None => first_open()?,
    };
    match standing {
        Some(standing) => out(&task_text(&standing)),
        None => out("Every task of every lab passes. Next: ./lab list\n"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Of all labs. One that cannot be read is told of, and passed over.
fn first_open() -> anyhow::Result<Option<Standing>> {
    let mut all = Vec::new();
    for lab in found::all(&cargo::root())? {
        match lab.map_err(anyhow::Error::from).and_then(Standing::of) {
            Ok(standing) => all.push(standing),
            Err(error) => note(&format!("lab: {error:#}")),
        }
    }
    Ok(open(&all).cloned())
}
