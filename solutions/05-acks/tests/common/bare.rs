//! Clients of librdkafka with nothing of the producer's but settings.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use producer::ProducerConfig;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};
use rdkafka::{ClientConfig, ClientContext, Statistics};

use super::{ANSWER, Cluster, LIMIT, answered, config, now_ms};

/// A bare client of librdkafka: nothing of the producer's but the settings that a test gives it.
pub(crate) struct Bare {
    /// Polled by the test itself: a thread of the client's own would be waited for, 100 ms at a time.
    pub(crate) native: BaseProducer<Seen>,
    pub(crate) seen: Seen,
}

/// What a bare client has reported.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    requests: Arc<AtomicU64>,
    said: Arc<AtomicU64>,
    delivered: Arc<AtomicU64>,
    failed: Arc<Mutex<Vec<u64>>>,
}

impl ClientContext for Seen {
    fn stats(&self, statistics: Statistics) {
        let sent = statistics
            .brokers
            .values()
            .filter_map(|broker| broker.req.get("Produce"));
        self.requests.store(sent.sum::<i64>().unsigned_abs(), Ordering::SeqCst);
        self.said.fetch_add(1, Ordering::SeqCst);
    }
}

impl ProducerContext for Seen {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        match result {
            Ok(_) => {
                self.delivered.fetch_add(1, Ordering::SeqCst);
            }
            Err(_) => self.failed.lock().expect("no panic").push(number as u64),
        }
    }
}

impl Seen {
    pub(crate) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::SeqCst)
    }

    /// The numbers that were given up.
    pub(crate) fn failed(&self) -> Vec<u64> {
        self.failed.lock().expect("no panic").clone()
    }

    /// Produce requests that went out, as the client last said (it says so every 20 ms).
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Bare {
    pub(crate) fn new(cluster: &Cluster, settings: &[(&str, &str)]) -> Self {
        let mut client = ClientConfig::new();
        for (name, value) in settings {
            client.set(*name, *value);
        }
        Self::of(cluster, client)
    }

    pub(crate) fn of(cluster: &Cluster, mut client: ClientConfig) -> Self {
        let seen = Seen::default();
        let native = client
            .set("bootstrap.servers", cluster.bootstrap_servers())
            .set("statistics.interval.ms", "20")
            .create_with_context(seen.clone())
            .unwrap_or_else(|e| panic!("librdkafka refuses the settings, look at the name it gives: {e}"));
        Self { native, seen }
    }

    pub(crate) fn try_number(&self, n: u64) -> Result<(), KafkaError> {
        self.try_send(n, n.to_string().as_bytes())
    }

    pub(crate) fn try_send(&self, n: u64, value: &[u8]) -> Result<(), KafkaError> {
        let record = BaseRecord::with_opaque_to("t", n as usize).partition(0).key("k");
        let sent = self.native.send(record.payload(value).timestamp(now_ms()));
        sent.map_err(|(error, _)| error)
    }

    /// Queues the numbers of `range`.
    pub(crate) fn send(&self, range: std::ops::Range<u64>) {
        for n in range {
            self.try_number(n).unwrap_or_else(|e| panic!("record {n}: {e}"));
        }
    }

    /// Waits until `there`, and hears meanwhile what the client reports.
    pub(crate) fn until(&self, what: &str, mut there: impl FnMut() -> bool) {
        let started = Instant::now();
        while !there() {
            assert!(
                started.elapsed() < LIMIT,
                "{what}: not within {LIMIT:?}; {} are delivered, {:?} are given up",
                self.seen.delivered(),
                self.seen.failed()
            );
            self.native.poll(Duration::from_millis(1));
        }
    }

    /// Waits for every acknowledgement.
    pub(crate) fn flush(&self) {
        self.until(
            "every batch is acknowledged (look at acks, linger.ms and batch.size, and at what the broker refuses)",
            || self.native.flush(Duration::ZERO).is_ok(),
        );
    }

    /// Connects, as [`connect`] does, and has a first record acknowledged: the number 0.
    pub(crate) fn warm_up(&self) {
        self.connect();
        self.send(0..1);
        self.flush();
    }

    /// As [`connect`](super::connect).
    pub(crate) fn connect(&self) {
        answered(|| self.native.client().fetch_metadata(Some("t"), ANSWER).is_ok());
    }

    /// Produce requests that went out until now, as the client says next.
    pub(crate) fn requests_now(&self) -> u64 {
        // Two, because one may have been on its way to us.
        let said = self.seen.said.load(Ordering::SeqCst) + 2;
        self.until("the client says what it sent", || {
            self.seen.said.load(Ordering::SeqCst) >= said
        });
        self.seen.requests()
    }

    /// Sends a number, and breaks the connection before the answer comes.
    pub(crate) fn lose_the_answer_of(&self, cluster: &Cluster, n: u64) {
        let before = self.requests_now();
        cluster.broker_round_trip_time(1, LIMIT).expect("slow");
        self.send(n..n + 1);
        self.until("the record is on its way", || self.seen.requests() > before);
        cluster.broker_down(1).expect("down");
        cluster.broker_round_trip_time(1, Duration::ZERO).expect("quick");
        cluster.broker_up(1).expect("up");
    }
}

/// A bare client with the guarantee of `config`; `more` are the test's own settings.
pub(crate) fn guaranteed(cluster: &Cluster, config: &ProducerConfig, more: &[(&str, &str)]) -> Bare {
    let mut client = ClientConfig::new();
    config.guarantee(None, &mut client);
    for (name, value) in more {
        client.set(*name, *value);
    }
    Bare::of(cluster, client)
}

/// A bare client with the guarantee and the batching of `config`.
pub(crate) fn batched(cluster: &Cluster, config: &ProducerConfig) -> Bare {
    let mut client = ClientConfig::new();
    config.guarantee(None, &mut client);
    config.batching(&mut client);
    Bare::of(cluster, client)
}

/// A bare transactional client with the guarantee of `config`, in a transaction: the cluster in the process checks the numbering of
/// transactional clients alone, where brokers check that of every idempotent one.
pub(crate) fn transacted(cluster: &Cluster, more: &[(&str, &str)]) -> Bare {
    let mut client = ClientConfig::new();
    config(&cluster.bootstrap_servers(), "t").guarantee(Some("id"), &mut client);
    for (name, value) in more {
        client.set(*name, *value);
    }
    let bare = Bare::of(cluster, client);
    bare.native
        .init_transactions(LIMIT)
        .unwrap_or_else(|e| panic!("{e}: look at transactional.id and enable.idempotence"));
    bare.native.begin_transaction().expect("begin");
    bare
}
