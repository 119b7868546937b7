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

/// What matters of a program's output, in one line: its first errors (what follows them is advice), else its end.
fn tail(text: &str) -> String {
    let text = plain(text);
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let errors: Vec<_> = lines
        .iter()
        .copied()
        .filter(|line| line.to_uppercase().contains("ERROR"))
        .take(3)
        .collect();
    let from = lines.len().saturating_sub(4);
    match (errors.is_empty(), lines.is_empty()) {
        (false, _) => errors.join(" | "),
        (true, false) => lines[from..].join(" | "),
        (true, true) => "nothing".into(),
    }
}

/// Without terminal colours: Maven paints even what goes to a file.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character == '\u{1b}' {
            // ESC [ parameters, up to a letter
            rest.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(character);
        }
    }
    plain
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_tool_said_is_told_by_its_first_errors_without_colours() {
        let said = "[INFO] begin\n[\u{1b}[1;31mERROR\u{1b}[m] no route to host\n[INFO] end\n";
        assert_eq!(tail(said), "[ERROR] no route to host");
        assert_eq!(tail("one\n\ntwo\n"), "one | two");
        assert_eq!(tail(""), "nothing");
    }
}
