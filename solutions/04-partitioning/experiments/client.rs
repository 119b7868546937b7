//! Bare clients of librdkafka: a producer that counts what is delivered, and a reader of whole topics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, PurgeConfig, ThreadedProducer};
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};

use crate::run::pause_until;
use crate::servers::{LIMIT, Silence, Topic};

/// A record's number travels as its time: this much, in ms since 1970, and the number. A time of 0 would be the present to the
/// client.
const FIRST_MS: i64 = 1_600_000_000_000;

/// What became of the records.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) delivered: AtomicU64,
    pub(crate) failed: AtomicU64,
}

struct Ear(Arc<Heard>);

impl ClientContext for Ear {}

impl ProducerContext for Ear {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let counter = if result.is_ok() {
            &self.0.delivered
        } else {
            &self.0.failed
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// A producer for one topic.
pub(crate) struct Writer {
    native: ThreadedProducer<Ear>,
    pub(crate) heard: Arc<Heard>,
    topic: String,
}

impl Writer {
    pub(crate) fn new(brokers: &str, topic: &Topic, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let heard = Arc::new(Heard::default());
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", brokers)
            .set("log.connection.close", "false");
        for (name, value) in settings {
            config.set(*name, *value);
        }
        let native: ThreadedProducer<Ear> = config.create_with_context(Ear(Arc::clone(&heard)))?;
        // Connected, so that the first record does not wait for that.
        native.client().fetch_metadata(Some(&topic.name), LIMIT)?;
        Ok(Self {
            native,
            heard,
            topic: topic.name.clone(),
        })
    }

    /// Hands over a record, waiting while the queue is full. Without a partition, the client's own partitioner places it.
    pub(crate) fn send(&self, partition: Option<i32>, key: &[u8], value: &[u8], number: u64) -> anyhow::Result<()> {
        let silence = Silence::new();
        let mut record = BaseRecord::to(&self.topic)
            .key(key)
            .payload(value)
            .timestamp(FIRST_MS + number as i64);
        if let Some(partition) = partition {
            record = record.partition(partition);
        }
        loop {
            match self.native.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => record = back,
                Err((error, _)) => return Err(error.into()),
            }
            silence.check("room in the client's queue")?;
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Records for all partitions in turn, so many a second for so long, and each partition one at least; how many. Their numbers
    /// begin with `from`. A topic that is new, and a client that is, take their first records slower than all others, and whoever reads
    /// along reads these first.
    pub(crate) fn warm_up(&self, topic: &Topic, from: u64, rate: f64, span: Duration) -> anyhow::Result<u64> {
        let count = ((rate * span.as_secs_f64()) as u64).max(topic.partitions.unsigned_abs().into());
        let start = Instant::now();
        for (number, partition) in (0..count).zip((0..topic.partitions).cycle()) {
            pause_until(start + Duration::from_secs_f64(number as f64 / rate));
            self.send(Some(partition), b"", b"", from + number)?;
        }
        self.flush()?;
        Ok(count)
    }

    /// Waits until every record is delivered.
    pub(crate) fn flush(&self) -> anyhow::Result<()> {
        self.native.flush(LIMIT)?;
        let failed = self.heard.failed.load(Ordering::Relaxed);
        anyhow::ensure!(failed == 0, "{failed} records failed");
        Ok(())
    }

    /// Gives up what is still queued, so that ending the client takes no time.
    pub(crate) fn give_up(&self) {
        self.native.purge(PurgeConfig::default().queue().inflight());
    }
}

/// A consumer of all partitions of a topic from their beginning, in no group.
pub(crate) fn reader(brokers: &str, topic: &Topic) -> anyhow::Result<BaseConsumer> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "x04") // assigned by hand: the client wants a name for a group that nobody joins
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "error")
        .set("fetch.queue.backoff.ms", "10")
        .set("log.connection.close", "false")
        .create()?;
    // Else the search for a partition meets no leader yet, and the client tries again after half a second.
    consumer.fetch_metadata(Some(&topic.name), LIMIT)?;
    let mut list = TopicPartitionList::new();
    for partition in 0..topic.partitions {
        list.add_partition_offset(&topic.name, partition, Offset::Offset(0))?;
    }
    consumer.assign(&list)?;
    Ok(consumer)
}

/// The number that a record was sent with.
pub(crate) fn number(record: &BorrowedMessage<'_>) -> u64 {
    let ms = record.timestamp().to_millis().unwrap_or_default();
    ms.saturating_sub(FIRST_MS).unsigned_abs()
}

/// Reads until `count` records have come, each given to `take` as it comes.
pub(crate) fn read(
    consumer: &BaseConsumer,
    count: u64,
    mut take: impl FnMut(&BorrowedMessage<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (mut silence, mut left) = (Silence::new(), count);
    while left > 0 {
        match consumer.poll(Duration::from_millis(50)) {
            Some(Ok(record)) => {
                silence.broken();
                take(&record)?;
                left -= 1;
            }
            // The client goes on by itself after most errors, and the end of a partition is none.
            Some(Err(_)) | None => silence.check("records of a topic")?,
        }
    }
    Ok(())
}

/// The partition of each record of a topic with `count` of them, by its key.
pub(crate) fn places(brokers: &str, topic: &Topic, count: u64) -> anyhow::Result<Vec<(Vec<u8>, i32)>> {
    let mut places = Vec::new();
    read(&reader(brokers, topic)?, count, |record| {
        places.push((record.key().unwrap_or_default().to_vec(), record.partition()));
        Ok(())
    })?;
    Ok(places)
}
