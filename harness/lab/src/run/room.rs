//! Whether a folder can be written to, and whether the disk of a run still has room.
//!
//! Asked of the disk and not of who writes to it: when it is full, a broker shuts down, ClickHouse refuses, the journal ends
//! and the processes that wait for them give up, and which of these is heard first is chance.

use std::path::Path;

use anyhow::{Context, ensure};

use crate::text;

/// A disk with less is full: what is written in one go (a part of a merge, a segment's index, a page of the audit) is as
/// large.
const LEAST: u64 = 32_000_000;

/// Free bytes for this user on the disk of a folder.
pub(crate) fn free_bytes(folder: &Path) -> anyhow::Result<u64> {
    let disk =
        rustix::fs::statvfs(folder).with_context(|| format!("the disk of {} cannot be asked", folder.display()))?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Makes the folder, if there is none, and a file in it.
///
/// # Errors
/// It cannot be written to; what to do.
pub(crate) fn writable(folder: &Path) -> anyhow::Result<()> {
    let made = std::fs::create_dir_all(folder);
    takes_files(folder, made.and_then(|()| tempfile::tempfile_in(folder)))
}

/// Whether [`writable`] would find it so, for who only looks: nothing is made that stays.
///
/// # Errors
/// As [`writable`].
pub(crate) fn could_be_written(folder: &Path) -> anyhow::Result<()> {
    let there = folder.ancestors().find(|place| place.exists()).unwrap_or(folder);
    takes_files(folder, tempfile::tempfile_in(there))
}

fn takes_files(folder: &Path, tried: std::io::Result<std::fs::File>) -> anyhow::Result<()> {
    tried.map(drop).with_context(|| {
        format!(
            "{} cannot be written to; set TICKBOOK_HOME to a folder that can",
            folder.display()
        )
    })
}

/// While a run goes on.
///
/// # Errors
/// The disk of the run's `folder` is full; what to do.
pub(crate) fn check(folder: &Path) -> anyhow::Result<()> {
    judge(folder, free_bytes(folder)?)
}

fn judge(folder: &Path, free: u64) -> anyhow::Result<()> {
    ensure!(
        free >= LEAST,
        "the disk of {} is full ({} free), so the run was broken off and not audited; free some (./lab clean removes \
         past runs), or set TICKBOOK_HOME to a larger disk",
        folder.display(),
        text::bytes(free)
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_one_sentence_that_names_the_place_and_what_to_do() {
        let folder = Path::new("/cache/runs/7");
        assert!(judge(folder, LEAST).is_ok());
        assert_eq!(
            judge(folder, 4_096).unwrap_err().to_string(),
            "the disk of /cache/runs/7 is full (4 KB free), so the run was broken off and not audited; free some \
             (./lab clean removes past runs), or set TICKBOOK_HOME to a larger disk"
        );
    }

    #[test]
    fn a_disk_with_room_and_a_folder_that_is_gone_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        check(folder.path()).unwrap();
        let gone = folder.path().join("gone");
        let told = check(&gone).unwrap_err().to_string();
        assert!(told.contains(gone.to_str().unwrap()), "{told}");
    }
}
