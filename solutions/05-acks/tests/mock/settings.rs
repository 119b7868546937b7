//! Settings at work: what a client does that has the guarantee and the batching of a configuration.

use std::time::{Duration, Instant};

use crate::common::{LIMIT, assert_once_in_order, batched, cluster, config, guaranteed, numbers, slow, transacted};
use producer::{Acks, ConfigError, Producer, ProducerConfig};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::Producer as _;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

#[test]
fn task2_refused_batches_are_sent_again_in_order() {
    let cluster = cluster(1, "t", 1);
    let bare = guaranteed(
        &cluster,
        &config(&cluster.bootstrap_servers(), "t"),
        &[("batch.num.messages", "1"), ("linger.ms", "0")],
    );
    bare.warm_up();
    // All that is on the way is refused: a broker takes none behind one that it refused, but this cluster would.
    slow(&cluster, 60);
    let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS;
    cluster.request_errors(RDKafkaApiKey::Produce, &[refused; 5]);
    bare.send(1..16);
    bare.flush();
    assert_eq!(
        (bare.seen.delivered(), bare.seen.failed()),
        (16, vec![]),
        "a refusal that passes must fail no record: look at the timeouts and retries"
    );
    slow(&cluster, 0);
    assert_once_in_order(&cluster.bootstrap_servers(), "t", 1, 0..16);
}

#[test]
fn task2_a_lost_answer_doubles_nothing() {
    let cluster = cluster(1, "t", 1);
    let bare = transacted(&cluster, &[("reconnect.backoff.ms", "10"), ("linger.ms", "0")]);
    bare.warm_up();
    bare.lose_the_answer_of(&cluster, 1);
    bare.flush();
    bare.native.commit_transaction(LIMIT).expect("commit");
    assert_eq!(
        numbers(&cluster.bootstrap_servers(), "t", 0),
        [0, 1],
        "the broker had written it the first time: look at idempotence and at acks"
    );
}

#[test]
fn task2_requests_are_in_flight_together() {
    let cluster = cluster(1, "t", 1);
    let bare = guaranteed(
        &cluster,
        &config(&cluster.bootstrap_servers(), "t"),
        &[("batch.num.messages", "1"), ("linger.ms", "0")],
    );
    bare.warm_up();
    let round_trip = Duration::from_millis(100);
    cluster.broker_round_trip_time(1, round_trip).expect("slow");
    let started = Instant::now();
    bare.send(1..16);
    bare.flush();
    let took = started.elapsed();
    assert!(
        took < round_trip * 9,
        "15 requests, 5 at a time, are 3 round trips of {round_trip:?}, and took {took:?}: look at the requests in flight"
    );
}

#[test]
fn task2_without_acknowledgements_a_refused_record_is_called_delivered() {
    let cluster = cluster(1, "t", 1);
    let brokers = cluster.bootstrap_servers();
    for (acks, lost) in [(Acks::None, true), (Acks::All, false)] {
        let config = ProducerConfig {
            acks,
            idempotent: false,
            max_in_flight: 1,
            ..config(&brokers, "t")
        };
        cluster.request_errors(
            RDKafkaApiKey::Produce,
            &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS],
        );
        let bare = guaranteed(&cluster, &config, &[("linger.ms", "0")]);
        bare.connect();
        bare.send(7..8);
        bare.flush();
        let found = numbers(&brokers, "t", 0);
        assert_eq!(
            found.is_empty(),
            lost,
            "{acks:?}: the broker refused the first request, and {found:?} is in the log: look at acks"
        );
        cluster.clear_request_errors(RDKafkaApiKey::Produce);
    }
}

#[test]
fn task3_a_setting_that_librdkafka_does_not_know_is_refused_with_its_words() {
    let unknown = ProducerConfig {
        settings: vec![("no.such".to_owned(), "1".to_owned())],
        ..ProducerConfig::default()
    };
    let error = Producer::new(&unknown).err();
    assert!(
        matches!(&error, Some(ConfigError::Refused(why)) if why.contains("no.such")),
        "librdkafka's refusal must name the setting no.such: {error:?}"
    );
}

#[test]
fn task3_a_batch_waits_linger_for_more_records() {
    let cluster = cluster(1, "t", 1);
    let bare = batched(
        &cluster,
        &ProducerConfig {
            linger: Duration::from_millis(400),
            ..config(&cluster.bootstrap_servers(), "t")
        },
    );
    // The first connection takes its own time.
    bare.warm_up();
    let before = bare.requests_now();
    let started = Instant::now();
    for n in 1..11 {
        bare.send(n..n + 1);
        std::thread::sleep(Duration::from_millis(5));
    }
    // Not flushed: a flush does not wait for linger.
    bare.until("the batch is acknowledged", || bare.seen.delivered() == 11);
    let took = started.elapsed();
    assert_eq!(
        bare.requests_now() - before,
        1,
        "ten records within a quarter of the linger of 400 ms are one batch: look at linger.ms"
    );
    assert!(
        took >= Duration::from_millis(350),
        "a batch that is not full waits for its linger of 400 ms, and it left after {took:?}: look at linger.ms"
    );
}

#[test]
fn task3_without_linger_a_record_leaves_at_once() {
    let cluster = cluster(1, "t", 1);
    let bare = batched(
        &cluster,
        &ProducerConfig {
            linger: Duration::ZERO,
            ..config(&cluster.bootstrap_servers(), "t")
        },
    );
    bare.warm_up();
    // The quickest of many: a busy machine delays some, and a linger delays each.
    let trip = |n| {
        let started = Instant::now();
        bare.send(n..n + 1);
        bare.until("a lone record is acknowledged", || bare.seen.delivered() > n);
        started.elapsed()
    };
    let quickest = (1..101).map(trip).min().expect("there are trips");
    assert!(
        quickest < Duration::from_millis(5),
        "of 100 records one by one the quickest took {quickest:?}; with the default linger none takes less than its 5 ms: look at linger.ms"
    );
}

#[test]
fn task3_a_full_batch_waits_for_nothing() {
    let cluster = cluster(1, "t", 1);
    let config = ProducerConfig {
        linger: Duration::from_secs(60),
        ..config(&cluster.bootstrap_servers(), "t")
    };
    let by_records = batched(
        &cluster,
        &ProducerConfig {
            batch_records: 10,
            ..config.clone()
        },
    );
    by_records.connect();
    by_records.send(0..30);
    by_records.until(
        "30 records in batches of 10 are acknowledged (batch.num.messages)",
        || by_records.seen.delivered() == 30,
    );
    by_records.until(
        "30 records in batches of 10 are 3 requests or more (batch.num.messages)",
        || by_records.seen.requests() >= 3,
    );
    let by_bytes = batched(
        &cluster,
        &ProducerConfig {
            batch_bytes: 10_000,
            ..config
        },
    );
    by_bytes.connect();
    for n in 0..50 {
        by_bytes.try_send(n, &[b'7'; 1_000]).expect("room");
    }
    by_bytes.until(
        "most of 50 kB in batches of 10 kB are acknowledged (batch.size)",
        || by_bytes.seen.delivered() >= 40,
    );
    by_bytes.until("50 kB in batches of 10 kB are 4 requests or more (batch.size)", || {
        by_bytes.seen.requests() >= 4
    });
}

#[test]
fn task3_librdkafka_takes_twice_what_we_take_and_no_more() {
    let cluster = cluster(1, "t", 1);
    cluster.broker_down(1).expect("down");
    let full = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
    let config = ProducerConfig {
        queue_records: 10,
        ..config(&cluster.bootstrap_servers(), "t")
    };
    let bare = batched(&cluster, &config);
    bare.send(0..20);
    let more = bare.try_number(20);
    assert_eq!(
        more,
        Err(full.clone()),
        "the 21st record where ours holds 10: look at queue.buffering.max.messages"
    );
    let bare = batched(
        &cluster,
        &ProducerConfig {
            queue_records: 1_000,
            queue_bytes: 1 << 20,
            ..config
        },
    );
    // 3 MiB: twice 1 MiB, and the 1,024 KiB more.
    let taken = (0..100)
        .take_while(|n| bare.try_send(*n, &[b'7'; 100_000]).is_ok())
        .count();
    assert!(
        (31..=32).contains(&taken),
        "{taken} records of 100,000 bytes were taken, and 3 MiB are 31: look at queue.buffering.max.kbytes"
    );
}
