//! What the producer's tests share: a cluster in the process, numbered records, and a reader of whole logs.

#![allow(dead_code)] // each test program uses a part of it

use std::time::{Duration, Instant, SystemTime};

use producer::{Compression, Producer, ProducerConfig};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

pub(crate) type Cluster = MockCluster<'static, DefaultProducerContext>;

/// No test waits longer than this for anything.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

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

pub(crate) fn producer(brokers: &str, topic: &str) -> Producer {
    Producer::new(&config(brokers, topic)).expect("a producer")
}

/// Runs a test's future, and fails it at its deadline instead of hanging.
pub(crate) async fn bounded<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(LIMIT, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: not done within {LIMIT:?}; is a waiter never woken?"),
    }
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

/// The numbers in a partition, from its beginning to its end, as a reader of committed records sees them.
pub(crate) fn numbers(brokers: &str, topic: &str, partition: i32) -> Vec<u64> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "whole-log")
        .set("enable.partition.eof", "true")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .create()
        .expect("a reader");
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Beginning)
        .expect("an offset");
    consumer.assign(&list).expect("an assignment");
    let (mut found, started) = (Vec::new(), Instant::now());
    loop {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(m)) => {
                let text = std::str::from_utf8(m.payload().unwrap_or_default()).expect("text");
                found.push(text.parse().expect("a number"));
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return found,
            _ => {}
        }
        assert!(
            started.elapsed() < LIMIT,
            "partition {partition} of {topic} cannot be read to its end"
        );
    }
}

/// Each partition must hold exactly its numbers of `range`, once and in order.
pub(crate) fn assert_once_in_order(brokers: &str, topic: &str, partitions: u64, range: std::ops::Range<u64>) {
    for p in 0..partitions {
        let expected: Vec<u64> = range.clone().filter(|n| n % partitions == p).collect();
        let found = numbers(brokers, topic, p as i32);
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
