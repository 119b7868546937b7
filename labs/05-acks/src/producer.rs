//! The producer that the ingest holds: idempotent, in order per partition, and never dropping.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::producer::Producer as _;
use rdkafka::types::RDKafkaRespErr;

use crate::config::ProducerConfig;
use crate::delivery::Stats;
use crate::error::{ConfigError, FlushError, MetadataError, SendError, TrySendError};
use crate::link::{Headers, Link, Record};
use crate::watch;

/// A handle on one connection to the cluster; clones share it.
///
/// Records of one partition are written in the order in which they were accepted, once each, as long as the producer lives and
/// is idempotent (the default). A new producer is a new numbering: what the old one had in flight when its process died may be
/// in the log, and sending it again doubles it. That is why repeats are dropped downstream. A client that stands still though
/// the cluster is well ([`ProducerConfig::still_limit`]) is replaced by a new one, which sends what is not found in the log.
///
/// Dropping the last handle gives up what is still queued (it is counted as failed, and may have been written): call
/// [`flush`](Self::flush) first.
#[derive(Clone)]
pub struct Producer {
    link: Arc<Link>,
    topic: Arc<str>,
}

impl Producer {
    /// A producer for `config.topic`. Connects in the background: brokers that cannot be reached show in
    /// [`partitions`](Self::partitions) and in [`Stats::last_error`], not here.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn new(config: &ProducerConfig) -> Result<Self, ConfigError> {
        let link = Arc::new(Link::open(config, None)?);
        watch::watch(&link);
        Ok(Self {
            link,
            topic: config.topic.as_str().into(),
        })
    }

    /// Hands a record over, waiting while the queue is full. Returns when it is queued, not when it is acknowledged.
    ///
    /// Cancel safe: a dropped future has not sent the record.
    ///
    /// `timestamp_ms` is milliseconds since 1970, and must be about now. Brokers remember what a producer has written only as
    /// long as its newest record is younger than `producer.id.expiration.ms` (a day), by the records' own timestamps: with
    /// older ones a restarted broker has forgotten, and takes retries as new records. (Retention deletes them too.)
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send(&self, partition: i32, key: &[u8], value: &[u8], timestamp_ms: i64) -> Result<(), SendError> {
        self.link.send(&self.record(partition, key, value, timestamp_ms)).await
    }

    /// As [`send`](Self::send), for callers that do not wait.
    ///
    /// # Errors
    /// [`TrySendError::Full`] when the record was not taken and should be sent again later.
    pub fn try_send(&self, partition: i32, key: &[u8], value: &[u8], timestamp_ms: i64) -> Result<(), TrySendError> {
        self.link.try_send(&self.record(partition, key, value, timestamp_ms))
    }

    fn record<'a>(&'a self, partition: i32, key: &'a [u8], value: &'a [u8], timestamp_ms: i64) -> Record<'a> {
        Record {
            topic: &self.topic,
            partition: Some(partition),
            key: Some(key),
            value: Some(value),
            timestamp_ms: Some(timestamp_ms),
            headers: &[],
        }
    }

    /// A record for any topic: dead letters, snapshots. Without a partition librdkafka chooses one (CRC32 of the key, not
    /// Java's murmur2; at random without a key). Without a value it deletes its key from a compacted topic.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send_to(
        &self,
        topic: &str,
        partition: Option<i32>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: Headers<'_>,
        timestamp_ms: Option<i64>,
    ) -> Result<(), SendError> {
        let record = Record {
            topic,
            partition,
            key,
            value,
            timestamp_ms,
            headers,
        };
        self.link.send(&record).await
    }

    /// As [`send_to`](Self::send_to), for callers that do not wait.
    ///
    /// # Errors
    /// [`TrySendError`].
    pub fn try_send_to(
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

    /// Waits until every record accepted so far (and by others meanwhile) is acknowledged.
    ///
    /// # Errors
    /// [`FlushError`]; records that failed at any time since the producer was made are reported each time.
    pub async fn flush(&self, within: Duration) -> Result<(), FlushError> {
        self.link.flush(within).await
    }

    /// The counters now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.link.stats()
    }

    /// The error after which the producer takes nothing more, if there was one.
    #[must_use]
    pub fn fatal(&self) -> Option<SendError> {
        self.link.fatal()
    }

    /// How many partitions `topic` has. The explicit partition of every record depends on it, so ask before the first.
    ///
    /// # Errors
    /// [`MetadataError`].
    pub async fn partitions(&self, topic: &str, within: Duration) -> Result<i32, MetadataError> {
        let (link, name) = (Arc::clone(&self.link), topic.to_owned());
        // The question blocks a thread for as long as the brokers are silent.
        let answer = tokio::task::spawn_blocking(move || partitions(&link, &name, within)).await;
        answer.unwrap_or_else(|e| {
            Err(MetadataError::Unreachable {
                topic: topic.to_owned(),
                reason: e.to_string(),
            })
        })
    }
}

fn partitions(link: &Link, topic: &str, within: Duration) -> Result<i32, MetadataError> {
    let unreachable = |reason: String| MetadataError::Unreachable {
        topic: topic.to_owned(),
        reason,
    };
    let metadata = link
        .native()
        .client()
        .fetch_metadata(Some(topic), within)
        .map_err(|e| unreachable(e.to_string()))?;
    let found = metadata.topics().iter().find(|t| t.name() == topic);
    match found.map(|t| (t.error(), t.partitions().len())) {
        Some((None, n)) if n > 0 => i32::try_from(n).map_err(|e| unreachable(e.to_string())),
        Some((Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART), _)) => {
            Err(MetadataError::NoTopic(topic.to_owned()))
        }
        Some((Some(error), _)) => Err(unreachable(rdkafka::error::RDKafkaErrorCode::from(error).to_string())),
        _ => Err(MetadataError::NoTopic(topic.to_owned())),
    }
}
