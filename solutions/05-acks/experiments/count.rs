//! What became of trades, by the ledger: a topic is read to its end and matched with what its producer was told.

use std::time::{Duration, Instant};

use anyhow::ensure;
use ledger::{Ledger, RunFacts, Terms};
use market::{Encoding, Position, Trade};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::cluster::Topic;

/// How long a topic may give nothing before its end is reached.
const SILENCE: Duration = Duration::from_secs(20);

/// What was found, in trades.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    /// Said to be there, and not in the topic.
    pub(crate) lost: u64,
    /// Records of a trade that was in the topic already.
    pub(crate) doubled: u64,
    /// In the topic behind a later trade of their market.
    pub(crate) reordered: u64,
    /// In the topic, and not said to be there.
    pub(crate) unexpected: u64,
}

/// Matches a topic with the trades that are said to be in it. What the ledger calls a trade that was sent is one that was
/// said to be delivered.
pub(crate) fn matched<'a>(
    brokers: &str,
    topic: &Topic,
    said: impl ExactSizeIterator<Item = &'a Trade>,
) -> anyhow::Result<Counted> {
    let scratch = tempfile::tempdir()?;
    let terms = Terms {
        journal: true,
        encoding: Encoding::Json,
        bound_ms: 0,
        lateness_ms: 0,
    };
    let mut ledger = Ledger::open(terms, scratch.path(), 2 * said.len() as u64)?;
    for trade in said {
        ledger.sent(trade)?;
    }
    read(brokers, topic, &mut ledger)?;
    let report = ledger.close(&RunFacts::default(), &mut |_, _, _| {})?;
    ensure!(
        report.unreadable == 0,
        "{} records of {} are no trades",
        report.unreadable,
        topic.name
    );
    Ok(Counted {
        lost: report.lost_by_stage.ingest,
        doubled: report.repeats,
        reordered: report.reordered,
        unexpected: report.unexpected.ingest,
    })
}

fn read(brokers: &str, topic: &Topic, ledger: &mut Ledger) -> anyhow::Result<()> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "count") // assigned by hand: the client wants a name for a group that nobody joins
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "error")
        .set("queued.max.messages.kbytes", "32768")
        .set("fetch.queue.backoff.ms", "10")
        .create()?;
    let mut list = TopicPartitionList::new();
    for partition in 0..topic.partitions {
        ledger.partition(partition);
        list.add_partition_offset(&topic.name, partition, Offset::Offset(0))?;
    }
    consumer.assign(&list)?;
    let (mut open, mut last) = (topic.partitions, Instant::now());
    let mut trouble = None;
    while open > 0 {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(record)) => {
                last = Instant::now();
                let (partition, offset) = (record.partition(), record.offset());
                ledger.record(
                    Position { partition, offset },
                    record.key(),
                    record.payload().unwrap_or_default(),
                )?;
            }
            Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
            // The client goes on by itself after most errors; one that lasts shows as silence.
            Some(Err(error)) => trouble = Some(error),
            None => {}
        }
        ensure!(
            last.elapsed() < SILENCE,
            "{} cannot be read to its end: {trouble:?}",
            topic.name
        );
    }
    Ok(())
}
