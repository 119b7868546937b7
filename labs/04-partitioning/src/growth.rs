//! More partitions: which keys move, and when a moved key's records may be taken.
//!
//! A log keeps what it has. So after the switch a moved key has its older records in one partition and its newer ones in another,
//! and no log says which come first. The cut does: the end of each old partition at the switch, after every producer has
//! flushed and before any goes on. All that is needed for it is that the producers count partitions themselves; those that
//! follow the topic's metadata switch one by one, within minutes of each other, and there is no cut.

use market::Position;

use crate::{NoPartitions, Partitioner};

/// Why something is no switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrowthError {
    /// Not at least one partition to begin with.
    #[error(transparent)]
    Partitions(#[from] NoPartitions),
    /// A topic never gets fewer partitions.
    #[error("from {from} partitions to {to} is no growth")]
    NotMore {
        /// Before.
        from: i32,
        /// After.
        to: i32,
    },
    /// Not one cut for each old partition.
    #[error("{from} old partitions have {cuts} cuts")]
    Cuts {
        /// Partitions before.
        from: i32,
        /// Cuts given.
        cuts: usize,
    },
    /// A cut before the log begins.
    #[error("partition {partition} cannot end at offset {offset}")]
    Offset {
        /// Which partition.
        partition: i32,
        /// Its cut.
        offset: i64,
    },
}

/// Whether a record may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Yes.
    Now,
    /// When this old partition has been read up to this offset: records of the key may still be there.
    After {
        /// The old partition of the key.
        partition: i32,
        /// Its cut.
        offset: i64,
    },
    /// Never: it does not belong here. Somebody places by another hash or another number of partitions; to go on would break the
    /// order of its key without a word.
    Stray {
        /// Where it belongs.
        belongs: i32,
    },
}

/// A topic's growth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growth {
    partitioner: Partitioner,
    from: i32,
    to: i32,
    cuts: Vec<i64>,
}

impl Growth {
    /// From `from` partitions to `to`, where old partition p ends at offset `cuts[p]`: the first one that was written after the switch.
    ///
    /// # Errors
    /// The first of these that is so: [`GrowthError::Partitions`] if `from` is below 1, [`GrowthError::NotMore`] if `to` is not above it,
    /// [`GrowthError::Cuts`] if there are not `from` of them, [`GrowthError::Offset`] for the first that is negative.
    pub fn new(partitioner: Partitioner, from: i32, to: i32, cuts: Vec<i64>) -> Result<Self, GrowthError> {
        partitioner.partition(None, from)?;
        if to <= from {
            return Err(GrowthError::NotMore { from, to });
        }
        if cuts.len() != from.unsigned_abs() as usize {
            let cuts = cuts.len();
            return Err(GrowthError::Cuts { from, cuts });
        }
        if let Some((partition, offset)) = (0..).zip(&cuts).find(|(_, offset)| **offset < 0) {
            let offset = *offset;
            return Err(GrowthError::Offset { partition, offset });
        }
        Ok(Self {
            partitioner,
            from,
            to,
            cuts,
        })
    }

    /// Where a key was and where it is, if that is not the same.
    #[must_use]
    pub fn moves(&self, key: &[u8]) -> Option<(i32, i32)> {
        todo!("task 5: where a key was and is")
    }

    /// The old partitions from which keys come to `partition`, without itself, ascending: what its reader has to wait for if it keeps no
    /// account of single keys. None for a partition that the topic has not.
    ///
    /// A hash that leaves p by `from` and q by `to` exists exactly if p and q are the same by the greatest common divisor of the
    /// two. So from 6 to 7 keys come from everywhere, and from 6 to 12 each partition has one old one to wait for, or none.
    #[must_use]
    pub fn sources(&self, partition: i32) -> Vec<i32> {
        todo!("task 5: from where keys come")
    }

    /// Whether the record at `at` with this key may be taken, when the old partitions have been read up to `read` (the offset
    /// that is to be taken next of each; what is not in there is at 0).
    ///
    /// - Before the cut of an old partition, records belong where the key was; from the cut on, and in new partitions, where it is.
    ///   A record elsewhere is a [`Turn::Stray`], also one whose partition the topic has not, negative ones included.
    /// - What is before the cut waits for nothing. So reading never stands still: whatever waits, waits for something that does not.
    /// - What is after it waits only if its key moved, and until the key's old partition has been read up to its cut.
    #[must_use]
    pub fn turn(&self, at: Position, key: &[u8], read: &[i64]) -> Turn {
        todo!("task 5: whether a record may be taken")
    }

    /// Where a key was, and where it is.
    fn places(&self, key: &[u8]) -> (i32, i32) {
        // Both numbers were looked at when this was made.
        let place = |partitions| self.partitioner.partition(Some(key), partitions).unwrap_or_default();
        (place(self.from), place(self.to))
    }
}
