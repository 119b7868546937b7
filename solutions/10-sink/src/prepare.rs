//! The seam to the log: an epoch is prepared there before a row of it is written.

use std::future::Future;

use crate::{Range, Written};

/// Notes an epoch's ranges where the next owner of its partitions will find them: in Kafka, a synchronous group commit
/// with the range in the offset's metadata.
///
/// Without it, a new owner would cut its blocks elsewhere than the dead one did, and could not tell from the tables
/// which rows of a half-written block are missing.
pub trait Prepare: Send + Sync {
    /// Notes the ranges; must be safe to repeat.
    fn prepare(&self, ranges: &[Range]) -> impl Future<Output = Result<(), PrepareError>> + Send;
}

/// Why an epoch could not be prepared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// The coordinator refuses: this member no longer owns the partitions.
    #[error("the coordinator refuses: this member has lost its partitions")]
    Lost,
    /// It did not work now and may work soon.
    #[error("not now: {0}")]
    Retriable(String),
    /// It will not work.
    #[error("{0}")]
    Fatal(String),
}

/// What became of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// It is written, but for the partitions that [`Written::lost`] names.
    Written(Written),
    /// The coordinator refused to prepare it. Nothing was written: drop the partitions' state and rejoin.
    Refused,
}
