//! Who owns a partition: reading and raising generations, and ending what older owners still run.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clickhouse::Row;
use serde::Deserialize;

use crate::server::{Failure, Server};

/// Until a KILL is no longer waited for.
const KILL_TIMEOUT: Duration = Duration::from_millis(500);

/// An entry of `owners`. Ordered as the table's entries of one partition are: by generation, then by worker.
///
/// `worker` reads `NAME.INCARNATION/ATTEMPT`. The incarnation is random, so no two sinks ever share it; the attempt has a
/// fixed number of digits, so that it orders the entries of one incarnation and nothing else: with it a sink fences off its
/// own lost requests without ever overtaking somebody else's claim.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) generation: u64,
    pub(crate) worker: String,
}

/// An insert that runs on the server, and the claims that guard it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Running {
    query_id: String,
    /// `None`: it does not say, so it may concern any partition.
    claims: Option<Vec<(i32, Entry)>>,
}

#[derive(Row, Deserialize)]
struct NewestRow {
    kafka_partition: i32,
    generation: u64,
    worker: String,
}

#[derive(Row, Deserialize)]
struct RunningRow {
    query_id: String,
    claims: String,
}

/// How the claims of an insert are told to other workers: in its `log_comment`, `PARTITION:GENERATION:WORKER,…`.
pub(crate) fn comment(claims: &[(i32, &Entry)]) -> String {
    let one = |(partition, entry): &(i32, &Entry)| format!("{partition}:{}:{}", entry.generation, entry.worker);
    claims.iter().map(one).collect::<Vec<_>>().join(",")
}

fn parse_comment(text: &str) -> Option<Vec<(i32, Entry)>> {
    text.split(',')
        .map(|claim| {
            let mut words = claim.splitn(3, ':');
            let partition = words.next()?.parse().ok()?;
            let generation = words.next()?.parse().ok()?;
            let worker = words.next()?.to_owned();
            Some((partition, Entry { generation, worker }))
        })
        .collect()
}

impl Running {
    /// Whether it is guarded by an older claim on one of `mine`. Inserts of other partitions are left alone, so that a
    /// takeover costs nobody else a retry; so are newer ones, whose guard is right.
    fn older_than(&self, mine: &BTreeMap<i32, Entry>) -> bool {
        let Some(claims) = &self.claims else { return true };
        claims
            .iter()
            .any(|(partition, entry)| mine.get(partition).is_some_and(|my| entry < my))
    }
}

/// Ids of every insert of a database begin so. A database's name has no dash, so no other one's ids do.
pub(crate) fn query_prefix(database: &str) -> String {
    format!("tickbook-{database}-")
}

impl Server {
    /// The newest entry of each of the partitions that has one.
    pub(crate) async fn newest(&self, partitions: &[i32]) -> Result<BTreeMap<i32, Entry>, Failure> {
        let query = self
            .client
            .query_raw(
                "SELECT kafka_partition, newest.1 AS generation, newest.2 AS worker FROM (\
                 SELECT kafka_partition, max((generation, worker)) AS newest FROM owners \
                 WHERE has({partitions: Array(Int32)}, kafka_partition) GROUP BY kafka_partition)",
            )
            .param("partitions", partitions)
            .fetch_all::<NewestRow>();
        let rows = self.ask(query).await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let NewestRow {
                    kafka_partition,
                    generation,
                    worker,
                } = row;
                (kafka_partition, Entry { generation, worker })
            })
            .collect())
    }

    /// Adds entries. The values are literal: were the server to compute "highest + 1", a request that was thought lost
    /// could arrive late and outrank everybody.
    pub(crate) async fn enter(&self, entries: &BTreeMap<i32, Entry>) -> Result<(), Failure> {
        let (mut partitions, mut generations, mut workers) = (Vec::new(), Vec::new(), Vec::new());
        for (partition, entry) in entries {
            partitions.push(*partition);
            generations.push(entry.generation);
            workers.push(entry.worker.as_str());
        }
        let query = self
            .client
            .query_raw(
                "INSERT INTO owners (kafka_partition, generation, worker, claimed_at) \
                 SELECT row.1, row.2, row.3, now64(3, 'UTC') FROM (SELECT arrayJoin(arrayZip({partitions: Array(Int32)}, \
                 {generations: Array(UInt64)}, {workers: Array(String)})) AS row)",
            )
            .param("partitions", partitions)
            .param("generations", generations)
            .param("workers", workers)
            .with_setting("async_insert", "0")
            .execute();
        self.ask(query).await
    }

    /// Kills the inserts that are guarded by older claims than `mine` and waits until none runs. Returns those that still
    /// do when `limit` is over.
    ///
    /// Sound, because an insert is in `system.processes` before its guard is asked: one whose guard saw no newer entry
    /// began before `mine` was entered, so it is either listed now or over.
    pub(crate) async fn end_older(&self, mine: &BTreeMap<i32, Entry>, limit: Duration) -> Result<Vec<String>, Failure> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(2);
        loop {
            let older: Vec<String> = self
                .running()
                .await?
                .into_iter()
                .filter(|insert| insert.older_than(mine))
                .map(|insert| insert.query_id)
                .collect();
            if older.is_empty() || started.elapsed() >= limit {
                return Ok(older);
            }
            tracing::info!(?older, "killing inserts of an older claim");
            // Sent and forgotten, then asked again whether it helped. ASYNC, because SYNC has no bound of its own; but even
            // so a KILL can hang for as long as its victim waits for its body, and does its work all the same.
            let kill = self
                .client
                .query_raw("KILL QUERY WHERE has({ids: Array(String)}, query_id) ASYNC")
                .param("ids", &older)
                .execute();
            if let Ok(Err(Failure::Fatal(error))) = tokio::time::timeout(KILL_TIMEOUT, self.ask(kill)).await {
                return Err(error.into());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }

    async fn running(&self) -> Result<Vec<Running>, Failure> {
        let query = self
            .client
            .query_raw(
                "SELECT query_id, Settings['log_comment'] AS claims FROM system.processes \
                 WHERE startsWith(query_id, {prefix: String})",
            )
            .param("prefix", query_prefix(&self.database))
            .fetch_all::<RunningRow>();
        let rows = self.ask(query).await?;
        Ok(rows
            .into_iter()
            .map(|row| Running {
                claims: parse_comment(&row.claims),
                query_id: row.query_id,
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(generation: u64, worker: &str) -> Entry {
        Entry {
            generation,
            worker: worker.into(),
        }
    }

    #[test]
    fn an_insert_is_killed_only_for_an_older_claim_on_a_claimed_partition() {
        let mine = BTreeMap::from([(3, entry(7, "b.1/0000000001"))]);
        let insert = |text: &str| Running {
            query_id: "q".into(),
            claims: parse_comment(text),
        };
        for (text, killed) in [
            ("3:6:z.9/0000000001", true),                    // an older generation
            ("3:7:a.1/0000000009", true),                    // the same generation, lost the tie
            ("3:7:b.1/0000000000", true),                    // an earlier attempt of our own
            ("3:7:b.1/0000000001", false),                   // the claim itself
            ("3:7:c.1/0000000000", false),                   // won the tie
            ("3:8:a.1/0000000000", false),                   // newer
            ("2:1:a.1/0000000000", false),                   // another partition
            ("2:9:a.1/0000000000,3:1:a.1/0000000000", true), // one of its partitions is enough
            ("", true),                                      // says nothing: could be anything
            ("3:x:y", true),
        ] {
            assert_eq!(insert(text).older_than(&mine), killed, "an insert that says {text:?}");
        }
    }

    #[test]
    fn a_comment_says_the_claims_again() {
        let (a, b) = (entry(1, "w-1.00ff/0000000003"), entry(u64::MAX, "x.y_z.0/0000000000"));
        let text = comment(&[(0, &a), (-5, &b)]);
        assert_eq!(parse_comment(&text), Some(vec![(0, a), (-5, b)]), "read from {text:?}");
    }
}
