//! The producer against real servers: what is acknowledged is in the log once, with its bytes, headers and time.

use std::time::Duration;

use crate::common::{ANSWER, answered, assert_once_in_order, bounded_by, config, producer, send_numbers};
use crate::{WITHIN, topic};
use producer::{MetadataError, Producer};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Headers as _, Message as _};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task7_what_is_acknowledged_is_read_exactly_once_and_in_order() {
    let (brokers, topic) = topic(6).await;
    let producer = producer(brokers, &topic);
    assert_eq!(producer.partitions(&topic, WITHIN).await, Ok(6));
    bounded_by(2 * WITHIN, "sending", async {
        send_numbers(&producer, 6, 0..60_000).await;
        producer.flush(WITHIN).await.expect("nothing is broken");
    })
    .await;
    let stats = producer.stats();
    assert_eq!((stats.acked, stats.failed, stats.in_flight), (60_000, 0, 0));
    let bytes: usize = (0..60_000u64).map(|n| "KRW-BTC".len() + n.to_string().len()).sum();
    assert_eq!(stats.bytes, bytes as u64);
    assert_once_in_order(brokers, &topic, 6, 0..60_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task3_a_topic_that_does_not_exist_is_told_from_a_cluster_that_does_not_answer() {
    let (brokers, topic) = topic(1).await;
    let missing = format!("{topic}_missing");
    assert_eq!(
        producer(brokers, &topic).partitions(&missing, WITHIN).await,
        Err(MetadataError::NoTopic(missing))
    );
    let nobody = Producer::new(&config("127.0.0.1:1", &topic)).expect("a producer");
    let nobody = nobody.partitions(&topic, Duration::from_millis(300)).await;
    assert!(matches!(nobody, Err(MetadataError::Unreachable { .. })), "{nobody:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task7_a_dead_letter_keeps_its_bytes_headers_and_time() {
    let (brokers, topic) = topic(1).await;
    let producer = producer(brokers, &topic);
    let headers: [(&str, &[u8]); 2] = [("reason", b"garbage"), ("source", b"ws")];
    bounded_by(2 * WITHIN, "sending", async {
        producer
            .send_to(&topic, None, None, Some(b"\xff{"), &headers, Some(1_700_000_000_123))
            .await
            .expect("taken");
        producer.flush(WITHIN).await.expect("acknowledged");
    })
    .await;
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "reader")
        .set("enable.auto.commit", "false")
        .create()
        .expect("a reader");
    // A stated offset: without one the reader asks for the group's, and so waits for a coordinator.
    let mut list = rdkafka::TopicPartitionList::new();
    list.add_partition_offset(&topic, 0, rdkafka::Offset::Beginning)
        .expect("an offset");
    answered(|| consumer.fetch_metadata(Some(&topic), ANSWER).is_ok());
    consumer.assign(&list).expect("an assignment");
    let started = std::time::Instant::now();
    let letter = loop {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(letter)) => break letter,
            // An error of the connection passes.
            other => assert!(started.elapsed() < WITHIN, "no record within {WITHIN:?}, but {other:?}"),
        }
    };
    assert_eq!(letter.payload(), Some(b"\xff{".as_slice()));
    assert_eq!(letter.timestamp().to_millis(), Some(1_700_000_000_123));
    let found: Vec<_> = letter
        .headers()
        .expect("headers")
        .iter()
        .map(|h| (h.key.to_owned(), h.value))
        .collect();
    assert_eq!(
        found,
        [
            ("reason".to_owned(), Some(b"garbage".as_slice())),
            ("source".to_owned(), Some(b"ws".as_slice()))
        ]
    );
}
