//! The folder of one run: who owns it, when it goes, and what a dead owner left behind.
//!
//! A run is alive as long as its owner holds the lock on `owner`. A lock and not a process id: the system gives it back
//! however the owner ends, and no later process can be mistaken for it.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::StackError;

/// Beside the servers' folders: says what is to stay when the owner is gone. The launcher reads it too.
const KEEP: &str = "keep";
const OWNER: &str = "owner";

/// A run's folder, while its owner lives.
#[derive(Debug)]
pub(crate) struct RunDir {
    path: PathBuf,
    _lock: File,
}

impl RunDir {
    /// Makes a new one below `home`, after sweeping away those of dead owners.
    pub(crate) fn create(home: &Path, keep: bool) -> Result<Self, StackError> {
        let runs = home.join("runs");
        fs::create_dir_all(&runs).map_err(|source| StackError::Home {
            path: home.to_path_buf(),
            source,
        })?;
        // Held while a folder is made or swept: one without an owner's lock would look dead to the other.
        let guard_path = runs.join(".lock");
        let guard = File::create(&guard_path).map_err(|source| StackError::Home {
            path: home.to_path_buf(),
            source,
        })?;
        guard.lock().map_err(StackError::io("locking", &guard_path))?;
        sweep(&runs);

        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let name = crate::stack::unique(&format!("{seconds}-{}", std::process::id()));
        let path = runs.join(name);
        fs::create_dir(&path).map_err(StackError::io("creating", &path))?;
        let owner = path.join(OWNER);
        fs::write(&owner, format!("pid {}\n", std::process::id())).map_err(StackError::io("writing", &owner))?;
        let lock = File::open(&owner).map_err(StackError::io("opening", &owner))?;
        lock.lock().map_err(StackError::io("locking", &owner))?;
        let run = Self { path, _lock: lock };
        if keep {
            run.keep();
        }
        Ok(run)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder stays as it is, for good.
    pub(crate) fn keep(&self) {
        mark(&self.path, "all\n");
    }

    /// Logs and configuration stay, the data goes. Does not lessen [`RunDir::keep`].
    pub(crate) fn keep_logs(&self) {
        keep_logs(&self.path);
    }

    /// Removes what is not to be kept. The servers must be gone.
    pub(crate) fn remove(&self) -> Result<(), StackError> {
        match fs::read_to_string(self.path.join(KEEP)).as_deref().map(str::trim) {
            Ok("logs") => {
                for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
                    let _ = fs::remove_dir_all(entry.path().join("data"));
                }
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(_) if !self.path.exists() => Ok(()),
            Err(_) => fs::remove_dir_all(&self.path).map_err(StackError::io("removing", &self.path)),
        }
    }
}

/// See [`RunDir::keep_logs`].
pub(crate) fn keep_logs(run: &Path) {
    if run.is_dir() && !run.join(KEEP).exists() {
        mark(run, "logs\n");
    }
}

fn mark(run: &Path, what: &str) {
    // A disk that takes no four bytes is no reason to fail a run that has just failed.
    let _ = fs::write(run.join(KEEP), what);
}

/// Removes the folders of owners that are gone, unless they are to be kept.
fn sweep(runs: &Path) {
    for entry in fs::read_dir(runs).into_iter().flatten().flatten() {
        let run = entry.path();
        if run.is_dir() && !run.join(KEEP).exists() && is_orphan(&run) {
            // What cannot go now (a server that its keeper is just killing) goes at the next sweep.
            let _ = fs::remove_dir_all(&run);
        }
    }
}

/// Removes every folder whose owner is gone, kept ones too, and tells how many bytes that freed.
pub(crate) fn remove_all(home: &Path) -> u64 {
    let mut freed = 0;
    for entry in fs::read_dir(home.join("runs")).into_iter().flatten().flatten() {
        let run = entry.path();
        if run.is_dir() && is_orphan(&run) {
            let files = crate::provision::files(&run);
            let bytes: u64 = files
                .iter()
                .filter_map(|file| fs::metadata(file).ok())
                .map(|found| found.len())
                .sum();
            if fs::remove_dir_all(&run).is_ok() {
                freed += bytes;
            }
        }
    }
    freed
}

/// Whether nobody holds the owner's lock. Where the filesystem cannot lock, nobody is taken for dead.
fn is_orphan(run: &Path) -> bool {
    match File::open(run.join(OWNER)) {
        Ok(owner) => match owner.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
        },
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_dead_owners_are_swept_and_living_and_kept_ones_are_not() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let living = RunDir::create(home.path(), false).expect("creating");
        let dead = RunDir::create(home.path(), false).expect("creating");
        let kept = RunDir::create(home.path(), true).expect("creating");
        let failed = RunDir::create(home.path(), false).expect("creating");
        failed.keep_logs();
        let paths: Vec<_> = [&living, &dead, &kept, &failed]
            .map(|run| run.path().to_path_buf())
            .into();
        // Dropping gives back the lock and nothing else: what the system does for an owner that was killed.
        drop((dead, kept, failed));
        let _next = RunDir::create(home.path(), false).expect("creating");
        let there: Vec<_> = paths.iter().map(|path| path.exists()).collect();
        assert_eq!(
            there,
            [true, false, true, true],
            "living, dead, kept, failed; see rundir::sweep"
        );
    }

    #[test]
    fn a_failed_run_keeps_its_logs_and_not_its_data() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let run = RunDir::create(home.path(), false).expect("creating");
        fs::create_dir_all(run.path().join("kafka-1/data")).expect("creating");
        fs::write(run.path().join("kafka-1/server.log"), "why").expect("writing");
        run.keep_logs();
        run.remove().expect("removing");
        assert!(run.path().join("kafka-1/server.log").exists(), "the log must stay");
        assert!(!run.path().join("kafka-1/data").exists(), "the data must go");
    }
}
