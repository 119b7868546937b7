//! The producer against real servers.

#[path = "../common/mod.rs"]
mod common;

mod broker_kill;
mod records;
mod transactions;

use std::time::Duration;

use stack::{Stack, unique};

const WITHIN: Duration = Duration::from_secs(30);

/// A topic of the test's own on servers that all share, and where they are.
async fn topic(partitions: i32) -> (&'static str, String) {
    let kafka = Stack::shared().await.expect("the servers").kafka();
    let topic = unique("acks");
    kafka.create_topic(&topic, partitions, &[]).await.expect("a topic");
    (kafka.bootstrap(), topic)
}
