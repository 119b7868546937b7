//! One lock per checkout: who changes `.lab/` or a lab's files holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::KeepError;

/// How long to wait for whoever holds the lock, and after which time to say so.
const PATIENCE: Duration = Duration::from_secs(10);
const QUIET: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(25);

/// The checkout's lock, held until it is dropped. The system gives it back however the holder ends.
///
/// It is not reentrant: who holds it changes progress with [`super::Progress::change_under`].
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Waits up to 10 s for the lock of the checkout `root`, and says so after 1 s.
    ///
    /// # Errors
    /// Somebody else holds it all that time; `.lab/` cannot be made; the file system cannot lock.
    pub fn take(root: &Path) -> Result<Self, KeepError> {
        Self::take_within(root, PATIENCE)
    }

    pub(crate) fn take_within(root: &Path, patience: Duration) -> Result<Self, KeepError> {
        let path = super::place(root)?.join("lock");
        // Not truncated: the name of its holder stands in it.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(KeepError::io("cannot open", &path))?;
        let asked = Instant::now();
        let mut said = false;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(KeepError::io("cannot lock", &path)(error)),
                Err(TryLockError::WouldBlock) => {}
            }
            if asked.elapsed() >= patience {
                return Err(KeepError::Busy {
                    who: holder(&mut file),
                    root: root.to_path_buf(),
                });
            }
            if !said && asked.elapsed() >= QUIET {
                said = true;
                crate::note(&format!("  waiting for another ./lab{}", holder(&mut file)));
            }
            thread::sleep(LOOK);
        }
        // Only for whoever waits: a disk that takes no line is no reason to refuse.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "pid {}", std::process::id()));
        Ok(Self { file })
    }

    /// The same lock for another process: it is given back when that one has ended as well.
    pub(crate) fn shared(&self) -> Result<File, KeepError> {
        let shared = self.file.try_clone();
        shared.map_err(|error| KeepError::Refused(format!("the checkout's lock cannot be shared: {error}")))
    }
}

/// Who holds the lock, as the file says.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    match (read, text.trim().strip_prefix("pid ")) {
        (Ok(_), Some(pid)) => format!(" (process {pid})"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_one_waits_and_is_then_told_who_holds_it() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let held = Lock::take(root.path()).expect("nobody holds it");
        let refused = Lock::take_within(root.path(), Duration::from_millis(60)).expect_err("it is held");
        let (words, pid) = (refused.to_string(), std::process::id());
        assert!(
            words.contains(&format!("(process {pid})")) && words.contains("run this again"),
            "see KeepError::Busy: {words}"
        );
        drop(held);
        Lock::take(root.path()).expect("given back when it is dropped");
    }

    #[test]
    fn the_folder_is_ignored_by_git_whatever_the_root_says() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let own = root.path().join(".lab/.gitignore");
        std::fs::write(root.path().join(".gitignore"), "/target\n/.lab/\n").expect("writing");
        drop(Lock::take(root.path()).expect("nobody holds it"));
        assert!(!own.exists(), "the root's says it already; see keep::place");
        std::fs::write(root.path().join(".gitignore"), "/target\n").expect("writing");
        drop(Lock::take(root.path()).expect("nobody holds it"));
        assert_eq!(std::fs::read_to_string(own).expect("made"), "*\n", "see keep::place");
    }
}
