//! The settings: what is refused, and what librdkafka is told. No cluster, no client.

use std::time::Duration;

use producer::{Acks, Compression, ConfigError, ProducerConfig};
use rdkafka::ClientConfig;

/// The settings that follow from a field, under all their names.
const EVERY_DECIDED: &[&str] = &[
    "acks",
    "batch.num.messages",
    "batch.size",
    "bootstrap.servers",
    "client.id",
    "compression.codec",
    "compression.type",
    "delivery.timeout.ms",
    "enable.idempotence",
    "linger.ms",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "message.max.bytes",
    "message.timeout.ms",
    "metadata.broker.list",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "queue.buffering.max.ms",
    "request.required.acks",
    "request.timeout.ms",
    "transaction.timeout.ms",
    "transactional.id",
];

fn refused(config: &ProducerConfig, what: &str, must_name: &str) {
    match config.check() {
        Err(ConfigError::Contradiction(why)) => assert!(
            why.contains(must_name),
            "{what} is refused, but the sentence must name {must_name:?}: {why:?}"
        ),
        other => panic!("{what} must be a contradiction that names {must_name:?}, and check says {other:?}"),
    }
}

fn accepted(config: &ProducerConfig, what: &str) {
    if let Err(error) = config.check() {
        panic!("{what} must be allowed, and check says: {error}");
    }
}

fn is(client: &ClientConfig, name: &str, expected: &str, why: &str) {
    match client.get(name) {
        Some(found) if found == expected => {}
        Some(found) => panic!("{name} must be {expected:?} and is {found:?}: {why}"),
        None => panic!("{name} must be {expected:?} and is not set: {why}"),
    }
}

fn guaranteed(config: &ProducerConfig, transactional_id: Option<&str>) -> ClientConfig {
    let mut client = ClientConfig::new();
    config.guarantee(transactional_id, &mut client);
    client
}

fn batched(config: &ProducerConfig) -> ClientConfig {
    let mut client = ClientConfig::new();
    config.batching(&mut client);
    client
}

#[test]
fn task1_the_defaults_fit_together() {
    accepted(&ProducerConfig::default(), "the default");
}

#[test]
fn task1_an_idempotent_producer_needs_acks_all() {
    for acks in [Acks::None, Acks::Leader] {
        let less = ProducerConfig {
            acks,
            ..ProducerConfig::default()
        };
        refused(&less, &format!("an idempotent producer with {acks:?}"), "acks=all");
    }
}

#[test]
fn task1_an_idempotent_producer_has_five_requests_in_flight_at_most() {
    let in_flight = |max_in_flight| ProducerConfig {
        max_in_flight,
        ..ProducerConfig::default()
    };
    accepted(&in_flight(5), "an idempotent producer with 5 in flight");
    refused(&in_flight(6), "an idempotent producer with 6 in flight", "5");
}

#[test]
fn task1_who_asks_for_less_gets_less() {
    for acks in [Acks::None, Acks::Leader, Acks::All] {
        let plain = ProducerConfig {
            acks,
            idempotent: false,
            max_in_flight: 100,
            ..ProducerConfig::default()
        };
        accepted(&plain, &format!("no idempotence, {acks:?} and 100 in flight"));
    }
}

#[test]
fn task1_a_bound_of_nothing_is_refused() {
    let default = ProducerConfig::default;
    for idempotent in [true, false] {
        let no_request = ProducerConfig {
            max_in_flight: 0,
            idempotent,
            ..default()
        };
        refused(&no_request, "no request in flight", "max_in_flight");
        let no_record = ProducerConfig {
            queue_records: 0,
            idempotent,
            ..default()
        };
        refused(&no_record, "a queue for no record", "queue_records");
        let no_byte = ProducerConfig {
            queue_bytes: 0,
            idempotent,
            ..default()
        };
        refused(&no_byte, "a queue for no byte", "queue_bytes");
    }
}

#[test]
fn task1_a_setting_that_a_field_decides_is_refused_by_its_name() {
    let with = |names: &[&str]| ProducerConfig {
        settings: names.iter().map(|n| ((*n).to_owned(), "1".to_owned())).collect(),
        ..ProducerConfig::default()
    };
    accepted(&with(&["statistics.interval.ms"]), "a setting that no field decides");
    for name in EVERY_DECIDED {
        let found = with(&["statistics.interval.ms", *name]).check();
        assert_eq!(
            found,
            Err(ConfigError::Decided((*name).to_owned())),
            "{name} stands in DECIDED: set twice, the order would decide; look for every name of the list, at every extra setting"
        );
    }
}

#[test]
fn task2_acknowledgements_are_those_asked_for() {
    for (acks, expected) in [(Acks::None, "0"), (Acks::Leader, "1"), (Acks::All, "all")] {
        let config = ProducerConfig {
            acks,
            idempotent: false,
            ..ProducerConfig::default()
        };
        is(&guaranteed(&config, None), "acks", expected, &format!("of {acks:?}"));
    }
}

#[test]
fn task2_idempotence_and_requests_in_flight_are_always_said() {
    for (idempotent, expected, max_in_flight) in [(true, "true", 5), (true, "true", 1), (false, "false", 7)] {
        let config = ProducerConfig {
            idempotent,
            max_in_flight,
            ..ProducerConfig::default()
        };
        let client = guaranteed(&config, None);
        is(
            &client,
            "enable.idempotence",
            expected,
            "the default of librdkafka is false",
        );
        is(
            &client,
            "max.in.flight.requests.per.connection",
            &max_in_flight.to_string(),
            "with more than 5, or with more than 1 and no idempotence, a retry reorders",
        );
    }
}

#[test]
fn task2_a_record_is_never_given_up_but_with_its_transaction() {
    let config = ProducerConfig {
        transaction_timeout: Duration::from_secs(17),
        ..ProducerConfig::default()
    };
    let plain = guaranteed(&config, None);
    is(
        &plain,
        "message.timeout.ms",
        "0",
        "0 is never, and the default is 5 minutes",
    );
    assert_eq!(
        plain.get("transactional.id"),
        None,
        "transactional.id is for transactions"
    );
    let transactional = guaranteed(&config, Some("id"));
    is(&transactional, "transactional.id", "id", "of a transactional producer");
    is(
        &transactional,
        "transaction.timeout.ms",
        "17000",
        "of transaction_timeout",
    );
    assert_eq!(
        transactional.get("message.timeout.ms"),
        None,
        "message.timeout.ms follows from the transaction's: librdkafka refuses one that is longer"
    );
}

#[test]
fn task2_retries_are_quick_and_their_number_is_left_alone() {
    let request = |request_timeout| {
        let config = ProducerConfig {
            request_timeout,
            ..ProducerConfig::default()
        };
        guaranteed(&config, None)
    };
    let client = request(Duration::from_secs(10));
    is(&client, "request.timeout.ms", "10000", "of request_timeout");
    is(
        &client,
        "socket.timeout.ms",
        "11000",
        "one second more than the request",
    );
    is(&client, "retry.backoff.ms", "50", "a leader is elected within a second");
    is(
        &client,
        "retry.backoff.max.ms",
        "1000",
        "a leader is elected within a second",
    );
    assert_eq!(
        client.get("retries"),
        None,
        "retries is a second way to give a record up"
    );
    let short = request(Duration::from_millis(100));
    is(&short, "request.timeout.ms", "100", "of request_timeout");
    is(&short, "socket.timeout.ms", "2000", "at least two seconds");
}

#[test]
fn task3_each_field_of_a_batch_has_its_setting() {
    let config = ProducerConfig {
        linger: Duration::from_micros(2_500),
        batch_bytes: 123_456,
        batch_records: 789,
        max_record_bytes: 54_321,
        ..ProducerConfig::default()
    };
    let client = batched(&config);
    let linger: f64 = client.get("linger.ms").and_then(|l| l.parse().ok()).unwrap_or(-1.0);
    assert_eq!(
        linger,
        2.5,
        "linger.ms of 2,500 µs is 2.5, with its fraction; it is {:?}",
        client.get("linger.ms")
    );
    is(&client, "batch.size", "123456", "of batch_bytes");
    is(&client, "batch.num.messages", "789", "of batch_records");
    is(&client, "message.max.bytes", "54321", "of max_record_bytes");
    let least = ProducerConfig {
        max_record_bytes: 10,
        ..ProducerConfig::default()
    };
    is(
        &batched(&least),
        "message.max.bytes",
        "1000",
        "librdkafka takes no less",
    );
}

#[test]
fn task3_compression_is_the_one_asked_for() {
    for (compression, expected) in [
        (Compression::None, "none"),
        (Compression::Lz4, "lz4"),
        (Compression::Snappy, "snappy"),
        (Compression::Gzip, "gzip"),
    ] {
        let config = ProducerConfig {
            compression,
            ..ProducerConfig::default()
        };
        is(&batched(&config), "compression.type", expected, "of `compression`");
    }
}

#[test]
fn task3_the_bounds_of_librdkafka_stand_at_twice_ours() {
    let bounds = |queue_records, queue_bytes| {
        let config = ProducerConfig {
            queue_records,
            queue_bytes,
            ..ProducerConfig::default()
        };
        batched(&config)
    };
    for (records, expected) in [(1, "2"), (100_000, "200000"), (u32::MAX, "10000000")] {
        is(
            &bounds(records, 1),
            "queue.buffering.max.messages",
            expected,
            "twice queue_records, at most 10,000,000",
        );
    }
    for (bytes, expected) in [
        (1, "1024"),
        (1_000_000, "2977"),
        (64 << 20, "132096"),
        (u64::MAX, "2147483647"),
    ] {
        is(
            &bounds(1, bytes),
            "queue.buffering.max.kbytes",
            expected,
            &format!("queue_bytes * 2 / 1024 + 1024 for {bytes}, at most 2,147,483,647 and never wrapped"),
        );
    }
}
