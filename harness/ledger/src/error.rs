//! Why an audit could not be made.

use std::io;
use std::path::{Path, PathBuf};

/// Why an audit could not be made. None of these is a FAIL: see [`crate::inconclusive`].
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A file of the run, or the scratch folder.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The exchange's journal cannot be read.
    #[error("the journal in {} cannot be read: {detail}", path.display())]
    Journal {
        /// The folder of the journal.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// Kafka did not answer.
    #[error("Kafka at {brokers} did not answer: {detail}")]
    Kafka {
        /// The bootstrap list.
        brokers: String,
        /// What the client said.
        detail: String,
    },
    /// The start of the log is gone, so neither lateness nor candles can be recomputed.
    #[error("partition {partition} of {topic} begins at offset {first}: retention removed what came before")]
    Truncated {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The first offset that is left.
        first: i64,
    },
    /// ClickHouse did not answer, or refused a query.
    #[error("ClickHouse at {url} did not answer {query}: {detail}")]
    ClickHouse {
        /// Its address.
        url: String,
        /// Which query.
        query: &'static str,
        /// What the client said.
        detail: String,
    },
    /// A spill file holds something that was not written: the disk, or a second audit in the same folder.
    #[error("the scratch file {} is damaged", .0.display())]
    Spill(PathBuf),
}

impl LedgerError {
    /// For `map_err` on what is done to `path`.
    pub(crate) fn file(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::File {
            path: path.clone(),
            error,
        }
    }
}
