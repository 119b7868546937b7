//! A partition's log, as its leader keeps it: what it takes, what it has already, and what it refuses.
//!
//! A model of Kafka's check, without time, disk or replicas. It is stricter in one place: Kafka takes any first number of a
//! producer that it does not know, because retention may have removed what it knew.

use std::collections::{BTreeMap, VecDeque};

/// How many of a producer's newest batches the leader remembers. It is why an idempotent producer may have no more than five
/// requests in flight.
pub const REMEMBERED: usize = 5;

/// Who sends, if it is an idempotent producer. A new incarnation has a new id, or a higher epoch of the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Producer {
    /// Given by the cluster.
    pub id: i64,
    /// Raised to shut out an older incarnation.
    pub epoch: i16,
}

/// A batch of records for one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<T> {
    /// `None`: a producer without idempotence, whose batches the leader cannot tell apart.
    pub producer: Option<Producer>,
    /// The number of its first record, counted per producer and partition from 0. After `i32::MAX` comes 0 again.
    pub first: i32,
    /// The records, in order.
    pub records: Vec<T>,
}

/// What became of a batch that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It was appended; its first record has this offset.
    At(u64),
    /// It was there: a repeat, acknowledged with the offset that it got the first time.
    Before(u64),
}

/// Why a batch was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Kafka's OUT_OF_ORDER_SEQUENCE_NUMBER: something before it is missing, or it is a repeat that is remembered no more.
    #[error("the batch begins with number {got}, and the next one is {expected}")]
    OutOfOrder {
        /// The number that comes next.
        expected: i32,
        /// The one that came.
        got: i32,
    },
    /// Kafka's INVALID_PRODUCER_EPOCH: a newer incarnation has written.
    #[error("a producer of epoch {newest} has written")]
    Fenced {
        /// The newest epoch.
        newest: i16,
    },
}

/// What is remembered of a producer.
#[derive(Clone, Debug)]
struct Known {
    epoch: i16,
    /// The number that comes next.
    next: i32,
    /// First number, count and first offset of its newest batches, the newest last; at most [`REMEMBERED`].
    batches: VecDeque<(i32, usize, u64)>,
}

impl Known {
    fn new(epoch: i16) -> Self {
        Self {
            epoch,
            next: 0,
            batches: VecDeque::with_capacity(REMEMBERED + 1),
        }
    }
}

/// A log.
#[derive(Clone, Debug)]
pub struct Log<T> {
    records: Vec<T>,
    producers: BTreeMap<i64, Known>,
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self {
            records: Vec::new(),
            producers: BTreeMap::new(),
        }
    }
}

impl<T> Log<T> {
    /// The records by offset.
    #[must_use]
    pub fn records(&self) -> &[T] {
        &self.records
    }

    /// Takes a batch as the leader does.
    ///
    /// - Without a producer it is appended, whatever was before.
    /// - From an older epoch than the newest of its id it is refused as [`Refused::Fenced`]. A newer epoch, or an unknown
    ///   id, begins anew: the next number is 0, and nothing is remembered.
    /// - If its first number and its count are those of one of the [`REMEMBERED`] newest batches, it is [`Appended::Before`].
    /// - Otherwise its first number must be the next one, or it is [`Refused::OutOfOrder`].
    ///
    /// What is refused changes nothing, an epoch that it raised included.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn append(&mut self, batch: Batch<T>) -> Result<Appended, Refused> {
        todo!("task 3: append, recognise or refuse")
    }
}

/// The number behind `count` numbers from `first` on: behind `i32::MAX` comes 0, as the numbers have no sign to spare.
pub(crate) fn after(first: i32, count: usize) -> i32 {
    todo!("task 3: the next number, round the end")
}
