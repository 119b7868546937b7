//! Workers of other terminals: each writes what it reports into a file of its own in the run's folder, and the run reads
//! on where it stopped.

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use measure::Progress;

use super::Board;

/// What has been read of those that joined.
pub(crate) struct Joined {
    folder: PathBuf,
    files: HashMap<String, File>,
}

#[derive(Default)]
struct File {
    read: u64,
    over: bool,
}

/// Name of the file, and of the worker, of process `pid`.
pub(crate) fn name_of(pid: u32) -> String {
    format!("joined-{pid}")
}

impl Joined {
    /// Nobody yet.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            files: HashMap::new(),
        }
    }

    /// Reads what is new; returns who has come and who has gone.
    pub(crate) fn look(&mut self, board: &mut Board) -> (Vec<String>, Vec<String>) {
        let (mut came, mut gone) = (Vec::new(), Vec::new());
        // Nobody has joined as long as there is no folder.
        let Ok(entries) = std::fs::read_dir(&self.folder) else {
            return (came, gone);
        };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !self.files.contains_key(&name) {
                came.push(name.clone());
            }
            let file = self.files.entry(name.clone()).or_default();
            let done = read_on(&entry.path(), file, &mut |progress| board.take(&name, progress));
            if !file.over && (done || !is_alive(&name)) {
                file.over = true;
                board.forget(&name);
                gone.push(name);
            }
        }
        (came, gone)
    }

    /// How many work.
    pub(crate) fn count(&self) -> usize {
        self.files.values().filter(|file| !file.over).count()
    }
}

fn is_alive(name: &str) -> bool {
    name.strip_prefix("joined-")
        .is_some_and(|pid| Path::new("/proc").join(pid).exists())
}

/// Reads whole lines; returns whether the last one says that the worker is done.
fn read_on(path: &Path, file: &mut File, take: &mut dyn FnMut(Progress)) -> bool {
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|mut open| {
        open.seek(SeekFrom::Start(file.read))?;
        open.read_to_string(&mut text)
    });
    if read.is_err() {
        return false;
    }
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    file.read += whole as u64;
    let mut done = false;
    for line in text[..whole].lines() {
        if let Ok(progress) = serde_json::from_str::<Progress>(line) {
            done = matches!(&progress, Progress::Worker(worker) if worker.done);
            take(progress);
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use measure::{LagOf, WorkerProgress};

    use super::*;

    #[test]
    fn a_worker_that_joined_is_read_line_by_line_until_it_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let name = name_of(std::process::id());
        let (mut joined, mut board) = (Joined::new(folder.path().into()), Board::default());
        assert_eq!(joined.look(&mut board), (vec![], vec![]));
        let mut file = std::fs::File::create(folder.path().join(&name)).unwrap();
        let mut line = |acked, done, end: &str| {
            let lag = LagOf {
                acked,
                position: acked,
                ..LagOf::default()
            };
            let progress = WorkerProgress {
                worker: "w".into(),
                partitions: vec![lag],
                done,
                ..WorkerProgress::default()
            };
            write!(
                file,
                "{}{end}",
                serde_json::to_string(&Progress::Worker(progress)).unwrap()
            )
            .unwrap();
        };
        line(5, false, "\n");
        line(9, false, ""); // not whole yet
        assert_eq!(joined.look(&mut board), (vec![name.clone()], vec![]));
        assert_eq!((board.rows(), joined.count()), (5, 1));
        line(9, true, "\n"); // two objects on one line: unreadable, skipped
        line(9, true, "\n");
        assert_eq!(joined.look(&mut board), (vec![], vec![name]));
        assert_eq!((board.rows(), joined.count()), (9, 0));
    }
}
