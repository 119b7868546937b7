//! Placement: which partition a key goes to, as the Java client does it; and what a key, a retry, a hot market or another
//! number of partitions does to order, state and load. Nothing here reads or writes.
//!
//! All records of a key must land in one partition, because order and state are per partition. Every client does that
//! by a hash of the key, but not by the same hash: a Java producer takes murmur2, librdkafka takes CRC-32 unless told
//! otherwise, Sarama takes FNV-1a. Two producers of one topic that disagree split a key over two partitions, and no one
//! reports an error. So the pipeline computes the partition here, by murmur2, and hands it to the producer.

mod growth;
mod hash;
mod hot;
mod key;
mod log;
mod range;
mod retry;
mod spread;
mod store;

pub use growth::{Growth, GrowthError, Turn};
pub use hash::{crc32, fnv1a, fnv1a_32, hash64, mix, murmur2};
pub use hot::{HotError, Merge, Salt, SubKeys};
pub use key::{Consequences, KeyOf};
pub use log::{Appended, Batch, Log, Producer, REMEMBERED, Refused};
pub use range::{RangeError, Ranges};
pub use retry::{Course, Fate, Sending, send};
pub use spread::{Load, Moved, Spread};
pub use store::{Ring, jump, rendezvous};

/// A topic without partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a topic has at least 1 partition, not {0}")]
pub struct NoPartitions(pub i32);

/// How a key is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Partitioner {
    /// The Java client, Kafka Connect, Kafka Streams; librdkafka's `murmur2`. Kafka's `BuiltInPartitioner`.
    #[default]
    Murmur2,
    /// librdkafka's `consistent`; with a random place for records without a key, its default.
    Crc32,
    /// librdkafka's `fnv1a`; Sarama's hash partitioner.
    Fnv1a,
}

impl Partitioner {
    /// The hash of a key, made non-negative the way this client does it: murmur2 drops the sign bit, CRC-32 is unsigned,
    /// FNV-1a takes the absolute value.
    #[inline]
    pub fn hash(self, key: &[u8]) -> u32 {
        todo!("task 1: each client's own way out of the negative numbers")
    }

    /// The partition of a key among `partitions`: the remainder of [`Partitioner::hash`]. No key counts as an empty one here;
    /// whether a client spreads records without a key instead is its own setting (`consistent_random`, `murmur2_random`).
    ///
    /// # Errors
    /// [`NoPartitions`] for none, or fewer.
    #[inline]
    pub fn partition(self, key: Option<&[u8]>, partitions: i32) -> Result<i32, NoPartitions> {
        todo!("task 1: the remainder, where there is a partition at all")
    }
}

/// The partition that a Java producer gives this key among `partitions`.
///
/// # Errors
/// [`NoPartitions`] for none, or fewer.
#[inline]
pub fn partition_for(key: &[u8], partitions: i32) -> Result<i32, NoPartitions> {
    Partitioner::Murmur2.partition(Some(key), partitions)
}
