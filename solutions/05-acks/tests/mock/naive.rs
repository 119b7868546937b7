//! What goes wrong without the guarantee: bare clients of librdkafka, set up as one is tempted to. Always green; each shows a loss.

use std::time::Duration;

use crate::common::{Bare, LIMIT, cluster, numbers, slow, until};
use rdkafka::producer::Producer as _;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

// ANCHOR: forget
#[test]
fn fire_and_forget_calls_a_refused_record_delivered() {
    let cluster = cluster(1, "t", 1);
    let bare = Bare::new(&cluster, &[("acks", "0"), ("linger.ms", "0")]);
    cluster.request_errors(
        RDKafkaApiKey::Produce,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS],
    );
    bare.send(0..1);
    bare.flush();
    assert_eq!(bare.seen.delivered(), 1, "the client calls it delivered");
    let found = numbers(&cluster.bootstrap_servers(), "t", 0);
    assert!(found.is_empty(), "and it is not in the log: {found:?}");
}
// ANCHOR_END: forget

#[test]
fn an_unbounded_queue_takes_all_that_a_missing_broker_does_not() {
    let cluster = cluster(1, "t", 1);
    cluster.broker_down(1).expect("down");
    let bare = Bare::new(
        &cluster,
        &[
            ("queue.buffering.max.messages", "0"),
            ("queue.buffering.max.kbytes", "2147483647"),
        ],
    );
    bare.send(0..200_000);
    let held = bare.native.in_flight_count();
    assert!(
        held >= 200_000,
        "nobody was told to slow down: memory is all that bounds it, and it holds {held}"
    );
}

// ANCHOR: reorders
#[test]
fn a_retry_without_idempotence_and_with_more_in_flight_reorders() {
    let cluster = cluster(1, "t", 1);
    let bare = Bare::new(
        &cluster,
        &[
            ("enable.idempotence", "false"),
            ("max.in.flight.requests.per.connection", "5"),
            ("batch.num.messages", "1"),
            ("linger.ms", "0"),
        ],
    );
    bare.warm_up();
    // Five requests are on the way when the first of them is refused.
    slow(&cluster, 20);
    cluster.request_errors(
        RDKafkaApiKey::Produce,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS],
    );
    bare.send(1..50);
    bare.flush();
    slow(&cluster, 0);
    let found = numbers(&cluster.bootstrap_servers(), "t", 0);
    let mut sorted = found.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..50).collect::<Vec<_>>(), "nothing is lost");
    assert!(
        !found.is_sorted(),
        "the refused record stands behind its followers: {found:?}"
    );
}
// ANCHOR_END: reorders

// ANCHOR: doubles
#[test]
fn a_retry_without_idempotence_doubles_when_the_answer_was_lost() {
    let cluster = cluster(1, "t", 1);
    let bare = Bare::new(
        &cluster,
        &[
            ("enable.idempotence", "false"),
            ("acks", "all"),
            ("linger.ms", "0"),
            ("reconnect.backoff.ms", "10"),
        ],
    );
    bare.warm_up();
    // Again where the connection broke before the broker had read the request: then nothing was there to double.
    let doubled = (1..=5).any(|n| {
        bare.lose_the_answer_of(&cluster, n);
        bare.flush();
        assert_eq!(bare.seen.delivered(), n + 1, "the caller hears of each record once");
        numbers(&cluster.bootstrap_servers(), "t", 0).ends_with(&[n, n])
    });
    assert!(doubled, "the record is in the log as often as it was asked for");
}
// ANCHOR_END: doubles

#[test]
fn a_message_timeout_that_the_caller_answers_by_sending_again_doubles() {
    let cluster = cluster(1, "t", 1);
    let bare = Bare::new(
        &cluster,
        &[
            ("enable.idempotence", "true"),
            ("message.timeout.ms", "500"),
            ("reconnect.backoff.ms", "50"),
            ("reconnect.backoff.max.ms", "100"),
            ("linger.ms", "0"),
        ],
    );
    bare.connect();
    // The producer's number may take longer than the timeout on a busy machine: once it is there, it stays.
    until("the cluster takes a record", || {
        bare.send(0..1);
        bare.flush();
        bare.seen.delivered() == 1
    });
    let before = bare.requests_now();
    cluster.broker_round_trip_time(1, LIMIT).expect("slow");
    bare.send(1..2);
    bare.until("the record is on its way", || bare.seen.requests() > before);
    // The connection breaks before the answer comes.
    cluster.broker_down(1).expect("down");
    bare.until("the client gives the record up", || bare.seen.failed().ends_with(&[1]));
    cluster.broker_round_trip_time(1, Duration::ZERO).expect("quick");
    cluster.broker_up(1).expect("up");
    let found = numbers(&cluster.bootstrap_servers(), "t", 0);
    assert_eq!(found.last(), Some(&1), "given up, and written: {found:?}");
    until("the caller's second attempt is delivered", || {
        let failed = bare.seen.failed().len();
        bare.send(1..2);
        bare.until("it is decided", || {
            bare.seen.delivered() + bare.seen.failed().len() as u64 > 1 + failed as u64
        });
        bare.seen.delivered() == 2
    });
    let found = numbers(&cluster.bootstrap_servers(), "t", 0);
    assert!(
        found.iter().filter(|n| **n == 1).count() >= 2,
        "an idempotent client recognises its own repeats, not its caller's: {found:?}"
    );
}
