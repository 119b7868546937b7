//! Tasks 2 and 3 with a real client: what it says, what is in the log, and what is done about it.

use std::time::Duration;

use quorum::{Acks, Code, Doubt, Fate, GaveUp, Next, Patience, fate, next, write_once};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use crate::client::{Client, Cluster, cluster, quick, slow};

const PATIENCE: Patience = Patience {
    attempts: 3,
    pause: Duration::from_millis(20),
};

fn answers(cluster: &Cluster, errors: &[RDKafkaRespErr]) {
    cluster.request_errors(RDKafkaApiKey::Produce, errors);
}

use RDKafkaRespErr::*;

#[test]
fn task2_what_a_broker_answers_reaches_the_caller_with_its_fate() {
    let cluster = cluster();
    let client = Client::new(&cluster, &[]);
    let cases = [
        (
            RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
            Code::NotEnoughReplicas,
            Fate::NotWritten,
        ),
        (
            RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
            Code::NotEnoughReplicasAfterAppend,
            Fate::MayBeWritten,
        ),
        (
            RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
            Code::RequestTimedOut,
            Fate::MayBeWritten,
        ),
        (
            RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
            Code::MessageSizeTooLarge,
            Fate::NotWritten,
        ),
    ];
    for (answer, code, expected) in cases {
        answers(&cluster, &[answer]);
        assert_eq!(client.attempt(1), Err(code), "what the client makes of {answer:?}");
        assert_eq!(fate(code, Acks::All), expected, "{code:?}");
    }
}

#[test]
fn task2_an_answer_that_comes_too_late_is_a_doubt_and_the_record_is_there() {
    let cluster = cluster();
    let client = Client::new(&cluster, &[]);
    slow(&cluster);
    let code = client
        .attempt(1)
        .expect_err("the answer takes longer than the client waits");
    quick(&cluster);
    assert_eq!(code, Code::MessageTimedOut);
    assert_eq!(fate(code, Acks::All), Fate::MayBeWritten);
    assert_eq!(
        next(code, Acks::All, true),
        Next::ReadBack,
        "the client has given it up"
    );
    assert_eq!(client.copies(1), 1, "it was appended before the answer was late");
}

#[test]
fn task2_an_idempotent_client_that_gave_a_record_up_leaves_one_or_two() {
    let cluster = cluster();
    let client = Client::new(&cluster, &[("enable.idempotence", "true"), ("retries", "5")]);
    let mut doubt = Doubt::default();
    slow(&cluster);
    let code = client
        .attempt(1)
        .expect_err("the answer takes longer than the client waits");
    doubt.attempt(Some(1), fate(code, Acks::All));
    quick(&cluster);
    // The caller's repeat is another record to the broker: a new sequence number.
    let again = (2..30).find_map(|identity| match client.attempt(1) {
        Ok(_) => Some((identity, Fate::Written)),
        Err(code) => {
            doubt.attempt(Some(identity), fate(code, Acks::All));
            None
        }
    });
    let (identity, written) = again.expect("taken, once the broker is quick");
    doubt.attempt(Some(identity), written);
    let copies = client.copies(1);
    assert!(
        doubt.copies().contains(&copies),
        "{copies} in the log, {:?} thought possible",
        doubt.copies()
    );
    assert!(
        copies >= 2,
        "idempotence ends where the client gives up: {copies} in the log"
    );
}

#[tokio::test]
async fn task3_too_few_replicas_for_a_while_cost_a_pause() {
    let cluster = cluster();
    let mut client = Client::new(&cluster, &[]);
    answers(&cluster, &[RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS; 2]);
    let placed = write_once(&mut client, 1, Acks::All, PATIENCE).await.expect("placed");
    assert_eq!(
        (placed.attempts, placed.may_be_doubled),
        (3, false),
        "(attempts, doubt): refused twice before the append"
    );
    assert_eq!(client.copies(1), 1);
    answers(&cluster, &[RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS; 3]);
    let given_up = write_once(&mut client, 2, Acks::All, PATIENCE).await;
    assert_eq!(given_up, Err(GaveUp::NotWritten(Code::NotEnoughReplicas)));
    assert_eq!(client.copies(2), 0, "surely not written, and it is not");
}

#[tokio::test]
async fn task3_a_lost_answer_is_read_back_and_nothing_is_doubled() {
    let cluster = cluster();
    let mut client = Client::new(&cluster, &[]);
    let from = client.log(0).expect("a log").len() as i64;
    let mut careful = Quickening(&mut client, &cluster);
    let placed = write_once(&mut careful, 2, Acks::All, PATIENCE).await.expect("placed");
    assert_eq!(
        (placed.offset, placed.attempts),
        (Some(from), 1),
        "(offset, attempts): found, not sent again"
    );
    assert_eq!(client.copies(2), 1);
}

#[tokio::test]
async fn task3_too_few_replicas_after_the_append_is_read_back() {
    let cluster = cluster();
    let mut client = Client::new(&cluster, &[]);
    // This cluster answers so without appending; a broker has appended. Nobody can tell these apart by the answer.
    answers(&cluster, &[RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND]);
    let placed = write_once(&mut client, 1, Acks::All, PATIENCE).await.expect("placed");
    assert_eq!(
        (placed.attempts, placed.may_be_doubled),
        (2, true),
        "(attempts, doubt): not found, so sent again"
    );
    assert_eq!(client.copies(1), 1);
}

/// The broker is slow for the first attempt alone.
struct Quickening<'a>(&'a mut Client, &'a Cluster);

impl quorum::Log for Quickening<'_> {
    async fn end(&mut self) -> Result<i64, quorum::Unreadable> {
        quick(self.1);
        let end = self.0.end().await;
        slow(self.1);
        end
    }

    async fn send(&mut self, identity: u64) -> Result<i64, Code> {
        let sent = self.0.send(identity).await;
        quick(self.1);
        sent
    }

    async fn find(&mut self, identity: u64, from: i64) -> Result<Option<i64>, quorum::Unreadable> {
        self.0.find(identity, from).await
    }
}
