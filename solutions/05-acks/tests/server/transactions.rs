//! Transactions against real servers: what was aborted is not seen, and a newer producer fences the older.

use std::time::Duration;

use crate::common::{bounded_by, config, numbers};
use crate::{WITHIN, topic};
use producer::{Offset, Transactional};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use stack::unique;

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
