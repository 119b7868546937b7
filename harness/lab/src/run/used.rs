//! What a run has used between its first trade and its last row: processor time of each server, and what ClickHouse did.

use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use measure::cpu_of;
use serde::{Deserialize, Serialize};
use stack::{Server, Stack};

/// ClickHouse's own counters, by their names.
const EVENTS: &str = "SELECT toUInt64(sumIf(value, event = 'InsertQuery')), toUInt64(sumIf(value, event = 'MergeTreeDataWriterBlocks')), \
     toUInt64(sumIf(value, event = 'Merge')), toUInt64(sumIf(value, event = 'MergedRows')) FROM system.events";

/// How long ClickHouse may take to tell its counters.
const LIMIT: Duration = Duration::from_secs(5);

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default)]
struct Events {
    inserts: u64,
    parts: u64,
    merges: u64,
    merged_rows: u64,
}

/// A moment, to be compared with a later one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mark {
    kafka: Duration,
    clickhouse: Duration,
    here: Duration,
    events: Events,
}

/// What was used from one moment to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Used {
    /// Processor time of the brokers, milliseconds; zero where their processes are not this machine's.
    pub(crate) kafka_ms: u64,
    /// Processor time of ClickHouse, milliseconds.
    pub(crate) clickhouse_ms: u64,
    /// Processor time of this process, which is the exchange and what looks on, milliseconds.
    pub(crate) exchange_ms: u64,
    /// Insert queries.
    pub(crate) inserts: u64,
    /// Parts that they made.
    pub(crate) parts: u64,
    /// Merges of parts.
    pub(crate) merges: u64,
    /// Rows that merges wrote.
    pub(crate) merged_rows: u64,
}

impl Mark {
    /// Now.
    pub(crate) async fn now(stack: &Stack) -> Self {
        // The engine of a container is asked for its process, which may take its time; the exchange must not wait for it.
        let of = async |servers: Vec<Server>| -> Duration {
            let asked = spawn_blocking(move || servers.iter().filter_map(Server::pid).map(cpu_of).sum());
            asked.await.unwrap_or_default()
        };
        let kafka = stack.kafka();
        let client = stack.clickhouse().client();
        let asked = timeout(LIMIT, client.query(EVENTS).fetch_one::<(u64, u64, u64, u64)>()).await;
        // A server that does not answer, frozen or gone, is the audit's to name; here it costs a figure.
        let (inserts, parts, merges, merged_rows) = asked.ok().and_then(Result::ok).unwrap_or_default();
        Self {
            kafka: of(kafka.brokers().iter().chain(kafka.controller()).cloned().collect()).await,
            clickhouse: of(vec![stack.clickhouse().server().clone()]).await,
            here: cpu_of(std::process::id()),
            events: Events {
                inserts,
                parts,
                merges,
                merged_rows,
            },
        }
    }

    /// From this moment to a later one.
    pub(crate) fn until(&self, later: &Self) -> Used {
        let millis =
            |now: Duration, then: Duration| u64::try_from(now.saturating_sub(then).as_millis()).unwrap_or(u64::MAX);
        let (now, then) = (later.events, self.events);
        Used {
            kafka_ms: millis(later.kafka, self.kafka),
            clickhouse_ms: millis(later.clickhouse, self.clickhouse),
            exchange_ms: millis(later.here, self.here),
            inserts: now.inserts.saturating_sub(then.inserts),
            parts: now.parts.saturating_sub(then.parts),
            merges: now.merges.saturating_sub(then.merges),
            merged_rows: now.merged_rows.saturating_sub(then.merged_rows),
        }
    }
}
