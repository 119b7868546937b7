//! The producer against a cluster in the process: errors, brokers that go away, slow brokers. No server needed.

mod common;

use std::time::{Duration, Instant};

use common::{assert_once_in_order, bounded, cluster, config, numbers, producer, send_numbers};
use producer::{Acks, ConfigError, FlushError, Producer, ProducerConfig, SendError, TrySendError};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

const FLUSH: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_requests_are_sent_again_in_order() {
    let cluster = cluster(1, "t", 2);
    let refusals = [
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
    ];
    let brokers = cluster.bootstrap_servers();
    let producer = producer(&brokers, "t");
    bounded("sending", async {
        for round in 0..10 {
            cluster.request_errors(RDKafkaApiKey::Produce, &refusals);
            send_numbers(&producer, 2, round * 500..(round + 1) * 500).await;
        }
        producer
            .flush(FLUSH)
            .await
            .expect("refusals that pass must not fail records");
    })
    .await;
    let stats = producer.stats();
    assert_eq!(
        (stats.enqueued, stats.acked, stats.failed, stats.in_flight),
        (5_000, 5_000, 0, 0)
    );
    assert_once_in_order(&brokers, "t", 2, 0..5_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_away_for_a_while_delays_and_loses_nothing() {
    let cluster = cluster(1, "t", 1);
    let brokers = cluster.bootstrap_servers();
    let producer = producer(&brokers, "t");
    bounded("sending", async {
        send_numbers(&producer, 1, 0..1_000).await;
        producer.flush(FLUSH).await.expect("the broker is there");
        cluster.broker_down(1).expect("down");
        send_numbers(&producer, 1, 1_000..2_000).await;
        let away = producer.flush(Duration::from_millis(300)).await;
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
async fn a_client_that_stands_still_is_replaced_and_nothing_is_lost_or_out_of_order() {
    // The topic's only partition is with one of them; the other one says so.
    let cluster = cluster(2, "t", 1);
    cluster.partition_leader("t", 0, Some(1)).expect("a leader");
    let brokers = cluster.bootstrap_servers();
    let producer = Producer::new(&ProducerConfig {
        request_timeout: Duration::from_secs(200),
        still_limit: Duration::from_secs(2),
        ..config(&brokers, "t")
    })
    .expect("a producer");
    bounded("sending", async {
        send_numbers(&producer, 1, 0..100).await;
        producer.flush(FLUSH).await.expect("the brokers are there");
        cluster
            .broker_round_trip_time(1, Duration::from_secs(240))
            .expect("slow");
        send_numbers(&producer, 1, 100..200).await;
        let away = producer.flush(Duration::from_millis(500)).await;
        assert!(matches!(away, Err(FlushError::Unflushed { .. })), "{away:?}");
        // The first client waits for an answer and does not ask who leads now.
        cluster.partition_leader("t", 0, Some(2)).expect("another leader");
        producer.flush(FLUSH).await.expect("a new client sends again");
    })
    .await;
    let stats = producer.stats();
    assert!(stats.revived >= 1, "{stats:?}");
    assert_eq!((stats.enqueued, stats.acked, stats.failed), (200, 200, 0), "{stats:?}");
    let all = numbers(&brokers, "t", 0);
    // What the first client had written is there twice, and nothing else is out of order.
    let again: Vec<u64> = all[all.len() - 100..].to_vec();
    assert_eq!(again, (100..200).collect::<Vec<_>>(), "{all:?}");
    assert!(all.starts_with(&(0..100).collect::<Vec<_>>()), "{all:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_broker_makes_the_caller_wait_and_keeps_the_order() {
    let cluster = cluster(1, "t", 1);
    cluster
        .broker_round_trip_time(1, Duration::from_millis(50))
        .expect("slow");
    let brokers = cluster.bootstrap_servers();
    let producer = Producer::new(&ProducerConfig {
        queue_records: 200,
        ..config(&brokers, "t")
    })
    .expect("a producer");
    bounded("sending", async {
        for n in 0..2_000 {
            send_numbers(&producer, 1, n..n + 1).await;
            let in_flight = producer.stats().in_flight;
            assert!(in_flight <= 200, "{in_flight} records in flight, and 200 is the bound");
        }
        producer.flush(FLUSH).await.expect("slow, not broken");
    })
    .await;
    assert!(
        producer.stats().waits > 0,
        "2,000 records through a queue of 200 cannot have gone without waiting"
    );
    assert_once_in_order(&brokers, "t", 1, 0..2_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bound_counts_bytes_too_and_a_record_beyond_it_still_fits_alone() {
    let cluster = cluster(1, "t", 1);
    cluster.broker_down(1).expect("down");
    let brokers = cluster.bootstrap_servers();
    let producer = Producer::new(&ProducerConfig {
        queue_bytes: 1_000,
        ..config(&brokers, "t")
    })
    .expect("a producer");
    producer
        .try_send(0, b"", &[b'7'; 5_000], 0)
        .expect("an empty queue takes any record");
    assert_eq!(producer.try_send(0, b"", b"8", 0), Err(TrySendError::Full));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses_and_takes_nothing() {
    let cluster = cluster(1, "t", 1);
    cluster.broker_down(1).expect("down");
    let brokers = cluster.bootstrap_servers();
    let producer = Producer::new(&ProducerConfig {
        queue_records: 10,
        ..config(&brokers, "t")
    })
    .expect("a producer");
    let taken = (0..100u64)
        .filter(|n| producer.try_send(0, b"k", n.to_string().as_bytes(), 0).is_ok())
        .count();
    assert_eq!(taken, 10);
    assert_eq!(
        producer.stats().enqueued,
        10,
        "a refused record must not be counted as accepted"
    );
    // A caller that gives up waiting has not sent.
    let given_up = tokio::time::timeout(Duration::from_millis(100), producer.send(0, b"k", b"999", 0)).await;
    assert!(given_up.is_err(), "no broker, no room: sending must wait");
    cluster.broker_up(1).expect("up");
    bounded("flushing", producer.flush(FLUSH))
        .await
        .expect("the broker is back");
    assert_eq!(numbers(&brokers, "t", 0), (0..10).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_at_a_tiny_queue_all_get_their_turn() {
    let cluster = cluster(1, "t", 4);
    let brokers = cluster.bootstrap_servers();
    let producer = Producer::new(&ProducerConfig {
        queue_records: 3,
        linger: Duration::ZERO,
        ..config(&brokers, "t")
    })
    .expect("a producer");
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
        producer.flush(FLUSH).await.expect("all of it");
    })
    .await;
    assert_once_in_order(&brokers, "t", 4, 0..1_200);
    // A wake-up that is missed costs 50 ms, the interval at which a waiter looks again by itself.
    let waits = producer.stats().waits;
    let slowest = Duration::from_millis(25) * u32::try_from(waits).expect("few");
    assert!(
        started.elapsed() < slowest.max(Duration::from_secs(5)),
        "{waits} waits took {:?}",
        started.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fatal_error_stops_the_producer_with_its_reason_and_wakes_who_waits() {
    let cluster = cluster(1, "t", 1);
    cluster.request_errors(
        RDKafkaApiKey::InitProducerId,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED],
    );
    let brokers = cluster.bootstrap_servers();
    let producer = Producer::new(&ProducerConfig {
        queue_records: 5,
        ..config(&brokers, "t")
    })
    .expect("a producer");
    let error = bounded("hearing of the error", async {
        loop {
            if let Err(error) = producer.send(0, b"k", b"1", 0).await {
                return error;
            }
        }
    })
    .await;
    assert!(
        matches!(&error, SendError::Fatal { code, .. } if code == "ClusterAuthorizationFailed"),
        "the error must say what broke, and it says: {error}"
    );
    assert_eq!(producer.fatal(), Some(error.clone()));
    assert_eq!(
        bounded("flushing", producer.flush(FLUSH)).await,
        Err(FlushError::Fatal(error))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_broker_rejects_for_good_is_counted_with_its_first_cause() {
    let cluster = cluster(1, "t", 1);
    let brokers = cluster.bootstrap_servers();
    let producer = producer(&brokers, "t");
    bounded("sending", async {
        send_numbers(&producer, 1, 0..10).await;
        producer.flush(FLUSH).await.expect("good records");
        cluster.request_errors(
            RDKafkaApiKey::Produce,
            &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE],
        );
        send_numbers(&producer, 1, 10..11).await;
        match producer.flush(FLUSH).await {
            Err(FlushError::Failed { n: 1, first }) => {
                assert_eq!(
                    (first.code.as_str(), first.topic.as_str(), first.partition),
                    ("InvalidMessageSize", "t", 0)
                );
            }
            other => panic!("one record was rejected, and flush says {other:?}"),
        }
    })
    .await;
    let stats = producer.stats();
    assert_eq!((stats.acked, stats.failed, stats.in_flight), (10, 1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_can_never_be_taken_is_refused_at_once() {
    let cluster = cluster(1, "t", 1);
    let producer = producer(&cluster.bootstrap_servers(), "t");
    assert_eq!(producer.partitions("t", Duration::from_secs(10)).await, Ok(1));
    let error = producer.send(0, b"k", &vec![0; 2_000_000], 0).await.expect_err("2 MB");
    assert!(
        matches!(&error, SendError::Refused { code, .. } if code == "MessageSizeTooLarge"),
        "{error}"
    );
    assert_eq!(producer.stats().enqueued, 0);
    let error = producer
        .send_to("no\0topic", None, None, None, &[], None)
        .await
        .expect_err("a name with a zero in it");
    assert!(matches!(error, SendError::Refused { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_gives_up_what_is_queued_without_hanging() {
    let cluster = cluster(1, "t", 1);
    let brokers = cluster.bootstrap_servers();
    let producer = producer(&brokers, "t");
    cluster.broker_down(1).expect("down");
    send_numbers(&producer, 1, 0..100).await;
    let started = Instant::now();
    tokio::task::spawn_blocking(move || drop(producer))
        .await
        .expect("dropping");
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "dropping took {:?}",
        started.elapsed()
    );
    cluster.broker_up(1).expect("up");
    assert_eq!(numbers(&brokers, "t", 0), Vec::<u64>::new());
}

#[test]
fn settings_that_exclude_each_other_are_refused_before_anything_is_sent() {
    let leader = ProducerConfig {
        acks: Acks::Leader,
        ..ProducerConfig::default()
    };
    assert!(matches!(leader.check(), Err(ConfigError::Contradiction(why)) if why.contains("acks=all")));
    let six = ProducerConfig {
        max_in_flight: 6,
        ..ProducerConfig::default()
    };
    assert!(matches!(six.check(), Err(ConfigError::Contradiction(_))));
    let timed = ProducerConfig {
        settings: vec![("message.timeout.ms".to_owned(), "1000".to_owned())],
        ..ProducerConfig::default()
    };
    assert_eq!(
        timed.check(),
        Err(ConfigError::Decided("message.timeout.ms".to_owned()))
    );
    let unknown = ProducerConfig {
        settings: vec![("no.such".to_owned(), "1".to_owned())],
        ..ProducerConfig::default()
    };
    assert!(matches!(Producer::new(&unknown).err(), Some(ConfigError::Refused(_))));
}
