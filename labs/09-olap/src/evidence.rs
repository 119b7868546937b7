//! What a query has read, by the server's log, and the plan of one that has yet to run.

use std::time::{Duration, Instant};

use clickhouse::{Client, Row};
use serde::Deserialize;

use crate::{OlapError, Plan};

/// How long the log may take: a query is written down when its answer has been sent.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a query cost, as the server counts it: the same on any machine, for the same parts, and at each run, if the server does not
/// remember which granules held no row for this condition (`use_query_condition_cache`, on by default: set it to 0 to compare).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Rows read, whole granules of them.
    pub read_rows: u64,
    /// Bytes of the columns read, decompressed.
    pub read_bytes: u64,
    /// Parts of which something was read.
    pub selected_parts: u64,
    /// Marks read: granules of 8,192 rows.
    pub selected_marks: u64,
    /// Most memory at a time, bytes.
    pub memory_bytes: u64,
    /// From its arrival to its end, microseconds.
    pub micros: u64,
    /// What the server's threads worked for it, microseconds.
    pub cpu_micros: u64,
}

/// An entry of `system.query_log`, of which a query has one when it starts and one when it ends.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct Entry {
    /// `QueryStart`, `QueryFinish`, `ExceptionBeforeStart` or `ExceptionWhileProcessing`.
    pub kind: String,
    /// See [`Evidence`].
    pub read_rows: u64,
    /// See [`Evidence`].
    pub read_bytes: u64,
    /// See [`Evidence`].
    pub selected_parts: u64,
    /// See [`Evidence`].
    pub selected_marks: u64,
    /// See [`Evidence`].
    pub memory_bytes: u64,
    /// See [`Evidence`].
    pub micros: u64,
    /// See [`Evidence`].
    pub cpu_micros: u64,
    /// What went wrong; empty where nothing did.
    pub exception: String,
}

impl From<&Entry> for Evidence {
    fn from(entry: &Entry) -> Self {
        Self {
            read_rows: entry.read_rows,
            read_bytes: entry.read_bytes,
            selected_parts: entry.selected_parts,
            selected_marks: entry.selected_marks,
            memory_bytes: entry.memory_bytes,
            micros: entry.micros,
            cpu_micros: entry.cpu_micros,
        }
    }
}

impl Evidence {
    /// From the entries of one query, in any order. `None` while it has no end: nothing, or its start alone, whose counters are 0
    /// and no evidence.
    ///
    /// # Errors
    /// [`OlapError::Evidence`]: it failed (the exception is said: what a failed query has read is no evidence either), or it has two
    /// ends, because its id was given to two queries.
    pub fn of(query: &str, entries: &[Entry]) -> Result<Option<Self>, OlapError> {
        todo!("task 5: the one entry that ends it")
    }

    /// Of a query that was sent with this id (`query_id` among its options), once the server has written it down. `client` may flush
    /// the log and read it; the query itself may have been sent with fewer rights.
    ///
    /// # Errors
    /// [`OlapError::Query`]; [`OlapError::Evidence`], also when nothing is in the log for ten seconds.
    pub async fn read(client: &Client, query: &str) -> Result<Self, OlapError> {
        const WHAT: &str = "the query log";
        let failed = |source| OlapError::Query { what: WHAT, source };
        let started = Instant::now();
        loop {
            client
                .query_raw("SYSTEM FLUSH LOGS query_log")
                .execute()
                .await
                .map_err(failed)?;
            let entries = client
                .query_raw(
                    "SELECT toString(type) AS kind, read_rows, read_bytes, ProfileEvents['SelectedParts'] AS selected_parts, \
                     ProfileEvents['SelectedMarks'] AS selected_marks, memory_usage AS memory_bytes, \
                     toUInt64(query_duration_ms) * 1000 AS micros, \
                     ProfileEvents['OSCPUVirtualTimeMicroseconds'] AS cpu_micros, exception \
                     FROM system.query_log WHERE event_date >= yesterday() AND query_id = {query: String}",
                )
                .param("query", query)
                .fetch_all::<Entry>()
                .await
                .map_err(failed)?;
            if let Some(evidence) = Self::of(query, &entries)? {
                return Ok(evidence);
            }
            if started.elapsed() > PATIENCE {
                return Err(OlapError::Evidence {
                    query: query.into(),
                    why: format!("its end is not in system.query_log after {PATIENCE:?}"),
                });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Plan {
    /// Of a query without parameters, which is not run.
    ///
    /// # Errors
    /// [`OlapError::Query`], [`OlapError::Plan`].
    pub async fn of(client: &Client, query: &str) -> Result<Self, OlapError> {
        let failed = |source| OlapError::Query {
            what: "the plan",
            source,
        };
        let lines: Vec<String> = client
            .query_raw(&format!("EXPLAIN json = 1, indexes = 1 {query}"))
            .fetch_all()
            .await
            .map_err(failed)?;
        Self::parse(&lines.join("\n"))
    }
}
