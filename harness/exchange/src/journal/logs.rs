//! The two small lists beside the trades: bad frames that were sent, and connections with how they ended.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{BAD_FRAMES_FILE, CONNECTIONS_FILE};
use crate::{BadFrame, JournalError};

/// How a WebSocket connection came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionEnd {
    /// The client said that it closes it.
    Left,
    /// The client went away without a word.
    Gone,
    /// The exchange closed it after an error, as the protocol says.
    Refused,
    /// The client sent nothing for too long.
    Idle,
    /// The client took nothing for too long.
    Slow,
    /// A fault: the socket was reset.
    Cut,
    /// A fault: it had been half-open.
    HalfOpen,
    /// The exchange stopped.
    Stopped,
}

impl ConnectionEnd {
    /// Whether what was written last may not have reached the client, though it was there to take it.
    pub fn may_lose(self) -> bool {
        matches!(self, Self::Gone | Self::Cut | Self::HalfOpen | Self::Slow | Self::Idle)
    }
}

/// A bad frame as a line of `bad-frames.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct BadFrameLine {
    pub(crate) n: u64,
    pub(crate) kind: BadFrame,
    pub(crate) connection: u64,
    pub(crate) sent_us: i64,
    pub(crate) bytes: usize,
    pub(crate) sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hex: Option<String>,
}

/// A bad frame that was written to a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFrameEntry {
    /// Its number, from 1.
    pub n: u64,
    /// Its kind.
    pub kind: BadFrame,
    /// The connection it was written to.
    pub connection: u64,
    /// When, in microseconds since 1970-01-01 UTC.
    pub sent_us: i64,
    /// Its length in bytes.
    pub bytes: usize,
    /// SHA-256 of its bytes, in hex: what a dead letter's value must hash to.
    pub sha256: String,
    /// Its bytes in hex, for frames of up to 1,024 bytes.
    pub hex: Option<String>,
    /// Whether the client may never have seen it: its connection ended by a fault, or without a goodbye, before the client
    /// confirmed that it had read the frame. Such a frame may be absent from the dead letters, every other may not. How
    /// long before the end it was sent says nothing: a client that is held up reads late, one that is not at once.
    pub maybe_lost: bool,
}

/// A WebSocket connection.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ConnectionEntry {
    /// Its number, from 1.
    pub connection: u64,
    /// When it opened, in microseconds since 1970-01-01 UTC.
    pub opened_us: i64,
    /// When it ended; `None` while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_us: Option<i64>,
    /// How it ended; `None` while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<ConnectionEnd>,
    /// The last of its bad frames that the client confirmed to have read, by answering the ping behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<u64>,
}

impl ConnectionEntry {
    /// Whether its `n`th bad frame may never have been read.
    fn may_have_lost(&self, n: u64) -> bool {
        self.end.is_some_and(ConnectionEnd::may_lose) && self.confirmed.is_none_or(|confirmed| n > confirmed)
    }
}

/// SHA-256 in hex.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}"); // writing into a String cannot fail
            text
        })
}

/// The two lists while they are written: a few lines a run, so each goes to the file at once.
pub(crate) struct Logs {
    bad_frames: File,
    connections: File,
}

impl Logs {
    /// Opens both in folder `dir`.
    pub(crate) fn create(dir: &Path) -> Result<Self, JournalError> {
        let open = |name: &str| {
            let path = dir.join(name);
            File::options()
                .append(true)
                .create(true)
                .open(&path)
                .map_err(JournalError::io(&path, "made"))
        };
        Ok(Self {
            bad_frames: open(BAD_FRAMES_FILE)?,
            connections: open(CONNECTIONS_FILE)?,
        })
    }

    /// Notes a bad frame, before it is written to its socket: one that is listed and not sent can be told from the
    /// connection's end, one that is sent and not listed cannot.
    ///
    /// # Errors
    /// [`JournalError`]: the audit will miss a line.
    pub(crate) fn bad_frame(
        &mut self,
        n: u64,
        kind: BadFrame,
        connection: u64,
        sent_us: i64,
        frame: &[u8],
    ) -> Result<(), JournalError> {
        let line = BadFrameLine {
            n,
            kind,
            connection,
            sent_us,
            bytes: frame.len(),
            sha256: sha256_hex(frame),
            hex: (frame.len() <= 1024).then(|| hex(frame)),
        };
        append(&mut self.bad_frames, &line, BAD_FRAMES_FILE)
    }

    /// Notes a connection, once when it opens and once when it ends.
    ///
    /// # Errors
    /// [`JournalError`]: the audit will miss a line.
    pub(crate) fn connection(&mut self, entry: &ConnectionEntry) -> Result<(), JournalError> {
        append(&mut self.connections, entry, CONNECTIONS_FILE)
    }
}

fn append(file: &mut File, line: &impl serde::Serialize, name: &str) -> Result<(), JournalError> {
    serde_json::to_vec(line)
        .map_err(std::io::Error::from)
        .and_then(|mut text| {
            text.push(b'\n');
            file.write_all(&text)
        })
        .map_err(JournalError::io(name.as_ref(), "written"))
}

fn lines<T: serde::de::DeserializeOwned>(dir: &Path, name: &str) -> Result<Vec<T>, JournalError> {
    let path = dir.join(name);
    let text = std::fs::read_to_string(&path).map_err(JournalError::io(&path, "read"))?;
    let read = |(n, line)| {
        serde_json::from_str(line).map_err(|error| JournalError::format(&path, format!("line {}: {error}", n + 1)))
    };
    // What follows the last newline is a line that a crash cut short.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().enumerate().map(read).collect()
}

/// The connections of the journal in folder `dir`, in the order in which they opened.
///
/// # Errors
/// [`JournalError`] if the list cannot be read.
pub fn connections(dir: &Path) -> Result<Vec<ConnectionEntry>, JournalError> {
    let mut entries: Vec<ConnectionEntry> = Vec::new();
    let mut places: HashMap<u64, usize> = HashMap::new();
    for entry in lines::<ConnectionEntry>(dir, CONNECTIONS_FILE)? {
        match places.get(&entry.connection) {
            Some(&at) => entries[at] = entry,
            None => {
                places.insert(entry.connection, entries.len());
                entries.push(entry);
            }
        }
    }
    Ok(entries)
}

/// The bad frames of the journal in folder `dir`, in the order in which they were written.
///
/// # Errors
/// [`JournalError`] if a list cannot be read.
pub fn bad_frames(dir: &Path) -> Result<Vec<BadFrameEntry>, JournalError> {
    let connections: HashMap<u64, ConnectionEntry> = connections(dir)?
        .into_iter()
        .map(|entry| (entry.connection, entry))
        .collect();
    let entry = |line: BadFrameLine| BadFrameEntry {
        maybe_lost: connections
            .get(&line.connection)
            .is_some_and(|connection| connection.may_have_lost(line.n)),
        n: line.n,
        kind: line.kind,
        connection: line.connection,
        sent_us: line.sent_us,
        bytes: line.bytes,
        sha256: line.sha256,
        hex: line.hex,
    };
    Ok(lines::<BadFrameLine>(dir, BAD_FRAMES_FILE)?
        .into_iter()
        .map(entry)
        .collect())
}
