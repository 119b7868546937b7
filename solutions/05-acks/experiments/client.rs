//! Bare clients of librdkafka: nothing of the lab's producer, because what is measured are the settings.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use measure::Latency;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, PurgeConfig, ThreadedProducer};
use rdkafka::{ClientConfig, ClientContext, Statistics};

use crate::trades::Trades;

/// What became of a record, as the client told its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Fate {
    /// Nothing yet.
    Open = 0,
    Delivered = 1,
    /// Reported as failed.
    GivenUp = 2,
}

/// What is heard of the records of one client. A record carries one number: with `fates` its own, otherwise when it was due,
/// in microseconds since `started`.
pub(crate) struct Heard {
    pub(crate) started: Instant,
    pub(crate) delivered: AtomicU64,
    pub(crate) failed: AtomicU64,
    latency: Mutex<Latency>,
    /// Records that were due before this are not timed; by default none is.
    timed_from: AtomicU64,
    fates: Vec<AtomicU8>,
    first_failure: Mutex<Option<KafkaError>>,
    sent: Mutex<Sent>,
    /// The thread that waits for the next report, if one does.
    waits: Mutex<Option<Thread>>,
}

/// What has left the client, as its statistics say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sent {
    pub(crate) records: u64,
    /// Produce requests: each holds one batch of one partition.
    pub(crate) batches: u64,
    /// Everything that was written to sockets.
    pub(crate) bytes: u64,
    /// How often it was said.
    said: u64,
}

impl Heard {
    fn new(records: usize) -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            delivered: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            latency: Mutex::default(),
            timed_from: AtomicU64::new(u64::MAX),
            fates: (0..records).map(|_| AtomicU8::new(Fate::Open as u8)).collect(),
            first_failure: Mutex::default(),
            sent: Mutex::default(),
            waits: Mutex::default(),
        })
    }

    pub(crate) fn now_us(&self) -> u64 {
        self.started.elapsed().as_micros() as u64
    }

    pub(crate) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::SeqCst)
    }

    pub(crate) fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Times what is due from now on.
    pub(crate) fn time_from(&self, due_us: u64) {
        self.timed_from.store(due_us, Ordering::Relaxed);
    }

    pub(crate) fn latency(&self) -> Latency {
        self.latency.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn fate(&self, n: usize) -> Fate {
        match self.fates[n].load(Ordering::SeqCst) {
            0 => Fate::Open,
            1 => Fate::Delivered,
            _ => Fate::GivenUp,
        }
    }

    /// Why the first record was given up.
    pub(crate) fn first_failure(&self) -> Option<KafkaError> {
        self.first_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn sent(&self) -> Sent {
        *self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The client's side of [`Heard`].
struct Ear(Arc<Heard>);

impl ClientContext for Ear {
    fn stats(&self, statistics: Statistics) {
        let batches = statistics
            .brokers
            .values()
            .filter_map(|broker| broker.req.get("Produce"));
        let mut sent = self.0.sent.lock().unwrap_or_else(PoisonError::into_inner);
        *sent = Sent {
            records: statistics.txmsgs.unsigned_abs(),
            batches: batches.sum::<i64>().unsigned_abs(),
            bytes: statistics.tx_bytes.unsigned_abs(),
            said: sent.said + 1,
        };
    }

    /// Servers are killed on purpose here: what the client says of that is no news.
    fn error(&self, _: KafkaError, _: &str) {}

    fn log(&self, _: rdkafka::config::RDKafkaLogLevel, _: &str, _: &str) {}
}

impl ProducerContext for Ear {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let heard = &*self.0;
        let fate = match result {
            Ok(_) => Fate::Delivered,
            Err((error, _)) => {
                let mut first = heard.first_failure.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert_with(|| error.clone());
                Fate::GivenUp
            }
        };
        if let Some(open) = heard.fates.get(number) {
            open.store(fate as u8, Ordering::SeqCst);
        } else if fate == Fate::Delivered && number as u64 >= heard.timed_from.load(Ordering::Relaxed) {
            let late = heard.now_us().saturating_sub(number as u64);
            heard
                .latency
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .record(late, 1);
        }
        let counter = if fate == Fate::Delivered {
            &heard.delivered
        } else {
            &heard.failed
        };
        counter.fetch_add(1, Ordering::SeqCst);
        if let Some(thread) = &*heard.waits.lock().unwrap_or_else(PoisonError::into_inner) {
            thread.unpark();
        }
    }
}

/// A client with its own polling thread, for one topic.
pub(crate) struct Client {
    native: ThreadedProducer<Ear>,
    pub(crate) heard: Arc<Heard>,
    topic: String,
    partitions: i32,
}

impl Client {
    /// With librdkafka's defaults, but for these settings.
    pub(crate) fn new(brokers: &str, topic: &str, partitions: i32, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::of(brokers, topic, partitions, settings, 0)
    }

    /// The same, and the fate of each of so many records is kept.
    pub(crate) fn of(
        brokers: &str,
        topic: &str,
        partitions: i32,
        settings: &[(&str, &str)],
        records: usize,
    ) -> anyhow::Result<Self> {
        let heard = Heard::new(records);
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", brokers)
            .set("log.connection.close", "false");
        for (name, value) in settings {
            config.set(*name, *value);
        }
        let native: ThreadedProducer<Ear> = config.create_with_context(Ear(Arc::clone(&heard)))?;
        // Connected, so that the first record does not wait for that.
        native.client().fetch_metadata(Some(topic), Duration::from_secs(10))?;
        Ok(Self {
            native,
            heard,
            topic: topic.to_owned(),
            partitions,
        })
    }

    /// Hands over a trade with its number; `Ok(false)` when the queue is full.
    pub(crate) fn try_send(&self, trades: &Trades, n: usize, number: usize) -> Result<bool, KafkaError> {
        let record = BaseRecord::with_opaque_to(&self.topic, number)
            .partition(trades.partition(n, self.partitions))
            .key(trades.key(n))
            .payload(trades.value(n));
        match self.native.send(record) {
            Ok(()) => Ok(true),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => Ok(false),
            Err((error, _)) => Err(error),
        }
    }

    /// Hands over a trade, waiting while the queue is full.
    pub(crate) fn send(&self, trades: &Trades, n: usize, number: usize, limit: Duration) -> anyhow::Result<()> {
        let mut full_since = None;
        while !self.try_send(trades, n, number)? {
            let since: &mut Instant = full_since.get_or_insert_with(Instant::now);
            anyhow::ensure!(since.elapsed() < limit, "the client's queue was full for {limit:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Has a first record delivered: an idempotent client asks for its number when it is new, and sends nothing before it has it.
    pub(crate) fn begin(&self, trades: &Trades) -> anyhow::Result<()> {
        let limit = Duration::from_secs(30);
        self.send(trades, 0, 0, limit)?;
        Ok(self.flush(limit)?)
    }

    /// Waits until so many records are delivered, woken by the report.
    pub(crate) fn await_delivered(&self, records: u64, limit: Duration) -> anyhow::Result<()> {
        let heard = &*self.heard;
        let waits = || heard.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits().get_or_insert_with(thread::current);
        let started = Instant::now();
        while heard.delivered() < records {
            anyhow::ensure!(heard.failed() == 0, "a record failed: {:?}", heard.first_failure());
            anyhow::ensure!(
                started.elapsed() < limit,
                "a record was not acknowledged within {limit:?}"
            );
            thread::park_timeout(limit);
        }
        Ok(())
    }

    /// Waits until every record is decided.
    pub(crate) fn flush(&self, limit: Duration) -> Result<(), KafkaError> {
        self.native.flush(limit)
    }

    /// Gives up what is still queued, so that ending the client takes no time.
    pub(crate) fn give_up(&self) {
        self.native.purge(PurgeConfig::default().queue().inflight());
    }

    /// What has been sent until now, as the statistics say next (`statistics.interval.ms` must be set).
    pub(crate) fn sent_now(&self) -> anyhow::Result<Sent> {
        // Two, because one may have been on its way.
        let said = self.heard.sent().said + 2;
        crate::run::until("the client's statistics come", Duration::from_secs(5), || {
            self.heard.sent().said >= said
        })?;
        Ok(self.heard.sent())
    }
}
