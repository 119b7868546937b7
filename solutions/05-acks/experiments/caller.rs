//! A caller as the ingest is one: an event loop that has a trade to hand over at fixed times, and something else to do.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use producer::{Producer, ProducerConfig};
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use crate::cluster::LIMIT;
use crate::trades::Trades;

/// Trades a second.
pub(crate) const RATE: f64 = 2_000.0;
/// Half a second of them.
const QUEUE: u32 = 1_000;
/// The loop's other work: answering pings, reading sockets.
const TICK: Duration = Duration::from_millis(5);

/// What is done about a full queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cure {
    /// Nothing: the error is not looked at.
    Drop,
    /// Polled for a second at most, and tried once more.
    Guide,
    /// Polled without waiting, and tried until it is taken.
    PollOnly,
    /// The lab's producer, which is awaited.
    Awaited,
}

pub(crate) enum Caller {
    /// Polled by the loop itself, as a client in Python is.
    Bare {
        native: BaseProducer,
        topic: String,
        cure: Cure,
    },
    Lab(Producer),
}

/// How the loop fared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handled {
    /// The longest that the loop's other work had to wait.
    pub(crate) blocked: Duration,
}

impl Caller {
    pub(crate) fn new(brokers: &str, topic: &str, cure: Cure) -> anyhow::Result<Self> {
        if cure == Cure::Awaited {
            let config = ProducerConfig {
                brokers: brokers.to_owned(),
                topic: topic.to_owned(),
                queue_records: QUEUE,
                ..ProducerConfig::default()
            };
            return Ok(Self::Lab(Producer::new(&config)?));
        }
        let native: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("enable.idempotence", "true")
            .set("queue.buffering.max.messages", QUEUE.to_string())
            .set_log_level(rdkafka::config::RDKafkaLogLevel::Emerg)
            .create()?;
        native.client().fetch_metadata(Some(topic), Duration::from_secs(10))?;
        Ok(Self::Bare {
            native,
            topic: topic.to_owned(),
            cure,
        })
    }

    /// Hands over every trade when it is due, and waits until all that were taken are decided.
    pub(crate) fn run(&self, trades: &Trades) -> anyhow::Result<Handled> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let local = tokio::task::LocalSet::new();
        let blocked = Rc::new(Cell::new(Duration::ZERO));
        local.block_on(&runtime, async {
            let other = tokio::task::spawn_local(tick(Rc::clone(&blocked)));
            let started = tokio::time::Instant::now();
            for n in 0..trades.len() {
                tokio::time::sleep_until(started + Duration::from_secs_f64(n as f64 / RATE)).await;
                self.hand_over(trades, n).await?;
            }
            other.abort();
            anyhow::Ok(())
        })?;
        match self {
            Self::Bare { native, .. } => native.flush(LIMIT)?,
            Self::Lab(producer) => runtime.block_on(producer.flush(LIMIT))?,
        }
        Ok(Handled { blocked: blocked.get() })
    }

    async fn hand_over(&self, trades: &Trades, n: usize) -> anyhow::Result<()> {
        match self {
            Self::Lab(producer) => Ok(producer.send(0, trades.key(n), trades.value(n), now_ms()).await?),
            Self::Bare { native, topic, cure } => {
                let mut taken = try_send(native, topic, trades, n)?;
                native.poll(Duration::ZERO);
                match cure {
                    _ if taken => {}
                    Cure::Guide => {
                        serve(native, Duration::from_secs(1));
                        // And what is not taken now is gone.
                        try_send(native, topic, trades, n)?;
                    }
                    Cure::PollOnly => {
                        while !taken {
                            native.poll(Duration::ZERO);
                            taken = try_send(native, topic, trades, n)?;
                        }
                    }
                    _ => {}
                }
                Ok(())
            }
        }
    }
}

/// Does the loop's other work, and notes how long it had to wait for its turn.
async fn tick(blocked: Rc<Cell<Duration>>) {
    loop {
        let asked = Instant::now();
        tokio::time::sleep(TICK).await;
        blocked.set(blocked.get().max(asked.elapsed().saturating_sub(TICK)));
    }
}

/// Whether the record was taken.
fn try_send(native: &BaseProducer, topic: &str, trades: &Trades, n: usize) -> anyhow::Result<bool> {
    let record = BaseRecord::to(topic)
        .partition(0)
        .key(trades.key(n))
        .payload(trades.value(n));
    match native.send(record) {
        Ok(()) => Ok(true),
        Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => Ok(false),
        Err((error, _)) => Err(error.into()),
    }
}

/// `poll(1)` as Python has it: it returns with the first reports, and after that time at the latest. (This crate's own waits on.)
fn serve(native: &BaseProducer, limit: Duration) {
    let (started, before) = (Instant::now(), native.in_flight_count());
    while started.elapsed() < limit && native.in_flight_count() >= before {
        native.poll(Duration::from_millis(100));
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
