//! What the workbook ships of a lab: the files of the checkout's commit, not of the reader's index.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::files::{self, Staged, State};
use super::git::Git;
use super::{KeepError, Lock, backup};
use crate::folder::is_meant;

/// What cargo asks for whatever is built.
const NEEDED: [&str; 3] = ["Cargo.toml", "src/lib.rs", "tests/mine.rs"];

/// `labs/FOLDER`, from the root.
pub(crate) fn lab(folder: &str) -> PathBuf {
    Path::new("labs").join(folder)
}

/// The files that the commit has of a lab, by path from the root.
pub(crate) fn files(git: &Git<'_>, commit: &str, folder: &str) -> Result<BTreeMap<PathBuf, State>, KeepError> {
    git.states(commit, &[&lab(folder)])
}

/// What stands in a lab's folder but folders, by path from the root. No folder is no files.
pub(crate) fn on_disk(root: &Path, folder: &str) -> Result<Vec<PathBuf>, KeepError> {
    let lab = lab(folder);
    let place = root.join(&lab);
    if !place.is_dir() {
        return Ok(Vec::new());
    }
    let found = files::walk(&place)?.into_iter().filter(|(_, about)| !about.is_dir());
    Ok(found.map(|(path, _)| lab.join(path)).collect())
}

/// Which lab a word means: `5`, `05`, `acks` or `05-acks`, of those that the commit has. A lab whose folder was deleted is
/// still meant.
///
/// # Errors
/// It means none.
pub(crate) fn meant(git: &Git<'_>, commit: &str, word: &str) -> Result<String, KeepError> {
    let labs = git.labs(commit)?;
    labs.iter()
        .find(|folder| is_meant(folder, word))
        .cloned()
        .ok_or_else(|| {
            KeepError::Refused(match labs.as_slice() {
                [] => "this checkout's commit has no labs; to bring a newer workbook: ./lab update".into(),
                labs => format!(
                    "no lab is called {word:?}; there are {}. Next: ./lab list",
                    labs.join(", ")
                ),
            })
        })
}

/// Writes the files that the workbook ships of a lab and that are absent, never an existing one, if one of those is absent that
/// cargo needs of every member of a workspace: without it no lab would build. Another file that is gone was taken away by the
/// reader, and what it held stands elsewhere now; `reset` brings that back. Returns what was written, from the root.
///
/// Takes the checkout's lock, if there is something to write.
///
/// A module that the reader has moved (`src/link.rs` to `src/link/mod.rs`, or back) is not absent.
///
/// # Errors
/// The checkout cannot be asked, or a file cannot be written; what was not there then still is not.
pub fn restore_missing(root: &Path, folder: &str) -> Result<Vec<PathBuf>, KeepError> {
    backup::refuse_link(&root.join(lab(folder)))?;
    if NEEDED
        .iter()
        .all(|path| files::is_there(&root.join(lab(folder)).join(path)))
    {
        return Ok(Vec::new());
    }
    let git = Git::open(root)?;
    let Some(head) = git.commit("HEAD")? else {
        return Ok(Vec::new());
    };
    let is_absent = |path: &Path| !files::is_there(&root.join(path)) && !moved(root, path);
    let shipped: Vec<_> = files(&git, &head, folder)?
        .into_iter()
        .filter(|(path, _)| is_absent(path))
        .collect();
    if shipped.is_empty() {
        return Ok(Vec::new());
    }
    let _lock = Lock::take(root)?;
    let mut staged = Staged::new(root)?;
    let mut written = Vec::new();
    // Once more, now that nobody else writes. Below a file or a link of the reader's nothing is put: it would have to go.
    for (path, state) in shipped.iter().filter(|(path, _)| is_absent(path)) {
        if !files::has_foreign_parent(root, path) {
            staged.put(path, state)?;
            written.push(path.clone());
        }
    }
    staged.apply()?;
    Ok(written)
}

/// Whether the module at `path` stands in its other place.
fn moved(root: &Path, path: &Path) -> bool {
    if path.extension().is_none_or(|extension| extension != "rs") {
        return false;
    }
    let other = match (path.file_name().and_then(|name| name.to_str()), path.parent()) {
        (Some("mod.rs"), Some(folder)) => folder.with_extension("rs"),
        _ => path.with_extension("").join("mod.rs"),
    };
    files::is_there(&root.join(other))
}
