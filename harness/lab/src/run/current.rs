//! The run that goes on, as other processes find it: a file that says where everything is, and a lock that the system
//! gives back however the run ends. (A process id in a file may be somebody else's by now.)

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Where the run's things are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Current {
    /// The process of the run.
    pub(crate) pid: u32,
    /// The program of the pipeline.
    pub(crate) program: PathBuf,
    /// What a worker is started with, beside its name and number of members.
    pub(crate) worker_args: Vec<String>,
    /// Folder in which workers that join write what they report, one file each.
    pub(crate) joined: PathBuf,
    /// Whether the workers are told to leave.
    pub(crate) leaving: bool,
}

/// The place of the current run, held.
pub(crate) struct Held {
    file: PathBuf,
    lock: File,
}

fn paths(home: &Path) -> (PathBuf, PathBuf) {
    (home.join("run.lock"), home.join("run-current.json"))
}

impl Held {
    /// Takes the place; `None` when another run has it.
    pub(crate) fn take(home: &Path) -> io::Result<Option<Self>> {
        let (lock, file) = paths(home);
        let lock = File::options().create(true).truncate(false).write(true).open(lock)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { file, lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Says where things are; readers see the old text or the new one, never half of one.
    pub(crate) fn tell(&self, current: &Current) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(current)?;
        let partial = self.file.with_extension("partial");
        std::fs::write(&partial, text)?;
        std::fs::rename(&partial, &self.file)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Whoever reads it later finds the lock free and does not believe it.
        let _ = std::fs::remove_file(&self.file);
        // Closing is not enough: a child that was forked at this moment has the open file until it becomes its own program.
        let _ = self.lock.unlock();
    }
}

/// The run that goes on, if one does.
pub(crate) fn find(home: &Path) -> io::Result<Option<Current>> {
    let (lock, file) = paths(home);
    match File::open(&lock) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        // Shared, so that two who ask at once do not take each other for a run.
        Ok(lock) if lock.try_lock_shared().is_ok() => return Ok(None),
        Ok(_) => {}
    }
    match std::fs::read(&file) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_found_while_it_is_held_and_not_after() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(find(home.path()).unwrap(), None);
        let held = Held::take(home.path()).unwrap().expect("nobody has the place");
        assert!(
            Held::take(home.path()).unwrap().is_none(),
            "two runs have the one place"
        );
        let mut current = Current {
            pid: 7,
            program: "/bin/true".into(),
            worker_args: vec!["worker".into()],
            joined: home.path().join("joined"),
            leaving: false,
        };
        held.tell(&current).unwrap();
        current.leaving = true;
        held.tell(&current).unwrap();
        assert_eq!(find(home.path()).unwrap(), Some(current.clone()));
        let file = paths(home.path()).1;
        drop(held);
        // Left behind by a run that was killed.
        std::fs::write(file, serde_json::to_vec(&current).unwrap()).unwrap();
        assert_eq!(find(home.path()).unwrap(), None);
    }
}
