//! A lab back to what the workbook ships: first a backup, then the files, then the progress.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::files::{Staged, State};
use super::git::Git;
use super::update::plan::Plan;
use super::{KeepError, Lock, Progress, backup, shipped};

/// Files by their path below a lab.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

/// What a reset did.
#[derive(Debug)]
pub struct Reset {
    /// `05-acks`.
    pub folder: String,
    /// Where everything is that was there, from the root; `None` if there was nothing, or nothing to change.
    pub backup: Option<PathBuf>,
    /// What was written or removed, from the root.
    pub changed: Vec<PathBuf>,
    /// Whether `tests/mine.rs` stays as the reader has it.
    pub mine_stays: bool,
    /// How many tasks had passed, which is forgotten.
    pub forgotten: usize,
    /// Why that could not be forgotten: the files are back all the same.
    pub unforgotten: Option<KeepError>,
}

/// Puts the lab that `word` means back to what the workbook ships: `made` by its folder, the files below it as the reference
/// makes them, for a reader may have committed his own; without them the files of the checkout's commit. After a backup, whose
/// place is told to `told` before anything changes. `tests/mine.rs` stays unless `all`.
///
/// # Errors
/// There is no such lab, an update is half-way, the backup cannot be made (then nothing is changed), or a file cannot be
/// written (the next reset does the rest).
pub fn reset(
    root: &Path,
    word: &str,
    all: bool,
    made: &dyn Fn(&str) -> Option<Files>,
    told: &mut dyn FnMut(&Path),
) -> Result<Reset, KeepError> {
    let git = Git::open(root)?;
    let head = git.commit("HEAD")?.unwrap_or_default();
    let folder = shipped::meant(&git, &head, word)?;
    let lock = Lock::take(root)?;
    if Plan::load(root)?.is_some() {
        return Err(KeepError::Refused(
            "an update is half-way; first let it end: ./lab update".into(),
        ));
    }
    let lab = shipped::lab(&folder);
    backup::refuse_link(&root.join(&lab))?;
    let theirs = match made(&folder) {
        Some(files) => {
            let file = |(path, bytes)| (lab.join::<PathBuf>(path), State::File { bytes, runs: false });
            files.into_iter().map(file).collect()
        }
        None => shipped::files(&git, &head, &folder)?,
    };
    let mine = lab.join("tests/mine.rs");
    // Through a link as well: whoever has his tests elsewhere keeps them.
    let mine_stays = !all && root.join(&mine).exists();
    let stays = |path: &Path| mine_stays && mine.starts_with(path) || path.starts_with(lab.join(".git"));

    // Written beside before the backup's name is said: a full disk shows here, and has changed nothing.
    let mut staged = Staged::new(root)?;
    let mut changed = Vec::new();
    let found = shipped::on_disk(root, &folder)?;
    let extra = found
        .iter()
        .filter(|path| !theirs.contains_key(*path))
        .map(|path| (path, &State::Absent));
    for (path, state) in extra.chain(&theirs).filter(|(path, _)| !stays(path)) {
        if staged.put(path, state)? {
            changed.push(path.clone());
        }
    }
    let mut kept = None;
    if !staged.is_empty() {
        kept = backup::make(&lock, root, &folder)?;
        if let Some(backup) = &kept {
            told(backup);
            backup::holds(root, &folder, backup, &changed)?;
        }
    }
    staged.apply()?;
    let mut forgotten = 0;
    let progress = Progress::change_under(&lock, root, &folder, |progress| {
        forgotten = progress.tasks.values().filter(|task| task.passed.is_some()).count();
        progress.forget_passed();
    });
    Ok(Reset {
        folder,
        backup: kept,
        changed,
        mine_stays,
        forgotten,
        unforgotten: progress.err(),
    })
}

#[cfg(test)]
mod tests;
