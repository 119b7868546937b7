//! Watches a member that has lost its coordinator for good.
//!
//! librdkafka (2.12) forgets every broker that is not in the newest metadata. An overloaded controller that fences its only
//! broker for a moment leaves it with none, and nobody to ask: the member stays outside its group for ever, without an
//! error. A new member finds its way at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};

use crate::config::{MemberConfig, reading};
use crate::rebalance::Rebalances;

/// How often the client says how it is. Part of the member's settings.
pub(crate) const STATISTICS: Duration = Duration::from_secs(1);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// How long the brokers may take to say who leads.
const ANSWER: Duration = Duration::from_secs(3);

/// What is known of a member's place in its group.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    outside_since: Mutex<Option<Instant>>,
    still: AtomicBool,
}

impl Watch {
    /// Takes in whether the client has a coordinator.
    pub(crate) fn see(&self, inside: bool) {
        let mut since = self.outside_since.lock().unwrap_or_else(PoisonError::into_inner);
        match inside {
            true => *since = None,
            false => drop(since.get_or_insert_with(Instant::now)),
        }
    }

    fn outside(&self) -> Duration {
        let since = self.outside_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Whether the member stands still though the cluster is well.
    pub(crate) fn is_still(&self) -> bool {
        self.still.load(Ordering::Acquire)
    }
}

/// Begins to watch; ends with the client.
pub(crate) fn watch(client: Weak<BaseConsumer<Rebalances>>, config: &MemberConfig) -> std::io::Result<()> {
    let config = config.clone();
    let name = "consumer watch".to_owned();
    thread::Builder::new().name(name).spawn(move || {
        let mut well_since: Option<Instant> = None;
        loop {
            thread::sleep(LOOK);
            let Some(outside) = client.upgrade().map(|client| client.context().watch.outside()) else {
                return;
            };
            // The client is not held meanwhile: its owner may want to end it.
            if outside <= config.still_limit || !leaders_are_there(&config) {
                well_since = None;
                continue;
            }
            // A broker that has only just come back, after a long absence, must not be held against the client.
            if well_since.get_or_insert_with(Instant::now).elapsed() > config.still_limit / 3
                && let Some(client) = client.upgrade()
            {
                client.context().watch.still.store(true, Ordering::Release);
                return;
            }
        }
    })?;
    Ok(())
}

/// Whether every partition of the topic has a leader, as a client says that has just come.
fn leaders_are_there(config: &MemberConfig) -> bool {
    let client: Result<BaseConsumer, _> = reading(&config.brokers, &config.client_id).create();
    let Ok(metadata) = client.and_then(|client| client.fetch_metadata(Some(&config.topic), ANSWER)) else {
        return false;
    };
    let mut partitions = metadata.topics().iter().flat_map(|topic| topic.partitions()).peekable();
    partitions.peek().is_some() && partitions.all(|partition| partition.leader() >= 0)
}
