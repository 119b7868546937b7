//! What the queue takes and what it refuses. No broker answers here, so nothing is ever decided.

use std::time::{Duration, Instant};

use crate::common::{cluster, config, hand_over, numbers, producer, try_number};
use producer::{Producer, ProducerConfig, SendError, TrySendError};

#[test]
fn task4_a_full_queue_refuses_and_counts_nothing() {
    let cluster = cluster(1, "t", 1);
    cluster.broker_down(1).expect("down");
    let producer = Producer::new(&ProducerConfig {
        queue_records: 10,
        ..config(&cluster.bootstrap_servers(), "t")
    })
    .expect("a producer");
    let answers: Vec<_> = (0..100).map(|n| try_number(&producer, n)).collect();
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(
        taken, 10,
        "records taken by a queue for 10: look at has_room and accept"
    );
    assert!(
        answers[10..].iter().all(|answer| *answer == Err(TrySendError::Full)),
        "what is beyond the bound is refused as Full: {:?}",
        answers[10]
    );
    let stats = producer.stats();
    assert_eq!(
        (stats.enqueued, stats.in_flight, stats.waits),
        (10, 10, 0),
        "(enqueued, in_flight, waits): a refused record must not be counted, and who does not wait does not count as waiting"
    );
}

#[test]
fn task4_the_bound_counts_bytes_too_and_a_record_beyond_it_still_fits_alone() {
    let cluster = cluster(1, "t", 1);
    cluster.broker_down(1).expect("down");
    let bounded_to = |queue_bytes| {
        let config = ProducerConfig {
            queue_bytes,
            ..config(&cluster.bootstrap_servers(), "t")
        };
        Producer::new(&config).expect("a producer")
    };
    let producer = bounded_to(1_000);
    producer
        .try_send(0, b"", &[b'7'; 5_000], 0)
        .expect("an empty queue takes any record: the size of the next one does not matter");
    assert_eq!(
        producer.try_send(0, b"", b"8", 0),
        Err(TrySendError::Full),
        "5,000 bytes are more than the bound of 1,000: look at the bytes in has_room"
    );
    let producer = bounded_to(1_000);
    let taken = (0..100).filter(|_| producer.try_send(0, &[b'k'; 60], &[b'7'; 40], 0).is_ok());
    assert_eq!(
        taken.count(),
        10,
        "records of 60 bytes of key and 40 of value in 1,000 bytes"
    );
}

#[test]
fn task4_a_record_that_can_never_be_taken_is_refused_and_leaves_no_trace() {
    let cluster = cluster(1, "t", 1);
    let producer = Producer::new(&ProducerConfig {
        max_record_bytes: 1_000,
        queue_bytes: 5_000,
        ..config(&cluster.bootstrap_servers(), "t")
    })
    .expect("a producer");
    // Together these would fill the queue many times over, had they been counted.
    for _ in 0..20 {
        let error = producer.try_send(0, b"k", &[b'7'; 2_000], 0);
        assert!(
            matches!(&error, Err(TrySendError::Send(SendError::Refused { code, topic, .. }))
                if code == "MessageSizeTooLarge" && topic == "t"),
            "2,000 bytes where 1,000 are allowed; look at refuse (counts taken back) and refusal: {error:?}"
        );
    }
    assert_eq!(
        producer.stats().enqueued,
        0,
        "a refused record is taken out of the count"
    );
    let error = producer.try_send_to("no\0topic", None, None, None, &[], None);
    assert!(
        matches!(error, Err(TrySendError::Send(SendError::Refused { .. }))),
        "a name with a zero in it: {error:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task4_dropping_gives_up_what_is_queued_without_hanging() {
    let cluster = cluster(1, "t", 1);
    let brokers = cluster.bootstrap_servers();
    let producer = producer(&brokers, "t");
    cluster.broker_down(1).expect("down");
    hand_over(&producer, 0..100);
    let started = Instant::now();
    tokio::task::spawn_blocking(move || drop(producer))
        .await
        .expect("dropping");
    let took = started.elapsed();
    assert!(took < Duration::from_secs(10), "dropping took {took:?}");
    cluster.broker_up(1).expect("up");
    assert_eq!(
        numbers(&brokers, "t", 0),
        Vec::<u64>::new(),
        "nobody could have taken them"
    );
}
