//! Transactions against a cluster in the process: what each class of error asks of the caller.

use std::time::{Duration, Instant};

use crate::common::{Cluster, cluster, config, numbers, slow, until};
use producer::{TransactionError, Transactional};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

/// Below the layer's deadline.
const WITHIN: Duration = Duration::from_secs(10);

fn send(producer: &Transactional, range: std::ops::Range<u64>) {
    for n in range {
        producer.send(0, b"k", n.to_string().as_bytes(), 0).expect("taken");
    }
}

fn begun(cluster: &Cluster) -> Transactional {
    let producer = Transactional::new(&config(&cluster.bootstrap_servers(), "t"), "id").expect("a producer");
    // Called again here while its outcome is open, so that a test fails at what it is about.
    let mut answer = producer.init(WITHIN);
    let started = Instant::now();
    while matches!(answer, Err(TransactionError::Retriable { .. })) && started.elapsed() < WITHIN {
        answer = producer.init(WITHIN);
    }
    answer.unwrap_or_else(|e| {
        panic!("init, before what this test is about: {e}. Look at init and at the class of this error")
    });
    producer.begin().expect("begin");
    producer
}

/// Processor time that this thread has taken, where the system says it (Linux).
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

#[test]
fn task8_what_was_committed_is_there() {
    let cluster = cluster(1, "t", 1);
    let producer = begun(&cluster);
    send(&producer, 0..10);
    producer.commit(WITHIN).expect("commit");
    assert_eq!(
        numbers(&cluster.bootstrap_servers(), "t", 0),
        (0..10).collect::<Vec<u64>>(),
        "the records of the committed transaction"
    );
    assert_eq!(producer.stats().acked, 10, "a commit delivers what is queued first");
}

#[test]
fn task8_what_was_aborted_before_it_was_sent_is_not_there() {
    let cluster = cluster(1, "t", 1);
    let producer = begun(&cluster);
    cluster.broker_down(1).expect("down");
    send(&producer, 0..3);
    cluster.broker_up(1).expect("up");
    producer.abort(WITHIN).expect("abort");
    producer.begin().expect("begin again");
    send(&producer, 3..6);
    producer.commit(WITHIN).expect("commit");
    let found = numbers(&cluster.bootstrap_servers(), "t", 0);
    assert!(found.ends_with(&[3, 4, 5]), "the second transaction: {found:?}");
    assert_eq!(found, [3, 4, 5], "an abort purges what is queued");
}

#[test]
fn task8_a_refused_partition_asks_for_an_abort_and_the_next_transaction_works() {
    let cluster = cluster(1, "t", 1);
    let producer = begun(&cluster);
    cluster.request_errors(
        RDKafkaApiKey::AddPartitionsToTxn,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED],
    );
    send(&producer, 0..3);
    let started = Instant::now();
    let error = producer.commit(WITHIN).expect_err("the partition was refused");
    let took = started.elapsed();
    assert!(
        matches!(error, TransactionError::Abortable { .. }),
        "a refused partition asks for an abort, look at txn_requires_abort: {error:?}"
    );
    assert!(
        took < WITHIN / 2,
        "what asks for an abort is an answer at once: repeated, it said the same for {took:?}"
    );
    producer.abort(WITHIN).expect("abort");
    producer.begin().expect("begin again");
    send(&producer, 3..6);
    producer.commit(WITHIN).expect("commit");
    assert_eq!(
        numbers(&cluster.bootstrap_servers(), "t", 0),
        [3, 4, 5],
        "only the second transaction"
    );
}

#[test]
fn task8_a_fenced_producer_must_stop() {
    let cluster = cluster(1, "t", 1);
    let producer = begun(&cluster);
    send(&producer, 0..3);
    cluster.request_errors(
        RDKafkaApiKey::EndTxn,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_PRODUCER_FENCED],
    );
    let error = producer.commit(WITHIN).expect_err("another took over");
    assert!(
        matches!(error, TransactionError::Fatal { .. }),
        "another producer has the id, look at is_fatal and at the order of asking: {error:?}"
    );
}

#[test]
fn task8_a_call_in_the_wrong_state_is_no_reason_to_go_on() {
    let cluster = cluster(1, "t", 1);
    let producer = Transactional::new(&config(&cluster.bootstrap_servers(), "t"), "id").expect("a producer");
    let error = producer.begin().expect_err("before init");
    assert!(
        matches!(error, TransactionError::Fatal { .. }),
        "begun before init: going on could only guess, look at what is left over in from: {error:?}"
    );
}

#[test]
fn task8_a_coordinator_that_does_not_answer_in_time_leaves_the_call_to_be_repeated() {
    let cluster = cluster(1, "t", 1);
    cluster.broker_down(1).expect("down");
    let producer = Transactional::new(&config(&cluster.bootstrap_servers(), "t"), "id").expect("a producer");
    let error = producer.init(Duration::from_millis(300)).expect_err("nobody answers");
    assert!(
        matches!(error, TransactionError::Retriable { .. }),
        "nobody answered in time, look at is_retriable: {error:?}"
    );
    cluster.broker_up(1).expect("up");
    producer.init(WITHIN).expect("the same call again");
}

#[test]
fn task8_records_that_are_not_acknowledged_in_time_leave_the_commit_open() {
    let cluster = cluster(1, "t", 1);
    let producer = begun(&cluster);
    cluster.broker_down(1).expect("down");
    send(&producer, 0..3);
    let error = producer.commit(Duration::from_millis(200)).expect_err("nobody answers");
    assert!(
        matches!(error, TransactionError::Retriable { .. }),
        "the flush before the commit ran out of time and nothing is decided, look at KafkaError::Flush: {error:?}"
    );
    cluster.broker_up(1).expect("up");
    producer.commit(WITHIN).expect("the same call again");
    assert_eq!(
        numbers(&cluster.bootstrap_servers(), "t", 0),
        [0, 1, 2],
        "committed once"
    );
}

#[test]
fn task8_a_commit_is_repeated_while_its_outcome_is_open_and_time_is_left() {
    let cluster = cluster(1, "t", 1);
    let producer = begun(&cluster);
    send(&producer, 0..3);
    until("the records are acknowledged", || producer.stats().acked == 3);
    slow(&cluster, 300);
    let answer = producer.commit(WITHIN);
    assert!(
        answer.is_ok(),
        "the answer takes 300 ms and there are 10 s for it, and commit says {answer:?}: look at what repeated does with Retriable"
    );
    slow(&cluster, 0);
    assert_eq!(
        numbers(&cluster.bootstrap_servers(), "t", 0),
        [0, 1, 2],
        "committed once"
    );
}

#[test]
fn task8_an_outcome_that_stays_open_takes_no_processor_time() {
    let cluster = cluster(1, "t", 1);
    let producer = begun(&cluster);
    send(&producer, 0..3);
    until("the records are acknowledged", || producer.stats().acked == 3);
    slow(&cluster, 600);
    let open = producer.commit(Duration::from_millis(50));
    assert!(
        matches!(open, Err(TransactionError::Retriable { .. })),
        "no answer within 50 ms: {open:?}"
    );
    // The client refuses another call during a commit, and says so at once, each time.
    let before = processor_time();
    let started = Instant::now();
    let answer = producer.abort(Duration::from_millis(300));
    let (took, worked) = (started.elapsed(), processor_time().saturating_sub(before));
    assert!(
        matches!(answer, Err(TransactionError::Retriable { .. })) && took >= Duration::from_millis(250),
        "open for as long as the commit is, and abort with 300 ms says {answer:?} after {took:?}: look at repeated"
    );
    assert!(
        worked < Duration::from_millis(50),
        "in {took:?} with an answer at once each time, the thread worked {worked:?}: look at PAUSE in repeated"
    );
    slow(&cluster, 0);
    producer.commit(WITHIN).expect("the commit again tells its outcome");
    assert_eq!(
        numbers(&cluster.bootstrap_servers(), "t", 0),
        [0, 1, 2],
        "committed once"
    );
}

#[test]
fn task8_a_commit_ends_when_its_time_is_over() {
    let cluster = cluster(1, "t", 1);
    let producer = begun(&cluster);
    slow(&cluster, 300);
    send(&producer, 0..3);
    // The partition, the records and the end of the transaction are a round trip each: 900 ms.
    let started = Instant::now();
    let answer = producer.commit(Duration::from_millis(650));
    let took = started.elapsed();
    assert!(
        matches!(answer, Err(TransactionError::Retriable { .. })) && took < Duration::from_millis(900),
        "650 ms are less than three round trips of 300 ms, and commit says {answer:?} after {took:?}. The client's own call takes \
         its time twice, once to flush and once to commit: each gets at most a SLICE, and at most what is left"
    );
    slow(&cluster, 0);
    producer.commit(WITHIN).expect("the same call again tells the outcome");
    assert_eq!(
        numbers(&cluster.bootstrap_servers(), "t", 0),
        [0, 1, 2],
        "committed once"
    );
}
