//! The sink itself: claims, guarded inserts, read-back.

use std::time::Duration;

use crate::{Block, Delivered, Prepare, SinkConfig, SinkError};

/// Writes blocks for the partitions that it has claimed.
///
/// Claims and writes of one sink take turns: a second one waits for the first.
pub struct Sink {
    config: SinkConfig,
}

/// One partition, claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The partition.
    pub partition: i32,
    /// The generation under which rows are written.
    pub generation: u64,
}

/// What came of a [`Sink::claim`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Partitions that are this sink's, and on which no older insert runs any more.
    pub granted: Vec<Claim>,
    /// Partitions for which another worker claimed at the same moment and won. If the group still gives such a partition
    /// to this worker, claim it again: the next generation is higher.
    pub refused: Vec<i32>,
}

/// What a [`Sink::write`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows of the block that are in `trades` now.
    pub trades: u64,
    /// Rows of the block that are in `candles` now.
    pub candles: u64,
    /// How many of these were there before: of a former owner, or of an insert whose answer did not arrive.
    pub found: u64,
    /// Partitions of which no row of this call was written after they were lost: another worker has claimed them, or they
    /// were never claimed. Drop their state. If the group still gives one to this worker, take it over anew.
    pub lost: Vec<i32>,
    /// How many inserts were sent.
    pub inserts: u32,
    /// From call to return.
    pub took: Duration,
}

impl Sink {
    /// Checks the settings, the server and its tables.
    ///
    /// # Errors
    /// [`SinkError::Config`], [`SinkError::Schema`], [`SinkError::Denied`], [`SinkError::GaveUp`].
    pub async fn connect(config: SinkConfig) -> Result<Self, SinkError> {
        Ok(Self { config })
    }

    /// Takes over partitions: raises their generation, then kills the inserts of older owners and waits until none runs.
    /// When it returns, the tables hold all that a former owner will ever have written to the granted partitions.
    ///
    /// # Errors
    /// [`SinkError::TakeoverTimeout`] and what [`connect`](Self::connect) returns.
    pub async fn claim(&self, partitions: &[i32]) -> Result<Claims, SinkError> {
        let _ = (&self.config, partitions);
        Ok(Claims::default())
    }

    /// Forgets claims, when the group has taken the partitions back. Later rows of theirs come back as lost.
    pub async fn release(&self, partitions: &[i32]) {
        let _ = partitions;
    }

    /// Writes a block: when it returns, each of its rows is in its table exactly once, but for the lost partitions'.
    ///
    /// Dropping the future is safe: the sink remembers that the outcome is unknown and reads back before it writes to
    /// these partitions again.
    ///
    /// # Errors
    /// Only what trying again cannot cure, and [`SinkError::GaveUp`].
    pub async fn write(&self, block: &Block) -> Result<Written, SinkError> {
        let _ = block;
        Ok(Written::default())
    }

    /// Prepares a block and writes it.
    ///
    /// # Errors
    /// [`SinkError::Prepare`] and what [`write`](Self::write) returns.
    pub async fn deliver<P: Prepare>(&self, prepare: &P, block: &Block) -> Result<Delivered, SinkError> {
        let _ = prepare;
        Ok(Delivered::Written(self.write(block).await?))
    }
}
