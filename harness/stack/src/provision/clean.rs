//! Taking away what was fetched and what runs left, and nothing that is in use.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{PROVISION_LOCK, home, store};
use crate::engine::sweep;
use crate::error::StackError;
use crate::rundir;

/// Removes the folders of all runs that have ended, kept ones too, and their containers, if an engine has any; returns the
/// bytes of the folders.
pub fn clean_runs() -> u64 {
    if let Err(error) = sweep::dead() {
        tracing::info!(%error, "no containers were looked for");
    }
    rundir::remove_all(&home())
}

/// Removes the cache folder with everything in it, and returns the bytes freed.
///
/// # Errors
/// A run or a download goes on in it, whoever owns it; or it cannot be removed.
pub fn remove_home() -> Result<u64, StackError> {
    remove_home_in(&home())
}

/// Bytes of all files below a folder; what cannot be read counts nothing.
pub fn bytes_of(folder: &Path) -> u64 {
    let files = store::walk(folder).unwrap_or_default();
    let sizes = files.iter().filter_map(|file| fs::metadata(file).ok());
    // As the disk has it: logs and indexes of servers are mostly holes.
    sizes.map(|found| found.blocks() * 512).sum()
}

fn remove_home_in(home: &Path) -> Result<u64, StackError> {
    let in_use = |by: String| StackError::InUse {
        path: home.to_path_buf(),
        by,
    };
    let path = home.join(PROVISION_LOCK);
    let fetching = match File::options().write(true).open(&path) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(StackError::io("opening", &path)(error)),
    };
    if fetching.as_ref().is_some_and(|file| file.try_lock().is_err()) {
        return Err(in_use("a process that fetches the servers".into()));
    }
    let (owners, _no_run_begins) = rundir::living(home)?;
    if !owners.is_empty() {
        let word = if owners.len() == 1 { "process" } else { "processes" };
        return Err(in_use(format!("the servers of {word} {}", owners.join(", "))));
    }
    let bytes = bytes_of(home);
    fs::remove_dir_all(home).map_err(StackError::io("removing", home))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provision::lock;

    #[test]
    fn nothing_is_removed_from_under_a_run_or_a_download_whoever_owns_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let home = folder.path().join("tickbook");
        let run = rundir::RunDir::create(&home, false).expect("a run");
        fs::write(home.join("fetched"), "1234").expect("writing");
        let refused = |who: &str| {
            let error = remove_home_in(&home).expect_err(who).to_string();
            assert!(error.contains(who) && error.lines().count() == 1, "{error}");
            assert!(home.join("fetched").exists(), "{error}, and yet it was removed");
        };
        refused(&format!("process {}", std::process::id()));
        drop(run);
        let fetching = lock(&home, false).expect("the turn to fetch");
        refused("fetches");
        drop(fetching);
        assert!(remove_home_in(&home).expect("nobody uses it") >= 4);
        assert!(!home.exists());
    }
}
