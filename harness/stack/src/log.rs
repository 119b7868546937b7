//! Reading a server's log: whether a line has come, and which lines say why it ended.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::error::StackError;

/// As much of a log as is worth reading when a server has failed.
const TAIL: u64 = 256 * 1024;

/// Where the log ends now; what a restart writes comes after it.
pub(crate) fn mark(log: &Path) -> u64 {
    std::fs::metadata(log).map_or(0, |found| found.len())
}

/// What was written after `mark`. A log that cannot be read is an empty one: whoever asks is waiting for a line.
pub(crate) fn since(log: &Path, mark: u64) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut file) = File::open(log)
        && file.seek(SeekFrom::Start(mark)).is_ok()
    {
        let _ = file.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The lines that matter most: the last that speak of failure, else the last of all.
pub(crate) fn last_words(log: &Path, mark: u64) -> String {
    let from = mark.max(self::mark(log).saturating_sub(TAIL));
    let text = since(log, from);
    let lines: Vec<_> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    let speaks = |line: &&&str| {
        [
            "ERROR",
            "FATAL",
            "<Error>",
            "<Fatal>",
            "Exception",
            "error:",
            "launcher:",
        ]
        .iter()
        .any(|word| line.contains(word))
    };
    let mut chosen: Vec<_> = lines.iter().filter(speaks).rev().take(5).collect();
    if chosen.is_empty() {
        chosen = lines.iter().rev().take(5).collect();
    }
    if chosen.is_empty() {
        return "  (it wrote nothing)".into();
    }
    let chosen: Vec<_> = chosen
        .into_iter()
        .rev()
        .map(|line| format!("  {}", line.chars().take(300).collect::<String>()))
        .collect();
    chosen.join("\n")
}

/// The error of a server that failed, with its last words since `mark`.
pub(crate) fn failure(server: &str, log: &Path, mut what: String, mark: u64) -> StackError {
    let last_words = last_words(log, mark);
    // Among a server's own words that is one line of many, and nothing else of them matters then.
    if last_words.contains("No space left on device") {
        what += " because its disk is full: free some, or set TICKBOOK_HOME to a larger one";
    }
    StackError::Server {
        server: server.to_owned(),
        what,
        log: log.to_path_buf(),
        last_words,
    }
}

/// Whether the text says that another program holds the port. Kafka and ClickHouse both pass on the system's words.
pub(crate) fn speaks_of_taken_port(text: &str) -> bool {
    text.contains("Address already in use")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_the_errors_after_the_mark() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = folder.path().join("server.log");
        std::fs::write(&log, "ERROR of the run before\n").expect("writing");
        let mark = mark(&log);
        let text = format!(
            "{}INFO one\nERROR two\nINFO three\n",
            std::fs::read_to_string(&log).expect("reading")
        );
        std::fs::write(&log, text).expect("writing");
        assert_eq!(last_words(&log, mark), "  ERROR two");
        assert_eq!(since(&log, mark).lines().count(), 3);
    }

    #[test]
    fn without_errors_the_last_lines_speak() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = folder.path().join("server.log");
        std::fs::write(&log, "one\ntwo\n").expect("writing");
        assert_eq!(last_words(&log, 0), "  one\n  two");
        assert_eq!(last_words(&folder.path().join("none.log"), 0), "  (it wrote nothing)");
    }
    #[test]
    fn a_server_that_ended_for_want_of_space_says_so_before_its_last_words() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = folder.path().join("server.log");
        std::fs::write(&log, "ERROR java.io.IOException: No space left on device\n").expect("writing");
        let text = failure("kafka-1", &log, "ended".into(), 0).to_string();
        assert!(
            text.starts_with("kafka-1 ended because its disk is full") && text.contains("TICKBOOK_HOME"),
            "{text}"
        );
    }
}
