//! Bare clients of librdkafka that write numbered records, and remember when each was reported, and how.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use quorum::Code;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, PurgeConfig, ThreadedProducer};
use rdkafka::{ClientConfig, ClientContext};

/// Bytes of a record: about those of a trade.
const SIZE: usize = 150;

/// Numbers of different writers to one topic are so far apart.
const SPAN: u64 = 1 << 32;

/// What a record's bytes say: who wrote it, and which of that writer's it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Identity {
    pub(crate) writer: u32,
    pub(crate) n: u32,
}

impl Identity {
    fn bytes(self) -> [u8; SIZE] {
        let mut bytes = [b' '; SIZE];
        let number = u64::from(self.writer) * SPAN + u64::from(self.n);
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        bytes
    }

    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let number = u64::from_be_bytes(bytes.get(..8)?.try_into().ok()?);
        Some(Self {
            writer: (number / SPAN) as u32,
            n: (number % SPAN) as u32,
        })
    }
}

/// What the client told its caller of a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) n: u32,
    pub(crate) at: Instant,
    /// [`Code::NoError`]: it is acknowledged.
    pub(crate) code: Code,
}

/// What hears the reports.
struct Ear(Arc<Mutex<Vec<Told>>>);

impl ClientContext for Ear {
    /// Servers are hurt on purpose here: what the client says of that is no news.
    fn error(&self, _: KafkaError, _: &str) {}

    fn log(&self, _: rdkafka::config::RDKafkaLogLevel, _: &str, _: &str) {}
}

impl ProducerContext for Ear {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, n: usize) {
        let code = match result {
            Ok(_) => Code::NoError,
            Err((error, _)) => error.rdkafka_error_code().unwrap_or(Code::Unknown),
        };
        let (n, at) = (n as u32, Instant::now());
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.push(Told { n, at, code });
    }
}

/// A client with its own polling thread, for one topic of one partition.
pub(crate) struct Writer {
    native: ThreadedProducer<Ear>,
    heard: Arc<Mutex<Vec<Told>>>,
    topic: String,
    id: u32,
}

impl Writer {
    /// With librdkafka's defaults, but for these settings. It asks for its topic when it first writes, and not before.
    pub(crate) fn new(bootstrap: &str, topic: &str, id: u32, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let heard = Arc::<Mutex<Vec<Told>>>::default();
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", bootstrap);
        for (name, value) in settings {
            config.set(*name, *value);
        }
        Ok(Self {
            native: config.create_with_context(Ear(Arc::clone(&heard)))?,
            heard,
            topic: topic.to_owned(),
            id,
        })
    }

    /// Who leads, as this client hears it now.
    pub(crate) fn leader(&self) -> Option<i32> {
        let client = self.native.client();
        let metadata = client.fetch_metadata(Some(&self.topic), Duration::from_secs(1)).ok()?;
        Some(metadata.topics().first()?.partitions().first()?.leader())
    }

    /// Hands a record over. The client's queue holds more than is ever written here.
    pub(crate) fn send(&self, n: u32) -> anyhow::Result<()> {
        let bytes = Identity { writer: self.id, n }.bytes();
        let record = BaseRecord::<(), _, _>::with_opaque_to(&self.topic, n as usize)
            .partition(0)
            .payload(&bytes[..]);
        Ok(self.native.send(record).map_err(|(error, _)| error)?)
    }

    /// Waits until every record is decided; what is not by then is given up.
    pub(crate) fn settle(&self, limit: Duration) -> anyhow::Result<()> {
        if self.native.flush(limit).is_err() {
            self.native.purge(PurgeConfig::default().queue().inflight());
            self.native.flush(limit)?;
        }
        Ok(())
    }

    /// All reports until now, in their order.
    pub(crate) fn told(&self) -> Vec<Told> {
        self.told_from(0)
    }

    /// The reports from a place on.
    pub(crate) fn told_from(&self, place: usize) -> Vec<Told> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)[place..].to_vec()
    }

    /// Records that were acknowledged.
    pub(crate) fn acknowledged(&self) -> BTreeSet<u32> {
        let told = self.told();
        told.iter()
            .filter(|told| told.code == Code::NoError)
            .map(|told| told.n)
            .collect()
    }

    /// Sends records `range`, and waits until each is decided.
    pub(crate) fn send_all(&self, range: std::ops::Range<u32>, limit: Duration) -> anyhow::Result<()> {
        for n in range {
            self.send(n)?;
        }
        self.settle(limit)
    }
}
