//! Records in a topic, and a sink in Rust that reads them: what stands beside ClickHouse's own reader.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clickhouse::Client;
use market::{Decimal, Market};
use olap::{Batcher, Bounds};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::trades::{Stored, Trades};

/// How long servers may take for anything that is no start.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) type Producer = ThreadedProducer<DefaultProducerContext>;

pub(crate) fn producer(brokers: &str) -> anyhow::Result<Producer> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("linger.ms", "5")
        .set("compression.type", "lz4")
        .set("queue.buffering.max.messages", "1000000");
    Ok(config.create()?)
}

/// Hands a record over; there is room for all.
pub(crate) fn send(producer: &Producer, topic: &str, value: &[u8]) -> anyhow::Result<()> {
    let record: BaseRecord<'_, (), [u8]> = BaseRecord::to(topic).partition(0).payload(value);
    producer.send(record).map_err(|(error, _)| error)?;
    Ok(())
}

pub(crate) fn flush(producer: &Producer) -> anyhow::Result<()> {
    Ok(producer.flush(LIMIT)?)
}

/// A trade's record in JSON.
pub(crate) fn json(trades: &Trades, n: usize) -> Vec<u8> {
    let trade = &trades.trades[n];
    format!(
        r#"{{"market":"{}","sequential_id":{},"event_time":{},"sent_time":{},"price":{},"volume":{},"side":"{}"}}"#,
        trade.market,
        trade.sequential_id,
        trade.event_time.millis(),
        trade.sent_time.millis(),
        trade.price,
        trade.volume,
        trade.side.name()
    )
    .into_bytes()
}

#[derive(Deserialize)]
struct Record<'a> {
    market: Market,
    sequential_id: u64,
    event_time: i64,
    sent_time: i64,
    #[serde(borrow)]
    price: &'a RawValue,
    #[serde(borrow)]
    volume: &'a RawValue,
    side: &'a str,
}

/// A trade that waits to be written.
struct Waiting {
    market: Market,
    row: Stored<'static>,
}

fn parsed(value: &[u8], offset: i64) -> Option<Waiting> {
    let record: Record<'_> = serde_json::from_slice(value).ok()?;
    let exact = |number: &RawValue| Decimal::parse(number.get().as_bytes()).ok();
    let row = Stored {
        market: "",
        sequential_id: record.sequential_id,
        event_time: record.event_time,
        sent_time: record.sent_time,
        price: exact(record.price)?.units(),
        volume: exact(record.volume)?.units(),
        side: if record.side == "BID" { 1 } else { 2 },
        kafka_partition: 0,
        kafka_offset: offset,
    };
    Some(Waiting {
        market: record.market,
        row,
    })
}

/// A sink of the plainest kind: reads partition 0 of a topic, parses, writes blocks into a table when the lab's batcher says so, and
/// keeps what it cannot parse. No epochs, no takeover: what exactly-once costs is another chapter's.
pub(crate) struct Sink {
    stop: Arc<AtomicBool>,
    dead: Arc<AtomicU64>,
    thread: JoinHandle<anyhow::Result<()>>,
}

impl Sink {
    pub(crate) fn start(brokers: &str, topic: &str, client: Client, table: &'static str) -> anyhow::Result<Self> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("group.id", topic)
            .set("enable.auto.commit", "false")
            .create()?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, 0, Offset::Beginning)?;
        consumer.assign(&list)?;
        let (stop, dead) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, letters) = (Arc::clone(&stop), Arc::clone(&dead));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let started = Instant::now();
            let mut batcher = Batcher::new(Bounds {
                rows: 20_000,
                delay_ms: 100,
                part_ms: 20,
                refused_ms: 5_000,
            });
            let mut waiting: Vec<Waiting> = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                // The client goes on by itself after most errors; one that lasts shows as rows that do not come.
                let patience = Duration::from_millis(if waiting.is_empty() { 20 } else { 2 });
                if let Some(Ok(record)) = consumer.poll(patience) {
                    match parsed(record.payload().unwrap_or_default(), record.offset()) {
                        Some(trade) => {
                            batcher.push(started.elapsed().as_millis() as i64, 20_240_101);
                            waiting.push(trade);
                        }
                        None => _ = letters.fetch_add(1, Ordering::Relaxed),
                    }
                }
                if batcher.cut(started.elapsed().as_millis() as i64).is_some() {
                    runtime.block_on(async {
                        let mut insert = client.insert::<Stored<'_>>(table).await?;
                        for trade in &waiting {
                            let row = Stored {
                                market: trade.market.as_str(),
                                ..trade.row
                            };
                            insert.write(&row).await?;
                        }
                        insert.end().await
                    })?;
                    batcher.taken();
                    waiting.clear();
                }
            }
            Ok(())
        });
        Ok(Self { stop, dead, thread })
    }

    /// Records that it could not parse.
    pub(crate) fn dead(&self) -> u64 {
        self.dead.load(Ordering::Relaxed)
    }

    pub(crate) fn end(self) -> anyhow::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the sink panicked"))?
    }
}
