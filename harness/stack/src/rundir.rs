//! The folder of one run: who owns it, when it goes, and what a dead owner left behind.
//!
//! A run is alive as long as its owner holds the lock on `owner`. A lock and not a process id: the system gives it back
//! however the owner ends, and no later process can be mistaken for it.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::error::StackError;

/// Beside the servers' folders: says what is to stay when the owner is gone. The launcher reads it too.
const KEEP: &str = "keep";
const OWNER: &str = "owner";

/// Folders of a server, or of whoever else has a folder, that stay with the logs. The launcher knows them too.
const STAY: [&str; 3] = ["logs", "config.d", "users.d"];

/// How long a folder may take to go: something of the owner that is only now ending may still put files into it.
const REMOVAL_LIMIT: Duration = Duration::from_secs(2);

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
        fs::create_dir_all(&runs).map_err(StackError::home(&runs))?;
        // Held while a folder is made or swept: one without an owner's lock would look dead to the other.
        let guard_path = runs.join(".lock");
        let guard = File::create(&guard_path).map_err(StackError::home(&runs))?;
        guard.lock().map_err(StackError::io("locking", &guard_path))?;
        sweep(&runs);

        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let name = crate::stack::unique(&format!("{seconds}-{}", std::process::id()));
        let path = runs.join(name);
        fs::create_dir(&path).map_err(StackError::home(&path))?;
        let owner = path.join(OWNER);
        fs::write(&owner, format!("pid {}\n", std::process::id())).map_err(StackError::home(&path))?;
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
        keep(&self.path);
    }

    /// Whether [`RunDir::keep`] was said.
    pub(crate) fn keeps_all(&self) -> bool {
        fs::read_to_string(self.path.join(KEEP)).is_ok_and(|kept| kept.trim() == "all")
    }

    /// Logs and configuration stay, the data goes. Does not lessen [`RunDir::keep`].
    pub(crate) fn keep_logs(&self) {
        keep_logs(&self.path);
    }

    /// Removes what is not to be kept; the launcher does the same for an owner that was killed. The servers must be gone.
    pub(crate) fn remove(&self) -> Result<(), StackError> {
        match fs::read_to_string(self.path.join(KEEP)).as_deref().map(str::trim) {
            // Of each server, and of whoever else has a folder here: files and logs stay.
            Ok("logs") => folders(&self.path)
                .flat_map(|part| folders(&part).collect::<Vec<_>>())
                .filter(|folder| !STAY.iter().any(|name| folder.ends_with(name)))
                .try_for_each(|data| remove(&data)),
            Ok(_) => Ok(()),
            Err(_) => remove(&self.path),
        }
    }
}

fn folders(of: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(of).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir())
}

fn remove(folder: &Path) -> Result<(), StackError> {
    let asked = Instant::now();
    loop {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty && asked.elapsed() < REMOVAL_LIMIT => {
                thread::sleep(Duration::from_millis(10));
            }
            done => return done.map_err(StackError::io("removing", folder)),
        }
    }
}

/// See [`RunDir::keep`].
pub(crate) fn keep(run: &Path) {
    if run.is_dir() {
        mark(run, "all\n");
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
            let bytes = crate::provision::bytes_of(&run);
            if fs::remove_dir_all(&run).is_ok() {
                freed += bytes;
            }
        }
    }
    freed
}

/// Who owns the runs that are alive, by the process id each owner has left. Taken with the lock under which runs are
/// made: as long as the caller holds what is returned beside them, no run begins.
pub(crate) fn living(home: &Path) -> Result<(Vec<String>, Option<File>), StackError> {
    let runs = home.join("runs");
    let guard_path = runs.join(".lock");
    let guard = match File::options().write(true).open(&guard_path) {
        Ok(guard) => guard,
        // No run was ever made here.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((Vec::new(), None)),
        Err(error) => return Err(StackError::io("opening", &guard_path)(error)),
    };
    guard.lock().map_err(StackError::io("locking", &guard_path))?;
    let owners = folders(&runs)
        .filter(|run| !is_orphan(run))
        .map(|run| {
            let note = fs::read_to_string(run.join(OWNER)).unwrap_or_default();
            note.trim().trim_start_matches("pid ").to_owned()
        })
        .collect();
    Ok((owners, Some(guard)))
}

/// Whether nobody holds the owner's lock. Where the filesystem cannot lock, nobody is taken for dead.
pub(crate) fn is_orphan(run: &Path) -> bool {
    match File::open(run.join(OWNER)) {
        Ok(owner) => match owner.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
        },
        Err(error) => error.kind() == ErrorKind::NotFound,
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
        for folder in ["lab/journal", "lab/logs"] {
            fs::create_dir_all(run.path().join(folder)).expect("creating");
        }
        run.keep_logs();
        run.remove().expect("removing");
        let there = ["kafka-1/server.log", "lab/logs", "kafka-1/data", "lab/journal"]
            .map(|name| run.path().join(name).exists());
        assert_eq!(
            there,
            [true, true, false, false],
            "logs of servers and of others stay, data of both goes; see RunDir::remove"
        );
    }

    #[test]
    fn a_run_that_is_not_kept_takes_everything_with_it_whoever_put_it_there() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let run = RunDir::create(home.path(), false).expect("creating");
        fs::create_dir_all(run.path().join("lab/journal")).expect("creating");
        run.remove().expect("removing");
        assert!(!run.path().exists(), "{} is still there", run.path().display());
        run.remove().expect("a second time does nothing");
    }

    #[test]
    fn the_living_are_told_by_their_process_and_the_dead_and_the_kept_are_not() {
        let home = tempfile::tempdir().expect("a temporary folder");
        assert!(living(home.path()).expect("asking").0.is_empty(), "nothing is there");
        let run = RunDir::create(home.path(), false).expect("creating");
        drop(RunDir::create(home.path(), true).expect("creating"));
        let (owners, guard) = living(home.path()).expect("asking");
        assert_eq!(owners, [std::process::id().to_string()]);
        drop((run, guard));
        assert!(living(home.path()).expect("asking").0.is_empty(), "its owner is gone");
    }

    #[test]
    fn a_run_folder_that_cannot_be_made_gives_one_sentence_with_the_way_out() {
        // A file where the folder should be: no user, root included, can write below it.
        let home = tempfile::tempdir().expect("a temporary folder");
        fs::write(home.path().join("runs"), "").expect("writing");
        let error = RunDir::create(home.path(), false).expect_err("no place").to_string();
        assert!(
            error.contains("TICKBOOK_HOME") && error.lines().count() == 1,
            "see StackError::home: {error}"
        );
    }
}
