//! From the exchange's socket to the topic: feed → wire → placement → producer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use market::{Market, Reason, Undecodable};
use measure::{IngestProgress, Progress};

use crate::cli::{IngestArgs, REPORT_EVERY};
use crate::control::{self, Wish};
use crate::parts::feed::{self, BadFrame, Feed, FeedConfig, Received};
use crate::parts::placement;
use crate::parts::producer::{Acks, Producer, ProducerConfig};
use crate::{dead, process};

/// A trade further ahead of this machine's clock than this would drag the watermark along and make all others late.
const FUTURE_MS: i64 = 60_000;

/// How long the broker may take to acknowledge the last trades.
const FLUSH_LIMIT: Duration = Duration::from_secs(120);

/// Runs until the parent says `drain`, the feed gives up, or the producer cannot go on.
///
/// # Errors
/// The first cause, in a sentence.
pub async fn run(args: IngestArgs) -> anyhow::Result<()> {
    let mut wish = control::listen();
    let mut config = FeedConfig::new(args.ws.clone(), args.rest.clone(), args.markets.clone());
    if let Some(path) = &args.ca_cert {
        let pem = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        config.extra_ca_pem = Some(pem);
    }
    let mut ingest = Ingest::new(&args).await?;
    let (feed, mut batches) = feed::connect(config, Arc::new(wire::FrameDecoder))?;
    let feed = Arc::new(feed);

    let mut report = tokio::time::interval(REPORT_EVERY);
    report.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut draining = false;
    loop {
        tokio::select! {
            biased;
            _ = report.tick() => ingest.report(&feed, false)?,
            changed = wish.changed(), if !draining => match (changed, *wish.borrow_and_update()) {
                (Ok(()), Wish::Drain) => {
                    draining = true;
                    // Beside this loop: the feed drains only while its batches are taken.
                    let feed = feed.clone();
                    tokio::spawn(async move { feed.drain().await });
                }
                (Ok(()), Wish::Run) => {}
                _ => anyhow::bail!("the parent is gone"),
            },
            batch = batches.recv() => match batch {
                Some(batch) => {
                    for received in &batch.trades {
                        ingest.hand_over(received).await?;
                    }
                    for bad in &batch.bad {
                        ingest.bury(bad).await?;
                    }
                }
                None => break,
            },
        }
    }
    feed.ended().await.context("the feed has ended")?;
    ingest.trades.flush(FLUSH_LIMIT).await.context("the last trades")?;
    ingest
        .dead_letters
        .flush(FLUSH_LIMIT)
        .await
        .context("the last dead letters")?;
    ingest.report(&feed, true)
}

struct Ingest {
    args: IngestArgs,
    trades: Producer,
    /// A producer of its own: a flood of garbage must not take the trades' place in the queue.
    dead_letters: Producer,
    partitions: i32,
    /// Placement is a pure function of the code: one look-up is cheaper than hashing and dividing for every trade.
    placed: HashMap<Market, i32, foldhash::fast::RandomState>,
    record: Vec<u8>,
    /// Trades from the future so far.
    future: u64,
}

impl Ingest {
    async fn new(args: &IngestArgs) -> anyhow::Result<Self> {
        let producer = |topic: &str, name: &str, acks, max_record_bytes| {
            Producer::new(&ProducerConfig {
                brokers: args.kafka.brokers.clone(),
                topic: topic.to_owned(),
                client_id: name.to_owned(),
                acks,
                // Repeats are told by the broker only where all replicas know them.
                idempotent: acks == Acks::All,
                max_record_bytes,
                linger: Duration::from_millis(args.linger_ms),
                ..ProducerConfig::default()
            })
        };
        let trades = producer(
            &args.kafka.topic,
            "ingest",
            args.acks,
            ProducerConfig::default().max_record_bytes,
        )?;
        let partitions = trades
            .partitions(&args.kafka.topic, Duration::from_secs(30))
            .await
            .with_context(|| format!("the trades have nowhere to go at {}", args.kafka.brokers))?;
        Ok(Self {
            trades,
            dead_letters: producer(
                &args.kafka.dead_letters,
                "ingest-dead-letters",
                Acks::All,
                dead::MOST_BYTES,
            )?,
            partitions,
            placed: HashMap::default(),
            record: Vec::with_capacity(512),
            future: 0,
            args: args.clone(),
        })
    }

    async fn hand_over(&mut self, received: &Received) -> anyhow::Result<()> {
        let (trade, at_ms) = (&received.trade, received.received_us / 1_000);
        self.record.clear();
        wire::encode(self.args.kafka.encoding, trade, &mut self.record);
        if trade.event_time.millis() > at_ms + FUTURE_MS {
            let ahead = (trade.event_time.millis() - at_ms) / 1_000;
            if self.future == 0 {
                tracing::warn!("a trade is {ahead} s ahead of this machine's clock; if the clock is wrong, set it");
            }
            self.future += 1;
            let detail = format!("executed {ahead} s after it was received; if this machine's clock is wrong, set it");
            let why = Undecodable {
                reason: Reason::Future,
                detail,
            };
            let topic = &self.args.kafka.dead_letters;
            return Ok(dead::send(&self.dead_letters, topic, &self.record, &why, "feed", at_ms).await?);
        }
        let key = trade.market.as_bytes();
        let partition = match self.placed.get(&trade.market) {
            Some(partition) => *partition,
            None => {
                let partition = placement::partition_for(key, self.partitions)?;
                self.placed.insert(trade.market, partition);
                partition
            }
        };
        self.trades
            .send(partition, key, &self.record, at_ms)
            .await
            .context("the producer cannot go on")
    }

    async fn bury(&self, bad: &BadFrame) -> anyhow::Result<()> {
        let topic = &self.args.kafka.dead_letters;
        let at_ms = bad.received_us / 1_000;
        dead::send(&self.dead_letters, topic, &bad.bytes, &bad.why, &bad.source, at_ms)
            .await
            .context("a dead letter cannot be sent")
    }

    fn report(&self, feed: &Feed, done: bool) -> anyhow::Result<()> {
        let (feed, trades, dead) = (feed.stats(), self.trades.stats(), self.dead_letters.stats());
        let (cpu_ms, memory) = process::usage();
        let progress = IngestProgress {
            connected: feed.connected,
            connections: feed.connections,
            frames: feed.frames,
            bytes: feed.bytes,
            trades: trades.enqueued,
            repeats: feed.repeats,
            bad_frames: feed.bad_frames,
            dead_letters: dead.acked,
            gaps: feed.gaps,
            repaired: feed.repaired,
            repairing: feed.repairing,
            repair_ms: feed.repair_ms,
            acked: trades.acked,
            in_flight: trades.in_flight + dead.in_flight,
            failed: trades.failed + dead.failed,
            done,
            cpu_ms,
            memory,
        };
        anyhow::ensure!(
            process::report(&Progress::Ingest(progress)),
            "nobody reads the reports any more"
        );
        Ok(())
    }
}
