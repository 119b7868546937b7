//! Runs a program that downloads, watching its folder grow.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::progress::Task;
use super::store::walk;
use crate::error::StackError;

/// A download that brings no byte for so long is given up.
const SILENCE_LIMIT: Duration = Duration::from_secs(300);

/// Runs `command`; `folder` is where all its bytes land, the task is told how many. What it prints goes to a file in
/// there: a pipe that nobody empties would stop it.
pub(crate) fn run(what: &str, mut command: Command, folder: &Path, task: &Task) -> Result<(), StackError> {
    let said = folder.join("said.log");
    let log = File::create(&said).map_err(StackError::io("creating", &said))?;
    let log_too = log.try_clone().map_err(StackError::io("opening", &said))?;
    let shown = shown(&command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(log_too)
        .spawn()
        .map_err(|error| StackError::prepare(format!("starting `{shown}`"), error))?;
    let failed = |status: String| {
        let text = fs::read_to_string(&said).unwrap_or_default();
        if text.contains("No space left on device") {
            return disk_full(folder, 0);
        }
        StackError::Fetch {
            what: what.to_owned(),
            command: shown.clone(),
            status,
            said: tail(&text),
        }
    };
    let (mut bytes, mut grew) = (0, Instant::now());
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(failed(status.to_string())),
            Ok(None) => {}
            Err(error) => return Err(failed(error.to_string())),
        }
        let now = size(folder);
        task.at(now);
        if now != bytes {
            (bytes, grew) = (now, Instant::now());
        }
        if grew.elapsed() > SILENCE_LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            return Err(failed(format!("no byte came for {} s", SILENCE_LIMIT.as_secs())));
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn size(folder: &Path) -> u64 {
    // Files come and go under our eyes; whatever cannot be read now counts nothing.
    let files = walk(folder).unwrap_or_default();
    files
        .iter()
        .filter_map(|file| fs::metadata(file).ok())
        .map(|found| found.len())
        .sum()
}

/// The last lines, in one.
fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let from = lines.len().saturating_sub(6);
    if lines.is_empty() {
        "nothing".into()
    } else {
        lines[from..].join(" | ")
    }
}

/// The error of a disk that is too small for `needed` bytes.
pub(crate) fn disk_full(path: &Path, needed: u64) -> StackError {
    StackError::DiskFull {
        path: path.to_path_buf(),
        needed_mb: needed / 1_000_000,
        free_mb: free(path).unwrap_or(0) / 1_000_000,
    }
}

/// Bytes that we may still write on the disk of `path`.
pub(crate) fn free(path: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(path)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}
