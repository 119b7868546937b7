//! The producer against real servers: what is acknowledged is in the log once, and aborted transactions are not seen.

mod common;

use std::time::Duration;

use common::{assert_once_in_order, bounded_by, config, numbers, producer, send_numbers};
use producer::{MetadataError, Offset, Transactional};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Headers as _, Message as _};
use stack::{Stack, unique};

const WITHIN: Duration = Duration::from_secs(30);

async fn topic(partitions: i32) -> (&'static str, String) {
    let kafka = Stack::shared().await.expect("the servers").kafka();
    let topic = unique("acks");
    kafka.create_topic(&topic, partitions, &[]).await.expect("a topic");
    (kafka.bootstrap(), topic)
}

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
    let nobody = producer("127.0.0.1:1", &topic)
        .partitions(&topic, Duration::from_millis(300))
        .await;
    assert!(matches!(nobody, Err(MetadataError::Unreachable { .. })), "{nobody:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task7_a_dead_letter_keeps_its_bytes_headers_and_time() {
    let (brokers, topic) = topic(1).await;
    let producer = producer(brokers, "unused");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task8_an_aborted_transaction_is_in_the_log_and_not_seen() {
    let (brokers, topic) = topic(1).await;
    let (log, id) = (topic.clone(), unique("tx"));
    let done = tokio::task::spawn_blocking(move || {
        let producer = Transactional::new(&config(brokers, &topic), &id).expect("a producer");
        let send = |range: std::ops::Range<u64>| {
            for n in range {
                producer.send(0, b"k", n.to_string().as_bytes(), 0).expect("taken");
            }
        };
        producer.init(WITHIN).expect("init");
        producer.begin().expect("begin");
        send(0..100);
        producer.commit(WITHIN).expect("commit");
        producer.begin().expect("begin");
        send(100..200);
        // Only what has reached the log can show that it is passed over.
        let started = std::time::Instant::now();
        while producer.stats().acked < 200 {
            assert!(
                started.elapsed() < WITHIN,
                "the records of the open transaction are not acknowledged"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        producer.abort(WITHIN).expect("abort");
        producer.begin().expect("begin");
        send(200..300);
        producer.commit(WITHIN).expect("commit");
    });
    bounded_by(2 * WITHIN, "three transactions", done)
        .await
        .expect("no panic");
    assert_eq!(
        numbers(brokers, &log, 0),
        (0..100).chain(200..300).collect::<Vec<u64>>()
    );
    let reader: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "w")
        .create()
        .expect("a reader");
    let (_, end) = reader.fetch_watermarks(&log, 0, WITHIN).expect("the end");
    assert_eq!(
        end, 303,
        "300 records and a marker per transaction: the aborted records must be in the log"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task8_a_transaction_carries_the_progress_of_its_group_and_a_newer_producer_fences_the_older() {
    let (brokers, topic) = topic(1).await;
    let group = unique("group");
    let done = tokio::task::spawn_blocking(move || {
        let reader: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("group.id", &group)
            .set("enable.auto.commit", "false")
            .create()
            .expect("a reader");
        let metadata = reader.group_metadata().expect("a group");
        let id = unique("tx");
        let older = Transactional::new(&config(brokers, &topic), &id).expect("a producer");
        older.init(WITHIN).expect("init");
        older.begin().expect("begin");
        older.send(0, b"k", b"1", 0).expect("taken");
        older
            .send_offsets(
                &[Offset {
                    topic: &topic,
                    partition: 0,
                    offset: 17,
                }],
                &metadata,
                WITHIN,
            )
            .expect("the group's progress");
        older.commit(WITHIN).expect("commit");
        let mut list = rdkafka::TopicPartitionList::new();
        list.add_partition(&topic, 0);
        let committed = reader.committed_offsets(list, WITHIN).expect("committed offsets");
        assert_eq!(committed.elements()[0].offset(), rdkafka::Offset::Offset(17));

        let newer = Transactional::new(&config(brokers, &topic), &id).expect("a producer");
        newer.init(WITHIN).expect("init");
        older.begin().expect("begin is local");
        older.send(0, b"k", b"2", 0).expect("taken");
        let error = older.commit(WITHIN).expect_err("a newer producer has the id");
        assert!(matches!(error, producer::TransactionError::Fatal { .. }), "{error:?}");
        newer.begin().expect("begin");
        newer.send(0, b"k", b"3", 0).expect("taken");
        newer.commit(WITHIN).expect("commit");
        assert_eq!(numbers(brokers, &topic, 0), [1, 3]);
    });
    bounded_by(2 * WITHIN, "two producers", done).await.expect("no panic");
}
