//! Records and offsets that become visible together or not at all.
//!
//! Taught beside the pipeline, not used by it: a Kafka transaction ends at Kafka's edge, and the rows are in ClickHouse.

use std::time::{Duration, Instant};

use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::KafkaResult;
use rdkafka::producer::Producer as _;
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};

use crate::config::ProducerConfig;
use crate::delivery::Stats;
use crate::error::{ConfigError, TransactionError, TrySendError};
use crate::link::{Headers, Link, Native, Record};

/// How long one call into librdkafka may take. It hears of nothing meanwhile, and its binding gives the flush before a commit the
/// whole time and the commit the same time once more: in slices, a call ends when it said it would.
const SLICE: Duration = Duration::from_millis(250);

/// Between an error that came at once and the same call again.
const PAUSE: Duration = Duration::from_millis(10);

/// Where a group stands in a partition: the offset of the next record to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
    /// The next offset to read, not the last one read.
    pub offset: i64,
}

/// A transactional producer. Its calls block (except [`send`](Self::send)): use it from a thread of its own.
///
/// One transaction is open at a time: [`init`](Self::init) once, then begin, send, commit or abort, again and again.
pub struct Transactional {
    link: Link,
    topic: String,
}

impl Transactional {
    /// A producer whose transactions are known by `transactional_id`. Two living producers with one id fence each other: the
    /// one that initialised later stays.
    ///
    /// # Errors
    /// [`ConfigError`]; a transactional producer is always idempotent.
    pub fn new(config: &ProducerConfig, transactional_id: &str) -> Result<Self, ConfigError> {
        if !config.idempotent {
            return Err(ConfigError::Contradiction(
                "a transactional producer is always idempotent",
            ));
        }
        Ok(Self {
            link: Link::open(config, Some(transactional_id))?,
            topic: config.topic.clone(),
        })
    }

    /// One call with its time. A callback's panic ([`Deliveries::heed`](crate::delivery::Deliveries::heed)) is heard after it.
    fn once(
        &self,
        slice: Duration,
        call: impl Fn(&Native, Duration) -> KafkaResult<()>,
    ) -> Result<(), TransactionError> {
        let answer = call(&self.link.native(), slice);
        self.link.deliveries().heed();
        Ok(answer?)
    }

    /// Calls `call` ([`once`](Self::once)) until its outcome is known, at most for `within`.
    ///
    /// - Each call gets what is left of `within`, and at most [`SLICE`].
    /// - [`TransactionError::Retriable`] is called again while time is left, after [`PAUSE`]: the client resumes a call that it was
    ///   in, and only the same call tells the outcome. It may say so at once, and without a pause that would take a whole core.
    ///   When the time is over it is the caller's answer.
    /// - Done, [`Abortable`](TransactionError::Abortable) and [`Fatal`](TransactionError::Fatal) are answers at once: repeated, they
    ///   would say the same.
    /// - Called at least once, also with no time at all.
    fn repeated(
        &self,
        within: Duration,
        call: impl Fn(&Native, Duration) -> KafkaResult<()>,
    ) -> Result<(), TransactionError> {
        todo!("task 8: repeat a call while its outcome is open and time is left")
    }

    /// Registers the id, fences older producers of it, and aborts what they left open. Once, before anything else.
    ///
    /// # Errors
    /// [`TransactionError`]: after [`Retriable`](TransactionError::Retriable) call it again.
    pub fn init(&self, within: Duration) -> Result<(), TransactionError> {
        todo!("task 8: register the id")
    }

    /// Opens a transaction. Local: the broker hears of it with the first record.
    ///
    /// # Errors
    /// [`TransactionError`].
    pub fn begin(&self) -> Result<(), TransactionError> {
        Ok(self.link.native().begin_transaction()?)
    }

    /// Queues a record of the open transaction for the topic of the configuration.
    ///
    /// # Errors
    /// [`TrySendError`]: also when no transaction is open.
    pub fn send(&self, partition: i32, key: &[u8], value: &[u8], timestamp_ms: i64) -> Result<(), TrySendError> {
        self.send_to(
            &self.topic,
            Some(partition),
            Some(key),
            Some(value),
            &[],
            Some(timestamp_ms),
        )
    }

    /// Queues a record of the open transaction for any topic.
    ///
    /// # Errors
    /// [`TrySendError`].
    pub fn send_to(
        &self,
        topic: &str,
        partition: Option<i32>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: Headers<'_>,
        timestamp_ms: Option<i64>,
    ) -> Result<(), TrySendError> {
        self.link.try_send(&Record {
            topic,
            partition,
            key,
            value,
            timestamp_ms,
            headers,
        })
    }

    /// Makes a group's progress part of the open transaction: committed with it or not at all. `group` is the reading
    /// consumer's, so that the coordinator refuses a member that has lost its place.
    ///
    /// # Errors
    /// [`TransactionError`].
    pub fn send_offsets(
        &self,
        offsets: &[Offset<'_>],
        group: &ConsumerGroupMetadata,
        within: Duration,
    ) -> Result<(), TransactionError> {
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for o in offsets {
            list.add_partition_offset(o.topic, o.partition, KafkaOffset::Offset(o.offset))?;
        }
        Ok(self.link.native().send_offsets_to_transaction(&list, group, within)?)
    }

    /// Delivers what is queued and commits: commits again while the outcome is open and time is left.
    ///
    /// # Errors
    /// [`TransactionError`]: after [`Retriable`](TransactionError::Retriable) the time is over and the outcome open, and only
    /// committing again tells it; after [`Abortable`](TransactionError::Abortable) nothing of it will be seen.
    pub fn commit(&self, within: Duration) -> Result<(), TransactionError> {
        todo!("task 8: commit")
    }

    /// Gives the open transaction up. Its queued records are purged; those already in the log stay there, marked as
    /// aborted, and readers of committed records pass over them. Repeated as [`commit`](Self::commit) is.
    ///
    /// # Errors
    /// [`TransactionError`]. Not after a commit that was [`Retriable`](TransactionError::Retriable): that may have happened.
    pub fn abort(&self, within: Duration) -> Result<(), TransactionError> {
        todo!("task 8: give up")
    }

    /// The counters now. Records of aborted transactions that were still queued count as failed.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.link.stats()
    }
}
