//! The envelope of a snapshot: a version byte, a postcard body, a checksum.
//!
//! The checksum is there although Kafka has one of its own: a snapshot can also come from the wrong record, and a body of
//! another shape often decodes.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why bytes are no snapshot of this operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The state could not be written.
    #[error("the state cannot be encoded: {0}")]
    Unencodable(String),
    /// Written by a version of this program with another format.
    #[error("snapshot of format {found}, this program reads {expected}")]
    Version {
        /// What the bytes say.
        found: u8,
        /// What is understood.
        expected: u8,
    },
    /// Cut short, or not a snapshot at all.
    #[error("not a snapshot: {0}")]
    Garbage(String),
    /// A snapshot of an operator with other windows, lateness or trigger: its state would mean something else here.
    #[error("the snapshot is of an operator with another configuration")]
    OtherConfiguration,
    /// Candles have fired that were not drained: they would be lost with the snapshot's offset behind them.
    #[error("{0} fired candles are not drained yet")]
    Undrained(usize),
}

const TAIL: usize = 4;

pub(crate) fn encode<T: Serialize>(version: u8, body: &T) -> Result<Vec<u8>, SnapshotError> {
    let mut bytes =
        postcard::to_extend(body, vec![version]).map_err(|error| SnapshotError::Unencodable(error.to_string()))?;
    let sum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    Ok(bytes)
}

pub(crate) fn decode<T: DeserializeOwned>(version: u8, bytes: &[u8]) -> Result<T, SnapshotError> {
    let (content, sum) = bytes
        .split_last_chunk::<TAIL>()
        .ok_or_else(|| SnapshotError::Garbage("too short".into()))?;
    let (found, body) = content
        .split_first()
        .ok_or_else(|| SnapshotError::Garbage("too short".into()))?;
    if crc32fast::hash(content) != u32::from_le_bytes(*sum) {
        return Err(SnapshotError::Garbage("its checksum does not fit".into()));
    }
    if *found != version {
        return Err(SnapshotError::Version {
            found: *found,
            expected: version,
        });
    }
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(SnapshotError::Garbage("bytes are left over".into())),
        Err(error) => Err(SnapshotError::Garbage(error.to_string())),
    }
}
