//! A bare client of librdkafka that makes one attempt a call, and a reader of the log.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use quorum::{Code, Log, Unreadable};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{
    BaseProducer, BaseRecord, DefaultProducerContext, DeliveryResult, Producer as _, ProducerContext,
};
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};

pub(crate) type Cluster = MockCluster<'static, DefaultProducerContext>;

/// No test waits longer than this for anything.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// Gives the record up after this.
pub(crate) const GIVES_UP: Duration = Duration::from_millis(500);

/// Answers that come after so long are too late: the client looks once a second which of its requests are overdue.
const TOO_LATE: Duration = Duration::from_secs(3);

pub(crate) fn cluster() -> Cluster {
    let cluster = MockCluster::new(1).expect("a cluster in the process");
    cluster.create_topic("t", 1, 1).expect("a topic in it");
    cluster
}

/// From now on the broker takes what comes, and answers too late.
pub(crate) fn slow(cluster: &Cluster) {
    cluster.broker_round_trip_time(1, TOO_LATE).expect("another round trip");
}

/// From now on it answers at once.
pub(crate) fn quick(cluster: &Cluster) {
    cluster
        .broker_round_trip_time(1, Duration::ZERO)
        .expect("another round trip");
}

/// How the last attempt ended. Told while the test itself polls.
struct Context(Mutex<Option<Result<i64, Code>>>);

/// One partition over a bare client: no retries of its own, and a record is given up after [`GIVES_UP`].
pub(crate) struct Client {
    producer: BaseProducer<Context>,
    consumer: BaseConsumer,
}

impl ClientContext for Context {}

impl ProducerContext for Context {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let ended = match result {
            Ok(message) => Ok(message.offset()),
            Err((error, _)) => Err(error.rdkafka_error_code().unwrap_or(Code::Unknown)),
        };
        *self.0.lock().expect("no panic") = Some(ended);
    }
}

impl Client {
    /// Connected: a first record, the number 0, is in the log.
    pub(crate) fn new(cluster: &Cluster, settings: &[(&str, &str)]) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", cluster.bootstrap_servers());
        let mut reads = config.clone();
        reads.set("group.id", "reads").set("enable.partition.eof", "true");
        reads.set("fetch.wait.max.ms", "20").set("enable.auto.commit", "false");
        config.set("linger.ms", "0").set("retries", "0");
        config.set("message.timeout.ms", GIVES_UP.as_millis().to_string());
        for (name, value) in settings {
            config.set(*name, *value);
        }
        let context = Context(Mutex::new(None));
        let client = Self {
            producer: config.create_with_context(context).expect("a producer"),
            consumer: reads.create().expect("a reader"),
        };
        let started = Instant::now();
        while client.attempt(0).is_err() {
            assert!(started.elapsed() < LIMIT, "no record is taken, not even without faults");
        }
        // A connection of its own: the first search for a beginning must meet a leader.
        client.consumer.fetch_metadata(Some("t"), LIMIT).expect("a leader");
        client
    }

    /// One attempt, and how it ended.
    pub(crate) fn attempt(&self, identity: u64) -> Result<i64, Code> {
        let payload = identity.to_string();
        let record = BaseRecord::<str, str>::to("t").partition(0).key("k").payload(&payload);
        let queued = self.producer.send(record);
        queued.map_err(|(error, _)| error.rdkafka_error_code().unwrap_or(Code::Unknown))?;
        let started = Instant::now();
        loop {
            self.producer.poll(Duration::from_millis(1));
            if let Some(ended) = self.producer.context().0.lock().expect("no panic").take() {
                return ended;
            }
            assert!(started.elapsed() < LIMIT, "no report within {LIMIT:?}");
        }
    }

    /// What is in the log now, from an offset on.
    pub(crate) fn log(&self, from: i64) -> Result<Vec<u64>, KafkaError> {
        let mut at = TopicPartitionList::new();
        at.add_partition_offset("t", 0, Offset::Offset(from))?;
        self.consumer.assign(&at)?;
        let (mut found, started) = (Vec::new(), Instant::now());
        loop {
            match self.consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => {
                    let text = std::str::from_utf8(message.payload().unwrap_or_default()).expect("text");
                    found.push(text.parse().expect("a number"));
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(found),
                _ => assert!(started.elapsed() < LIMIT, "the log cannot be read to its end"),
            }
        }
    }

    pub(crate) fn copies(&self, identity: u64) -> usize {
        let log = self.log(0).expect("a log that can be read");
        log.into_iter().filter(|found| *found == identity).count()
    }
}

impl Log for Client {
    async fn end(&mut self) -> Result<i64, Unreadable> {
        let ends = self.consumer.fetch_watermarks("t", 0, LIMIT);
        ends.map(|(_, end)| end).map_err(|error| Unreadable(error.to_string()))
    }

    async fn send(&mut self, identity: u64) -> Result<i64, Code> {
        self.attempt(identity)
    }

    async fn find(&mut self, identity: u64, from: i64) -> Result<Option<i64>, Unreadable> {
        let log = self.log(from).map_err(|error| Unreadable(error.to_string()))?;
        Ok((from..)
            .zip(log)
            .find(|(_, found)| *found == identity)
            .map(|(offset, _)| offset))
    }
}
