//! What the producer's tests share: a cluster in the process, numbered records, and a reader of whole logs.

#![allow(dead_code, unused_imports)] // each test program uses a part of it

mod bare;

use std::time::{Duration, Instant, SystemTime};

pub(crate) use bare::{Bare, batched, guaranteed, transacted};
use producer::{Compression, Producer, ProducerConfig, TrySendError};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

pub(crate) type Cluster = MockCluster<'static, DefaultProducerContext>;

/// No test against the cluster in the process waits longer than this for anything.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// How long a client may take to answer when it is asked to connect. Asked again, it tries at once; left alone, after a second.
pub(crate) const ANSWER: Duration = Duration::from_millis(200);

/// A cluster of librdkafka's own, in this process: brokers that answer in microseconds and fail on request.
pub(crate) fn cluster(brokers: i32, topic: &str, partitions: i32) -> Cluster {
    let cluster = MockCluster::new(brokers).expect("a cluster in the process");
    cluster.create_topic(topic, partitions, brokers).expect("a topic in it");
    cluster
}

pub(crate) fn config(brokers: &str, topic: &str) -> ProducerConfig {
    ProducerConfig {
        brokers: brokers.to_owned(),
        topic: topic.to_owned(),
        linger: Duration::from_millis(1),
        compression: Compression::None,
        ..ProducerConfig::default()
    }
}

/// A producer that is connected.
pub(crate) fn producer(brokers: &str, topic: &str) -> Producer {
    connected(&config(brokers, topic))
}

/// A producer with this configuration that is connected.
pub(crate) fn connected(config: &ProducerConfig) -> Producer {
    let producer = Producer::new(config).expect("a producer");
    connect(&producer, &config.topic);
    producer
}

/// Has a producer ask its brokers about a topic until it is connected. An idempotent client gets its number when an answer comes and a
/// connection stands, or else half a second later; the first answer comes over a connection that is given up then.
pub(crate) fn connect(producer: &Producer, topic: &str) {
    // On a thread of its own: tests call this in a runtime, and out of any.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime");
            answered(|| runtime.block_on(producer.partitions(topic, ANSWER)).is_ok());
        });
    });
}

/// Runs a test's future, and fails it at its deadline instead of hanging.
pub(crate) async fn bounded<T>(what: &str, future: impl Future<Output = T>) -> T {
    bounded_by(LIMIT, what, future).await
}

pub(crate) async fn bounded_by<T>(limit: Duration, what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(limit, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: not done within {limit:?}; is a waiter never woken?"),
    }
}

/// Waits until `there`, and fails at the limit.
pub(crate) fn until(what: &str, mut there: impl FnMut() -> bool) {
    let started = Instant::now();
    while !there() {
        assert!(started.elapsed() < LIMIT, "{what}: not within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until every accepted record is decided, by the counters alone.
pub(crate) fn settled(producer: &Producer) {
    until(
        "every accepted record is acknowledged or given up (look at how reports are counted)",
        || producer.stats().in_flight == 0,
    );
}

/// Asks for three answers. The second may still come over the first connection.
pub(crate) fn answered(mut asked: impl FnMut() -> bool) {
    let mut answers = 0;
    until("brokers and a topic that are there", || {
        answers += usize::from(asked());
        answers == 3
    });
}

pub(crate) fn median(mut of: Vec<Duration>) -> Duration {
    of.sort_unstable();
    of[of.len() / 2]
}

/// Milliseconds since 1970. The present, not any fixed time: see `Producer::send` on what old timestamps cost.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("a clock after 1970");
    i64::try_from(since.as_millis()).expect("a clock before the year 292 million")
}

/// Sends the numbers of `range`, number n to partition n % partitions.
pub(crate) async fn send_numbers(producer: &Producer, partitions: u64, range: std::ops::Range<u64>) {
    for n in range {
        producer
            .send((n % partitions) as i32, b"KRW-BTC", n.to_string().as_bytes(), now_ms())
            .await
            .unwrap_or_else(|e| panic!("record {n} was not taken: {e}"));
    }
}

/// Tries to hand a number to partition 0 without waiting.
pub(crate) fn try_number(producer: &Producer, n: u64) -> Result<(), TrySendError> {
    producer.try_send(0, b"k", n.to_string().as_bytes(), now_ms())
}

/// Hands the numbers of `range` to partition 0; there must be room.
pub(crate) fn hand_over(producer: &Producer, range: std::ops::Range<u64>) {
    for n in range {
        try_number(producer, n).unwrap_or_else(|e| panic!("record {n} was not taken although there is room: {e}"));
    }
}

/// The numbers in a partition, from its beginning to its end, as a reader of committed records sees them.
pub(crate) fn numbers(brokers: &str, topic: &str, partition: i32) -> Vec<u64> {
    logs(brokers, topic, partition..partition + 1).remove(0)
}

/// The numbers in each partition of a range.
fn logs(brokers: &str, topic: &str, partitions: std::ops::Range<i32>) -> Vec<Vec<u64>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "whole-log")
        .set("enable.partition.eof", "true")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("fetch.wait.max.ms", "20")
        .set("reconnect.backoff.ms", "10")
        .create()
        .expect("a reader");
    let mut list = TopicPartitionList::new();
    for partition in partitions.clone() {
        list.add_partition_offset(topic, partition, Offset::Beginning)
            .expect("an offset");
    }
    // Else the search for a partition's beginning meets no leader yet, and the client tries again after half a second.
    answered(|| consumer.fetch_metadata(Some(topic), ANSWER).is_ok());
    consumer.assign(&list).expect("an assignment");
    let (mut found, mut open) = (vec![Vec::new(); partitions.len()], partitions.len());
    let started = Instant::now();
    while open > 0 {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(m)) => {
                let text = std::str::from_utf8(m.payload().unwrap_or_default()).expect("text");
                found[(m.partition() - partitions.start) as usize].push(text.parse().expect("a number"));
            }
            Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
            _ => {}
        }
        assert!(
            started.elapsed() < LIMIT,
            "partitions {partitions:?} of {topic} cannot be read to their end"
        );
    }
    found
}

/// Each partition must hold exactly its numbers of `range`, once and in order.
pub(crate) fn assert_once_in_order(brokers: &str, topic: &str, partitions: u64, range: std::ops::Range<u64>) {
    for (p, found) in (0..).zip(logs(brokers, topic, 0..partitions as i32)) {
        let expected: Vec<u64> = range.clone().filter(|n| n % partitions == p).collect();
        if found != expected {
            let at = found
                .iter()
                .zip(&expected)
                .position(|(f, e)| f != e)
                .unwrap_or(found.len().min(expected.len()));
            panic!(
                "partition {p}: {} records instead of {}; first difference at offset {at}: found {:?}, expected {:?}. \
                 Fewer: lost. More: doubled, look at idempotence. Same count: reordered, look at requests in flight.",
                found.len(),
                expected.len(),
                found.get(at..(at + 5).min(found.len())),
                expected.get(at..(at + 5).min(expected.len())),
            );
        }
    }
}

/// Answers of the broker take this long from now on.
pub(crate) fn slow(cluster: &Cluster, milliseconds: u64) {
    cluster
        .broker_round_trip_time(1, Duration::from_millis(milliseconds))
        .expect("another round trip");
}

pub(crate) fn queue_of(cluster: &Cluster, queue_records: u32) -> Producer {
    let config = ProducerConfig {
        queue_records,
        linger: Duration::ZERO,
        ..config(&cluster.bootstrap_servers(), "t")
    };
    Producer::new(&config).expect("a producer")
}

/// How often the only thread of this runtime went to sleep while `waits` waited for a third of a second, and how long it worked.
pub(crate) async fn naps(waits: impl Future) -> (u64, Duration) {
    let metrics = tokio::runtime::Handle::current().metrics();
    // Work is counted when the thread goes to sleep: what came before this is not the waiter's.
    tokio::time::sleep(Duration::from_millis(1)).await;
    let before = (metrics.worker_park_count(0), metrics.worker_total_busy_duration(0));
    let ended = tokio::time::timeout(Duration::from_millis(300), waits).await;
    assert!(ended.is_err(), "no broker: there is nothing that could end this wait");
    (
        metrics.worker_park_count(0) - before.0,
        metrics.worker_total_busy_duration(0) - before.1,
    )
}

pub(crate) fn assert_asleep(what: &str, (naps, worked): (u64, Duration)) {
    // Every 50 ms it looks by itself: six times.
    assert!(
        naps <= 30 && worked < Duration::from_millis(60),
        "{what} for 300 ms, with nothing to be told, the thread woke {naps} times and worked {worked:?}. A waiter sleeps until \
         it is woken: look at awaited"
    );
}

/// A producer whose fatal error comes after some round trips, with a full queue.
pub(crate) fn about_to_stop(cluster: &Cluster) -> Producer {
    slow(cluster, 60);
    let error = RDKafkaRespErr::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED;
    cluster.request_errors(RDKafkaApiKey::InitProducerId, &[error]);
    let producer = queue_of(cluster, 5);
    hand_over(&producer, 0..5);
    producer
}

/// When the client knows of its fatal error. On a thread of its own, which a test that fails does not wait for.
pub(crate) fn stopped_at(producer: &Producer) -> tokio::sync::oneshot::Receiver<Instant> {
    let (producer, (tell, told)) = (producer.clone(), tokio::sync::oneshot::channel());
    std::thread::spawn(move || {
        connect(&producer, "t");
        until("the fatal error comes", || producer.fatal().is_some());
        let _ = tell.send(Instant::now());
    });
    told
}
