//! Watches a client that stands still, and has it replaced.
//!
//! librdkafka (2.12 and later, issue 5430 of its repository) can lose a partition for good when its leader was gone for a
//! moment, as when an overloaded controller fences a broker: brokers are there, leaders are there, and the client sends
//! nothing any more, without an error. With the timeout of messages it would lose them; without, it waits for ever.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

use crate::link::Link;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// How long the brokers may take to say who leads.
const ANSWER: Duration = Duration::from_secs(3);

/// Begins to watch; ends with the link.
pub(crate) fn watch(link: &Arc<Link>) {
    let (weak, name) = (Arc::downgrade(link), "producer watch".to_owned());
    if let Err(error) = thread::Builder::new().name(name).spawn(move || look_again(&weak)) {
        tracing::warn!(%error, "nobody watches the producer");
    }
}

fn look_again(weak: &Weak<Link>) {
    let (mut decided, mut moved) = (0, Instant::now());
    let mut well_since: Option<Instant> = None;
    loop {
        thread::sleep(LOOK);
        let Some(link) = weak.upgrade() else { return };
        let (now, waits) = (link.deliveries().decided(), link.deliveries().stats().in_flight > 0);
        if now != decided || !waits {
            (decided, moved) = (now, Instant::now());
        }
        let limit = link.config().still_limit;
        if moved.elapsed() < limit || link.fatal().is_some() || !leaders_are_there(&link) {
            well_since = None;
            continue;
        }
        // Leaders that have only just come back must not be held against the client: its requests are on the way, and so are
        // answers, also while the leaders were asked for.
        if well_since.get_or_insert_with(Instant::now).elapsed() < limit / 3 || link.deliveries().decided() != decided {
            continue;
        }
        match link.revive() {
            Ok(again) => tracing::warn!(
                again,
                "the Kafka client stood still though every partition has a leader: a new one sends again"
            ),
            Err(error) => tracing::warn!(%error, "the Kafka client stands still, and there is no new one"),
        }
        (moved, well_since) = (Instant::now(), None);
    }
}

/// Whether every partition of the topic has a leader, as a client says that has just come.
fn leaders_are_there(link: &Link) -> bool {
    let config = link.config();
    let client: Result<BaseConsumer, _> = ClientConfig::new()
        .set("bootstrap.servers", &config.brokers)
        .set("client.id", &config.client_id)
        .create();
    let Ok(metadata) = client.and_then(|client| client.fetch_metadata(Some(&config.topic), ANSWER)) else {
        return false;
    };
    let mut partitions = metadata.topics().iter().flat_map(|topic| topic.partitions()).peekable();
    partitions.peek().is_some() && partitions.all(|partition| partition.leader() >= 0)
}
