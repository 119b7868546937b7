//! What the processes of a run take at a moment: memory, threads, file handles. What grows from round to round leaks.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// What one process, or all of one kind, takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Taken {
    /// Resident memory, bytes.
    pub(crate) memory: u64,
    /// Threads.
    pub(crate) threads: u64,
    /// Open file handles.
    pub(crate) handles: u64,
}

impl Taken {
    /// Of a process of this machine; absent when it has gone, or is somebody else's.
    fn of(pid: u32) -> Option<Self> {
        let place = Path::new("/proc").join(pid.to_string());
        let status = fs::read_to_string(place.join("status")).ok()?;
        let number = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        Some(Self {
            memory: number("VmRSS:")? * 1024,
            threads: number("Threads:")?,
            handles: fs::read_dir(place.join("fd")).ok()?.count() as u64,
        })
    }

    fn add(&mut self, other: Self) {
        self.memory += other.memory;
        self.threads += other.threads;
        self.handles += other.handles;
    }
}

/// What each of these takes, by name; several processes of one name are added up.
pub(crate) fn taken<'a>(processes: impl Iterator<Item = (&'a str, u32)>) -> BTreeMap<String, Taken> {
    let mut all: BTreeMap<String, Taken> = BTreeMap::new();
    for (name, pid) in processes {
        if let Some(taken) = Taken::of(pid) {
            all.entry(name.to_owned()).or_default().add(taken);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    /// Not of this process: its other tests start and end threads meanwhile.
    #[test]
    fn a_process_takes_memory_threads_and_handles_and_two_of_one_name_take_both() {
        let mut waits = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("cat starts");
        // What it echoes says that it is loaded and waits for more.
        waits.stdin.as_mut().expect("piped").write_all(b".").expect("written");
        waits
            .stdout
            .as_mut()
            .expect("piped")
            .read_exact(&mut [0])
            .expect("echoed");
        let pid = waits.id();
        let once = taken([("cat", pid)].into_iter())["cat"];
        assert!(
            once.memory > 64 << 10 && once.threads == 1 && once.handles >= 3,
            "{once:?}"
        );
        let twice = taken([("cat", pid), ("cat", pid)].into_iter())["cat"];
        assert_eq!(
            (twice.memory, twice.threads, twice.handles),
            (2 * once.memory, 2 * once.threads, 2 * once.handles)
        );
        drop(waits.stdin.take());
        waits.wait().expect("it ends");
        assert_eq!(taken([("gone", u32::MAX)].into_iter()), BTreeMap::new());
    }
}
