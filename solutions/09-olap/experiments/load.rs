//! Records in a topic, and a sink in Rust that reads them: what stands beside ClickHouse's own reader.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clickhouse::{Client, Row};
use market::{Decimal, Market};
use olap::{Batcher, Bounds};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};
use serde::{Deserialize, Serialize};
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

/// A row of `dead`.
#[derive(Row, Serialize)]
struct Dead<'a> {
    raw: &'a str,
    why: &'a str,
}

fn parsed(value: &[u8], offset: i64) -> Result<Waiting, String> {
    let record: Record<'_> = serde_json::from_slice(value).map_err(|why| why.to_string())?;
    let exact = |number: &RawValue| Decimal::parse(number.get().as_bytes()).map_err(|why| why.to_string());
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
    Ok(Waiting {
        market: record.market,
        row,
    })
}

/// A sink of the plainest kind: reads a topic as a member of a group, parses, writes blocks into a table when the lab's batcher says so,
/// commits what it has written, and writes what it cannot parse into the table `dead`. No epochs, no takeover: what exactly-once costs
/// is another chapter's.
pub(crate) struct Sink {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<()>>,
}

impl Sink {
    /// A block is cut at 20,000 rows, or when its oldest has waited for `delay`.
    pub(crate) fn start(
        brokers: &str,
        topic: &str,
        client: Client,
        table: &'static str,
        delay: Duration,
    ) -> anyhow::Result<Self> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("group.id", topic)
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            // By default a consumer that holds 100,000 records fetches nothing for a second.
            .set("fetch.queue.backoff.ms", "10")
            .create()?;
        consumer.subscribe(&[topic])?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let started = Instant::now();
            let mut batcher = Batcher::new(Bounds {
                rows: 20_000,
                delay_ms: delay.as_millis() as i64,
                part_ms: 20,
                refused_ms: 5_000,
            });
            let mut waiting: Vec<Waiting> = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                // The client goes on by itself after most errors; one that lasts shows as rows that do not come.
                let patience = Duration::from_millis(if waiting.is_empty() { 20 } else { 2 });
                if let Some(Ok(record)) = consumer.poll(patience) {
                    let value = record.payload().unwrap_or_default();
                    match parsed(value, record.offset()) {
                        Ok(trade) => {
                            batcher.push(started.elapsed().as_millis() as i64, 20_240_101);
                            waiting.push(trade);
                        }
                        Err(why) => runtime.block_on(async {
                            let mut insert = client.insert::<Dead<'_>>("dead").await?;
                            let raw = String::from_utf8_lossy(value);
                            insert.write(&Dead { raw: &raw, why: &why }).await?;
                            insert.end().await
                        })?,
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
                    // What has been polled is written by now.
                    consumer.commit_consumer_state(CommitMode::Async)?;
                }
            }
            Ok(())
        });
        Ok(Self { stop, thread })
    }

    pub(crate) fn end(self) -> anyhow::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the sink panicked"))?
    }
}
