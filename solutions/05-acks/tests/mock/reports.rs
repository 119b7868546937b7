//! What becomes of the records that the queue took, and when all are decided. No server needed.

use std::time::{Duration, Instant};

use crate::common::{
    about_to_stop, assert_asleep, assert_once_in_order, bounded, cluster, config, connect, connected, hand_over,
    median, naps, numbers, producer, queue_of, send_numbers, settled, slow, stopped_at, try_number, until,
};
use producer::{FlushError, ProducerConfig, SendError, TrySendError};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

/// Below the layer's deadline, above anything that a test waits for.
const FLUSH: Duration = Duration::from_secs(18);

#[test]
fn task5_an_acknowledged_record_is_counted_with_its_bytes() {
    let cluster = cluster(1, "t", 1);
    let producer = producer(&cluster.bootstrap_servers(), "t");
    hand_over(&producer, 0..10);
    settled(&producer);
    producer.try_send(0, b"four", b"sixsix", 0).expect("room");
    settled(&producer);
    let stats = producer.stats();
    assert_eq!(
        (stats.enqueued, stats.acked, stats.failed, stats.bytes),
        (11, 11, 0, 10 * 2 + 10),
        "(enqueued, acked, failed, bytes of keys and values): look at count and report"
    );
    assert_eq!(stats.first_failure, None, "nothing failed");
}

#[test]
fn task5_room_comes_back_with_the_reports() {
    let cluster = cluster(1, "t", 1);
    let brokers = cluster.bootstrap_servers();
    let producer = connected(&ProducerConfig {
        queue_records: 10,
        queue_bytes: 37,
        ..config(&brokers, "t")
    });
    for round in 0..20 {
        hand_over(&producer, round * 10..round * 10 + 10);
        settled(&producer);
        if round % 5 == 0 {
            // Given up or acknowledged, it is decided.
            cluster.request_errors(
                RDKafkaApiKey::Produce,
                &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE],
            );
            try_number(&producer, 999).unwrap_or_else(|e| {
                panic!("{e}, though nothing is in flight (round {round}): look at what count adds for a record that was given up")
            });
            settled(&producer);
        }
    }
    assert_once_in_order(&brokers, "t", 1, 0..200);
}

#[test]
fn task5_what_the_broker_rejects_for_good_is_counted_with_its_first_cause() {
    let cluster = cluster(1, "t", 1);
    let producer = producer(&cluster.bootstrap_servers(), "t");
    hand_over(&producer, 0..10);
    settled(&producer);
    let reject = |n, error| {
        cluster.request_errors(RDKafkaApiKey::Produce, &[error]);
        hand_over(&producer, n..n + 1);
        settled(&producer);
    };
    reject(10, RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE);
    reject(11, RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    let stats = producer.stats();
    assert_eq!(
        (stats.acked, stats.failed, stats.in_flight, stats.bytes),
        (10, 2, 0, 20),
        "(acked, failed, in_flight, bytes): a record that is given up is decided, and its bytes are not acknowledged"
    );
    let first = stats.first_failure.expect("two records failed: look at first_failure");
    assert_eq!(
        (first.code.as_str(), first.topic.as_str(), first.partition),
        ("InvalidMessageSize", "t", 0),
        "the first failure stays, not the last: {first}"
    );
}

#[test]
fn task5_a_fatal_error_stops_the_producer_with_its_reason() {
    let cluster = cluster(1, "t", 1);
    let error = RDKafkaRespErr::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED;
    cluster.request_errors(RDKafkaApiKey::InitProducerId, &[error]);
    slow(&cluster, 50);
    let producer = queue_of(&cluster, 10);
    hand_over(&producer, 0..1);
    connect(&producer, "t");
    until("the fatal error is known", || producer.fatal().is_some());
    settled(&producer);
    assert_eq!(
        producer.stats().failed,
        1,
        "what the client holds is given up, look at report"
    );
    let error = try_number(&producer, 1);
    assert!(
        matches!(&error, Err(TrySendError::Send(SendError::Fatal { code, .. })) if code == "ClusterAuthorizationFailed"),
        "the error must say what broke (refusal asks the client for its fatal error): {error:?}"
    );
    assert_eq!(producer.stats().enqueued, 1, "nothing is taken any more");
}

#[tokio::test]
async fn task7_nothing_in_flight_needs_no_time() {
    let cluster = cluster(1, "t", 1);
    let producer = producer(&cluster.bootstrap_servers(), "t");
    assert_eq!(
        producer.flush(Duration::ZERO).await,
        Ok(()),
        "nothing was sent: look once at least"
    );
    hand_over(&producer, 0..10);
    settled(&producer);
    assert_eq!(producer.flush(Duration::ZERO).await, Ok(()), "all is acknowledged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task7_what_is_flushed_is_decided_all_of_it() {
    let cluster = cluster(1, "t", 1);
    let brokers = cluster.bootstrap_servers();
    let producer = connected(&ProducerConfig {
        batch_records: 10,
        max_in_flight: 1,
        ..config(&brokers, "t")
    });
    slow(&cluster, 20);
    hand_over(&producer, 0..100);
    let flushed = bounded("flushing", producer.flush(FLUSH)).await;
    assert_eq!(flushed, Ok(()), "the broker is slow, not broken");
    let stats = producer.stats();
    assert_eq!(
        (stats.acked, stats.in_flight),
        (100, 0),
        "(acked, in_flight): a flush ends when all are decided, not at the first wake-up"
    );
    slow(&cluster, 0);
    assert_once_in_order(&brokers, "t", 1, 0..100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task7_a_broker_away_for_a_while_delays_and_loses_nothing() {
    let cluster = cluster(1, "t", 1);
    let brokers = cluster.bootstrap_servers();
    let producer = producer(&brokers, "t");
    bounded("sending", async {
        send_numbers(&producer, 1, 0..1_000).await;
        producer.flush(FLUSH).await.expect("the broker is there");
        cluster.broker_down(1).expect("down");
        send_numbers(&producer, 1, 1_000..2_000).await;
        let away = producer.flush(Duration::from_millis(100)).await;
        assert_eq!(
            away,
            Err(FlushError::Unflushed { n: 1_000 }),
            "nobody can have acknowledged these"
        );
        cluster.broker_up(1).expect("up");
        producer
            .flush(FLUSH)
            .await
            .expect("the broker is back: does the client look for it?");
    })
    .await;
    assert!(
        producer.stats().last_error.is_some(),
        "the outage must show in the statistics"
    );
    assert_once_in_order(&brokers, "t", 1, 0..2_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task7_a_failure_is_told_when_the_others_are_decided_and_each_time() {
    let cluster = cluster(1, "t", 1);
    let producer = connected(&ProducerConfig {
        batch_records: 1,
        max_in_flight: 1,
        ..config(&cluster.bootstrap_servers(), "t")
    });
    let error = RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE;
    cluster.request_errors(RDKafkaApiKey::Produce, &[error]);
    slow(&cluster, 20);
    hand_over(&producer, 0..10);
    for _ in 0..2 {
        match bounded("flushing", producer.flush(FLUSH)).await {
            Err(FlushError::Failed { n: 1, first }) => assert_eq!(
                (first.code.as_str(), first.topic.as_str(), first.partition),
                ("InvalidMessageSize", "t", 0),
                "the cause of the one record that failed"
            ),
            other => panic!("one record was rejected, and flush says {other:?}"),
        }
        let stats = producer.stats();
        assert_eq!(
            (stats.acked, stats.failed, stats.in_flight),
            (9, 1, 0),
            "(acked, failed, in_flight): a known failure does not end the flush while others are tried"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task7_a_flush_is_woken_by_the_last_report() {
    let cluster = cluster(1, "t", 1);
    let producer = producer(&cluster.bootstrap_servers(), "t");
    hand_over(&producer, 0..1);
    settled(&producer);
    slow(&cluster, 10);
    let mut flushes = Vec::new();
    for n in 1..21 {
        hand_over(&producer, n..n + 1);
        let started = Instant::now();
        assert_eq!(bounded("flushing", producer.flush(FLUSH)).await, Ok(()), "record {n}");
        flushes.push(started.elapsed());
    }
    let median = median(flushes);
    assert!(
        median < Duration::from_millis(35),
        "the last report comes after a round trip of 10 ms, and the median flush took {median:?}: look at awaited and eased"
    );
}

#[tokio::test]
async fn task7_a_flush_takes_no_processor_time() {
    let cluster = cluster(1, "t", 1);
    cluster.broker_down(1).expect("down");
    let producer = queue_of(&cluster, 1);
    hand_over(&producer, 0..1);
    assert_asleep("flush waited", naps(producer.flush(FLUSH)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task7_a_fatal_error_ends_a_flush_at_once() {
    let cluster = cluster(1, "t", 1);
    let producer = about_to_stop(&cluster);
    let stopped = stopped_at(&producer);
    let flushed = bounded("flushing", producer.flush(FLUSH)).await;
    let late = Instant::now().saturating_duration_since(bounded("the error", stopped).await.expect("no panic"));
    let fatal = producer.fatal().expect("the client has met a fatal error");
    assert_eq!(
        flushed,
        Err(FlushError::Fatal(fatal.clone())),
        "five records are in flight and will never be decided"
    );
    assert!(late < Duration::from_secs(2), "the flush heard of it after {late:?}");
    let sent = bounded("sending", producer.send(0, b"k", b"6", 0)).await;
    assert_eq!(sent, Err(fatal), "and nothing is taken any more");
    assert!(
        !matches!(
            try_number(&producer, 7),
            Ok(()) | Err(TrySendError::Send(SendError::Refused { .. }))
        ),
        "nor without waiting"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task7_a_client_that_stands_still_is_replaced_and_nothing_is_lost_or_out_of_order() {
    // The topic's only partition is with one of them; the other one says so.
    let cluster = cluster(2, "t", 1);
    cluster.partition_leader("t", 0, Some(1)).expect("a leader");
    let brokers = cluster.bootstrap_servers();
    let producer = connected(&ProducerConfig {
        request_timeout: Duration::from_secs(200),
        still_limit: Duration::from_millis(600),
        ..config(&brokers, "t")
    });
    bounded("sending", async {
        send_numbers(&producer, 1, 0..100).await;
        producer.flush(FLUSH).await.expect("the brokers are there");
        cluster
            .broker_round_trip_time(1, Duration::from_secs(240))
            .expect("slow");
        send_numbers(&producer, 1, 100..200).await;
        let away = producer.flush(Duration::from_millis(100)).await;
        assert!(
            matches!(away, Err(FlushError::Unflushed { .. })),
            "nobody answers: {away:?}"
        );
        // The first client waits for an answer and does not ask who leads now.
        cluster.partition_leader("t", 0, Some(2)).expect("another leader");
        producer.flush(FLUSH).await.expect("a new client sends again");
    })
    .await;
    let stats = producer.stats();
    assert!(
        stats.revived >= 1,
        "the client was not replaced, look at the watch: {stats:?}"
    );
    assert_eq!(
        (stats.enqueued, stats.acked, stats.failed),
        (200, 200, 0),
        "(enqueued, acked, failed): what comes back is neither acknowledged nor failed: {stats:?}"
    );
    let all = numbers(&brokers, "t", 0);
    // What the first client had written is there twice, and nothing else is out of order.
    let again: Vec<u64> = all[all.len() - 100..].to_vec();
    assert_eq!(
        again,
        (100..200).collect::<Vec<_>>(),
        "sent again in the order of their numbers: {all:?}"
    );
    assert!(
        all.starts_with(&(0..100).collect::<Vec<_>>()),
        "what was acknowledged stays: {all:?}"
    );
}
