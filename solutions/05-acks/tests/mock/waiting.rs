//! Waiting for room: woken by reports and by fatal errors, and asleep otherwise.

use std::time::{Duration, Instant};

use crate::common::{
    about_to_stop, assert_asleep, assert_once_in_order, bounded, cluster, config, connect, connected, hand_over,
    median, naps, producer, queue_of, send_numbers, settled, slow, stopped_at,
};
use producer::{ProducerConfig, SendError};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

#[tokio::test]
async fn task6_room_that_is_there_is_not_waited_for() {
    let cluster = cluster(1, "t", 1);
    let brokers = cluster.bootstrap_servers();
    let producer = producer(&brokers, "t");
    bounded("sending", send_numbers(&producer, 1, 0..1_000)).await;
    settled(&producer);
    let stats = producer.stats();
    assert_eq!(
        (stats.acked, stats.waits),
        (1_000, 0),
        "(acked, waits): a queue for 100,000 has room for 1,000"
    );
    assert_once_in_order(&brokers, "t", 1, 0..1_000);
}

#[tokio::test]
async fn task6_a_record_that_can_never_be_taken_is_not_waited_for() {
    let cluster = cluster(1, "t", 1);
    let producer = producer(&cluster.bootstrap_servers(), "t");
    let sent = bounded("sending", producer.send(0, b"k", &vec![0; 2_000_000], 0)).await;
    assert!(
        matches!(&sent, Err(SendError::Refused { code, .. }) if code == "MessageSizeTooLarge"),
        "2 MB where 1 MB is allowed: {sent:?}"
    );
    assert_eq!(producer.stats().waits, 0, "only Full is waited for");
}

#[tokio::test]
async fn task6_a_caller_that_gives_up_waiting_has_not_sent() {
    let cluster = cluster(1, "t", 1);
    cluster.broker_down(1).expect("down");
    let brokers = cluster.bootstrap_servers();
    let producer = queue_of(&cluster, 10);
    hand_over(&producer, 0..10);
    let given_up = tokio::time::timeout(Duration::from_millis(100), producer.send(0, b"k", b"999", 0)).await;
    assert!(
        given_up.is_err(),
        "no broker, no room: sending must wait, and it says {given_up:?}"
    );
    assert_eq!(
        producer.stats().waits,
        1,
        "one record had to wait, however often it looked"
    );
    cluster.broker_up(1).expect("up");
    connect(&producer, "t");
    settled(&producer);
    assert_once_in_order(&brokers, "t", 1, 0..10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task6_a_slow_broker_makes_the_caller_wait_and_keeps_the_order() {
    let cluster = cluster(1, "t", 1);
    let brokers = cluster.bootstrap_servers();
    let producer = connected(&ProducerConfig {
        queue_records: 200,
        ..config(&brokers, "t")
    });
    slow(&cluster, 20);
    bounded("sending", async {
        for n in 0..2_000 {
            send_numbers(&producer, 1, n..n + 1).await;
            let in_flight = producer.stats().in_flight;
            assert!(in_flight <= 200, "{in_flight} records in flight, and 200 is the bound");
        }
    })
    .await;
    settled(&producer);
    assert!(
        producer.stats().waits > 0,
        "2,000 records through a queue of 200 cannot have gone without waiting: look at waits"
    );
    slow(&cluster, 0);
    assert_once_in_order(&brokers, "t", 1, 0..2_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task6_a_waiter_for_room_is_woken_by_the_report_that_frees_it() {
    let cluster = cluster(1, "t", 1);
    let producer = queue_of(&cluster, 1);
    connect(&producer, "t");
    hand_over(&producer, 0..1);
    settled(&producer);
    slow(&cluster, 10);
    hand_over(&producer, 1..2);
    let mut waits = Vec::new();
    for n in 2..22 {
        let started = Instant::now();
        bounded("sending", send_numbers(&producer, 1, n..n + 1)).await;
        waits.push(started.elapsed());
    }
    let median = median(waits);
    assert!(
        median < Duration::from_millis(35),
        "room comes after a round trip of 10 ms, and the median wait took {median:?}. Looking again every 50 ms is for what no \
         report tells: look at eased (when it is worth waking) and awaited (who asks to be woken, and when)"
    );
}

#[tokio::test]
async fn task6_a_waiter_for_room_takes_no_processor_time() {
    let cluster = cluster(1, "t", 1);
    cluster.broker_down(1).expect("down");
    let producer = queue_of(&cluster, 1);
    hand_over(&producer, 0..1);
    assert_asleep("send waited", naps(producer.send(0, b"k", b"1", 0)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task6_waiters_are_woken_at_three_quarters() {
    let cluster = cluster(1, "t", 1);
    let producer = connected(&ProducerConfig {
        queue_records: 100,
        batch_records: 10,
        max_in_flight: 1,
        ..config(&cluster.bootstrap_servers(), "t")
    });
    hand_over(&producer, 0..1);
    settled(&producer);
    // The whole queue is acknowledged before a waiter would look by itself.
    slow(&cluster, 2);
    let mut left = Vec::new();
    bounded("sending", async {
        let mut waits = 0;
        for n in 1..400 {
            send_numbers(&producer, 1, n..n + 1).await;
            let stats = producer.stats();
            if stats.waits > waits {
                waits = stats.waits;
                left.push(Duration::from_nanos(stats.in_flight));
            }
        }
    })
    .await;
    let left = median(left).as_nanos();
    assert!(
        (50..=85).contains(&left),
        "woken when 75 of 100 are left, a caller finds about that many in flight; the median is {left}. More: woken too early, \
         and again for every record. Fewer: woken too late, and the connection idles. Look at eased"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task6_many_callers_at_a_tiny_queue_all_get_their_turn() {
    let cluster = cluster(1, "t", 4);
    let brokers = cluster.bootstrap_servers();
    let producer = queue_of(&cluster, 3);
    connect(&producer, "t");
    let started = Instant::now();
    bounded("sending", async {
        let callers: Vec<_> = (0..4u64)
            .map(|p| {
                let producer = producer.clone();
                tokio::spawn(async move {
                    for n in 0..300u64 {
                        producer
                            .send(p as i32, b"k", (n * 4 + p).to_string().as_bytes(), 0)
                            .await
                            .expect("taken");
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.expect("a caller");
        }
    })
    .await;
    settled(&producer);
    let (took, waits) = (started.elapsed(), producer.stats().waits);
    assert_once_in_order(&brokers, "t", 4, 0..1_200);
    // A wake-up that is missed costs 50 ms, the interval at which a waiter looks again by itself; four callers wait at a time.
    let slowest = Duration::from_millis(25) * u32::try_from(waits).expect("few") / 4;
    assert!(
        took < slowest.max(Duration::from_secs(2)),
        "{waits} waits of four callers took {took:?}: are wake-ups missed? Look at the order of asking and looking in awaited"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task6_refused_requests_are_sent_again_in_order() {
    let cluster = cluster(1, "t", 1);
    let brokers = cluster.bootstrap_servers();
    let producer = connected(&ProducerConfig {
        queue_records: 20,
        batch_records: 1,
        ..config(&brokers, "t")
    });
    slow(&cluster, 40);
    bounded("sending", async {
        for round in 0..2 {
            // All that is on the way is refused: a broker takes none behind one that it refused, but this cluster would.
            let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS;
            cluster.request_errors(RDKafkaApiKey::Produce, &[refused; 5]);
            send_numbers(&producer, 1, round * 30..(round + 1) * 30).await;
            settled(&producer);
        }
    })
    .await;
    let stats = producer.stats();
    assert_eq!(
        (stats.enqueued, stats.acked, stats.failed, stats.in_flight),
        (60, 60, 0, 0),
        "(enqueued, acked, failed, in_flight): refusals that pass must not fail records"
    );
    slow(&cluster, 0);
    assert_once_in_order(&brokers, "t", 1, 0..60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task6_a_fatal_error_wakes_who_waits_for_room() {
    let cluster = cluster(1, "t", 1);
    let producer = about_to_stop(&cluster);
    let stopped = stopped_at(&producer);
    // They begin to wait over the 50 ms after which a waiter looks by itself, so that such looks would come one by one.
    let mut waiters = Vec::new();
    for n in 0..8 {
        let producer = producer.clone();
        waiters.push(tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(6 * n)).await;
            let sent = producer.send(0, b"k", b"5", 0).await;
            (sent, Instant::now())
        }));
    }
    let stopped = bounded("the fatal error", stopped).await.expect("no panic");
    let mut late = Vec::new();
    for waiter in waiters {
        let (sent, at) = bounded("hearing of the error", waiter).await.expect("no panic");
        assert!(
            matches!(&sent, Err(SendError::Fatal { code, .. }) if code == "ClusterAuthorizationFailed"),
            "there will be no room any more, and the error must say what broke: {sent:?}"
        );
        late.push(at.saturating_duration_since(stopped));
    }
    let median = median(late);
    assert!(
        median < Duration::from_millis(15),
        "eight waiters heard of a fatal error, the median of them after {median:?}: it must wake them. Look at stopped and awaited"
    );
}
