//! What goes wrong with a client that treats all errors alike. Always green; each shows a loss.

use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use crate::client::{Client, cluster, quick, slow};

// ANCHOR: retry_all
#[test]
fn a_retry_after_every_error_doubles_a_record_whose_answer_was_late() {
    let cluster = cluster();
    let client = Client::new(&cluster, &[]);
    slow(&cluster);
    assert!(client.attempt(1).is_err(), "the answer is late");
    quick(&cluster);
    let sent = (0..30).find(|_| client.attempt(1).is_ok());
    assert!(sent.is_some(), "once the broker is quick, it is taken");
    assert!(client.copies(1) >= 2, "written, not heard, and written again");
}
// ANCHOR_END: retry_all

// ANCHOR: no_retry
#[test]
fn a_client_that_gives_up_at_the_first_error_loses_what_a_pause_would_have_saved() {
    let cluster = cluster();
    let client = Client::new(&cluster, &[]);
    cluster.request_errors(
        RDKafkaApiKey::Produce,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS],
    );
    let taken = (1..=5).filter(|number| client.attempt(*number).is_ok()).count();
    assert_eq!(
        (taken, client.copies(1)),
        (4, 0),
        "(taken, of the first): refused once, and never asked again"
    );
}
// ANCHOR_END: no_retry
