//! Transactions against a cluster in the process: what each class of error asks of the caller.

mod common;

use std::time::Duration;

use common::{cluster, config, numbers};
use producer::{TransactionError, Transactional};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

const WITHIN: Duration = Duration::from_secs(30);

fn send(producer: &Transactional, range: std::ops::Range<u64>) {
    for n in range {
        producer.send(0, b"k", n.to_string().as_bytes(), 0).expect("taken");
    }
}

#[test]
fn what_was_committed_is_there_and_what_was_aborted_before_it_was_sent_is_not() {
    let cluster = cluster(1, "t", 1);
    let brokers = cluster.bootstrap_servers();
    let producer = Transactional::new(&config(&brokers, "t"), "id").expect("a producer");
    producer.init(WITHIN).expect("init");
    producer.begin().expect("begin");
    send(&producer, 0..10);
    producer.commit(WITHIN).expect("commit");
    assert_eq!(numbers(&brokers, "t", 0), (0..10).collect::<Vec<u64>>());
    assert_eq!(producer.stats().acked, 10);
}

#[test]
fn a_refused_partition_asks_for_an_abort_and_the_next_transaction_works() {
    let cluster = cluster(1, "t", 1);
    let brokers = cluster.bootstrap_servers();
    let producer = Transactional::new(&config(&brokers, "t"), "id").expect("a producer");
    producer.init(WITHIN).expect("init");
    producer.begin().expect("begin");
    cluster.request_errors(
        RDKafkaApiKey::AddPartitionsToTxn,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED],
    );
    send(&producer, 0..3);
    let error = producer.commit(WITHIN).expect_err("the partition was refused");
    assert!(matches!(error, TransactionError::Abortable { .. }), "{error:?}");
    producer.abort(WITHIN).expect("abort");
    producer.begin().expect("begin again");
    send(&producer, 3..6);
    producer.commit(WITHIN).expect("commit");
    assert_eq!(numbers(&brokers, "t", 0), [3, 4, 5]);
}

#[test]
fn a_fenced_producer_must_stop() {
    let cluster = cluster(1, "t", 1);
    let producer = Transactional::new(&config(&cluster.bootstrap_servers(), "t"), "id").expect("a producer");
    producer.init(WITHIN).expect("init");
    producer.begin().expect("begin");
    send(&producer, 0..3);
    cluster.request_errors(
        RDKafkaApiKey::EndTxn,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_PRODUCER_FENCED],
    );
    let error = producer.commit(WITHIN).expect_err("another took over");
    assert!(matches!(error, TransactionError::Fatal { .. }), "{error:?}");
}

#[test]
fn a_coordinator_that_does_not_answer_in_time_leaves_the_call_to_be_repeated() {
    let cluster = cluster(1, "t", 1);
    cluster.broker_down(1).expect("down");
    let producer = Transactional::new(&config(&cluster.bootstrap_servers(), "t"), "id").expect("a producer");
    let error = producer.init(Duration::from_millis(300)).expect_err("nobody answers");
    assert!(matches!(error, TransactionError::Retriable { .. }), "{error:?}");
    cluster.broker_up(1).expect("up");
    producer.init(WITHIN).expect("the same call again");
}
