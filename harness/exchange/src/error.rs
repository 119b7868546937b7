//! Why an exchange cannot start, and why what it wrote or was given cannot be read.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why an exchange cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The address is in use, or is not ours to listen on.
    #[error("the exchange cannot listen on {address}: {error}; choose another port, or 0 for any free one")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// The configuration asks for something that cannot be.
    #[error("{0}")]
    Config(String),
    /// The folder of the journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The capture cannot be replayed.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// No self-signed certificate could be made.
    #[error("no certificate could be made for the exchange: {0}")]
    Certificate(String),
}

/// Why a journal cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The system refused.
    #[error("the journal file {path} cannot be {doing}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What was being done, as a participle.
        doing: &'static str,
        /// What the system says.
        error: io::Error,
    },
    /// The bytes are not a journal's.
    #[error("{path} is no journal of an exchange: {detail}")]
    Format {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
}

impl JournalError {
    pub(crate) fn io(path: &std::path::Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |error| Self::Io { path, doing, error }
    }

    pub(crate) fn format(path: &std::path::Path, detail: impl Into<String>) -> Self {
        Self::Format {
            path: path.to_path_buf(),
            detail: detail.into(),
        }
    }
}

/// Why a capture cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The system refused.
    #[error("the capture {path} cannot be {doing}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What was being done, as a participle.
        doing: &'static str,
        /// What the system says.
        error: io::Error,
    },
    /// A line is not what the format says.
    #[error("{path}, line {line}: {detail}")]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        detail: String,
    },
    /// There is nothing in it to replay.
    #[error("the capture {path} holds no trade: record one with `./lab record`")]
    NoTrades {
        /// Which file.
        path: PathBuf,
    },
    /// It would not fit into memory.
    #[error(
        "the capture {path} holds more than {most} trades, the most that are replayed: keep its first lines \
         (head -n {most}), or record for less time"
    )]
    TooLong {
        /// Which file.
        path: PathBuf,
        /// How many trades are taken.
        most: usize,
    },
}

impl CaptureError {
    pub(crate) fn io(path: &std::path::Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |error| Self::Io { path, doing, error }
    }

    pub(crate) fn line(path: &std::path::Path, line: u64, detail: impl Into<String>) -> Self {
        Self::Line {
            path: path.to_path_buf(),
            line,
            detail: detail.into(),
        }
    }
}
