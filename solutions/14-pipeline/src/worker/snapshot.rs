//! A snapshot of one partition: what a worker must know to go on at an offset without reading the log from its start.
//!
//! It is a pure function of the log before that offset, so one that a stale writer leaves behind is old, never wrong.

use serde::{Deserialize, Serialize};

use crate::parts::watermarks::BoundedOutOfOrderness;

/// The state of a partition after every record before `offset`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// The partition.
    pub(crate) partition: i32,
    /// The first offset that is not in the state.
    pub(crate) offset: i64,
    /// From here on the log must be read again to know the recent identities, which the snapshot leaves out.
    pub(crate) replay_from: i64,
    /// Newest event time at or before `replay_from`, by which a later snapshot chooses its own `replay_from`.
    pub(crate) newest: i64,
    /// The watermark generator.
    pub(crate) watermark: BoundedOutOfOrderness,
    /// The window operator, in its own format.
    pub(crate) candles: Vec<u8>,
    /// The known identities that are older than `replay_from`, in their own format.
    pub(crate) repeats: Vec<u8>,
}

/// Bytes that are no snapshot of this version.
#[derive(Debug, thiserror::Error)]
#[error("the snapshot cannot be read ({0}); the log is replayed from an older one")]
pub(crate) struct BadSnapshot(String);

const VERSION: u8 = 1;

impl Snapshot {
    pub(crate) fn encode(&self) -> Vec<u8> {
        // Into a Vec, of plain numbers and bytes: there is nothing that could fail.
        postcard::to_extend(self, vec![VERSION]).unwrap_or_default()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, BadSnapshot> {
        match bytes {
            [VERSION, rest @ ..] => postcard::from_bytes(rest).map_err(|e| BadSnapshot(e.to_string())),
            [other, ..] => Err(BadSnapshot(format!("version {other}, not {VERSION}"))),
            [] => Err(BadSnapshot("it is empty".into())),
        }
    }
}

/// The newest snapshot that holds nothing from `first` on.
pub(crate) fn choose(found: impl IntoIterator<Item = Snapshot>, first: i64) -> Option<Snapshot> {
    found
        .into_iter()
        .filter(|snapshot| snapshot.offset <= first)
        .max_by_key(|snapshot| snapshot.offset)
}
