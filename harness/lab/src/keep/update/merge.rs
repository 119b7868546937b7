//! One file, three versions: the reader's, the workbook's before, the workbook's now. The reader's survives in every case.

use std::path::{Path, PathBuf};

use crate::keep::KeepError;
use crate::keep::files::{self, State};
use crate::keep::git::Git;

/// What begins the reader's side of a conflict.
pub(super) const YOURS: &str = "<<<<<<< yours";

/// How much of a file is looked at for a zero byte: what git takes for a binary file.
const LOOKED_AT: usize = 8_000;

/// What becomes of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Merged {
    /// What is to stand at its path.
    pub(super) state: State,
    /// What is to stand beside it: the workbook's, where the two cannot be one.
    pub(super) beside: Option<State>,
    pub(super) how: How,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum How {
    /// The reader's, or the workbook's because the reader has not changed it.
    Plain,
    /// Both changes are in it.
    Both,
    /// They are in conflict; markers stand in the file.
    Conflict,
    /// The workbook's is beside, and why.
    Beside(&'static str),
    /// The reader's stays, though the workbook has none any more.
    Removed,
    /// The workbook's newer one, where the reader had removed his.
    Back,
}

/// The three versions of a file.
pub(super) struct Versions<'a> {
    pub(super) yours: &'a State,
    pub(super) old: &'a State,
    pub(super) new: &'a State,
}

impl Versions<'_> {
    /// Merges them. `is_readers` is said of `tests/mine.rs`.
    pub(super) fn merge(&self, git: &Git<'_>, is_readers: bool) -> Result<Merged, KeepError> {
        let Self { yours, old, new } = *self;
        let plain = |state: &State, how| Merged {
            state: state.clone(),
            beside: None,
            how,
        };
        if yours == new || old == new || (is_readers && yours.is_there()) {
            return Ok(plain(yours, How::Plain));
        }
        if yours == old {
            return Ok(plain(new, How::Plain));
        }
        let beside = |why| Merged {
            state: yours.clone(),
            beside: Some(new.clone()),
            how: How::Beside(why),
        };
        match (yours, old, new) {
            (State::Absent, ..) => Ok(plain(new, How::Back)),
            (_, _, State::Absent) => Ok(plain(yours, How::Removed)),
            (_, State::Absent, _) => Ok(beside("the workbook brings a file where you have one of your own")),
            (
                State::File { bytes: mine, runs },
                State::File { bytes: base, runs: ran },
                State::File {
                    bytes: theirs,
                    runs: run,
                },
            ) => {
                let runs = if runs == ran { *run } else { *runs };
                if [mine, base, theirs].iter().any(|bytes| is_binary(bytes)) {
                    return Ok(beside("you and the workbook both changed a file that is not text"));
                }
                let (bytes, conflicts) = three_way(git, mine, base, theirs)?;
                Ok(Merged {
                    state: State::File { bytes, runs },
                    beside: None,
                    how: if conflicts { How::Conflict } else { How::Both },
                })
            }
            _ => Ok(beside("one of you has a link where the other has a file")),
        }
    }
}

fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(LOOKED_AT).any(|byte| *byte == 0)
}

/// What git makes of three texts, and whether there are conflicts in it.
fn three_way(git: &Git<'_>, mine: &[u8], base: &[u8], theirs: &[u8]) -> Result<(Vec<u8>, bool), KeepError> {
    let place = crate::keep::place(git.root())?.join("merge");
    let names = ["yours", "old", "new"].map(|name| place.join(name));
    for (name, bytes) in names.iter().zip([mine, base, theirs]) {
        files::replace(name, bytes)?;
    }
    let [yours, old, new] = [".lab/merge/yours", ".lab/merge/old", ".lab/merge/new"];
    let labels = ["-L", "yours", "-L", "workbook-old", "-L", "workbook-new"];
    let said = git.call(&[&["merge-file", "-p", "--diff3"], labels.as_slice(), &[yours, old, new]].concat())?;
    files::remove(&place)?;
    // The number of conflicts, 127 at most; what is beyond is a failure.
    match said.code() {
        Some(0) => Ok((said.stdout, false)),
        Some(1..=127) => Ok((said.stdout, true)),
        _ => Err(KeepError::Refused(format!(
            "git merge-file failed: {}",
            said.stderr.trim()
        ))),
    }
}

/// Where conflicts begin in a file, as `labs/05-acks/src/link.rs:12`.
pub(super) fn markers(path: &Path, bytes: &[u8]) -> Vec<String> {
    let lines = bytes.split(|byte| *byte == b'\n').zip(1_usize..);
    lines
        .filter(|(line, _)| line.strip_suffix(b"\r").unwrap_or(line) == YOURS.as_bytes())
        .map(|(_, number)| format!("{}:{number}", path.display()))
        .collect()
}

/// The name of the workbook's version beside the reader's: one that nothing has yet, or that has the same.
pub(super) fn beside(root: &Path, path: &Path, state: &State) -> Result<PathBuf, KeepError> {
    let mut number = 1;
    loop {
        let mut name = path.as_os_str().to_owned();
        name.push(".workbook-new");
        if number > 1 {
            name.push(format!("-{number}"));
        }
        let name = PathBuf::from(name);
        if !files::is_there(&root.join(&name)) || State::at(root, &name)? == *state {
            return Ok(name);
        }
        number += 1;
    }
}
