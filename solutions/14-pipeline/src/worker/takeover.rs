//! Taking over partitions: from an assignment to the offset, the state and the range to begin with.
//!
//! The order is the proof. The claim comes first: once it stands and no older insert runs, nothing that an earlier owner
//! prepared can still reach the tables, so what is read afterwards (the committed range, and later which of its rows the
//! tables hold) cannot change any more.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use consumer::{Committed, Committer, EARLIEST, end_offsets, read_all};
use sink::Sink;

use super::partition::Start;
use super::snapshot::{self, Snapshot};
use crate::fault::{FaultAt, Point};

/// What a takeover needs; cheap to clone.
#[derive(Clone)]
pub(crate) struct Takeover {
    pub(crate) sink: Arc<Sink>,
    pub(crate) committer: Committer,
    pub(crate) brokers: String,
    pub(crate) snapshots: String,
    pub(crate) fault: Option<Arc<FaultAt>>,
}

/// A claim that loses a race against another worker is repeated: the group's word is the newer one.
const CLAIM_TRIES: usize = 5;
/// How many snapshots are read at first; four times as many each time that none of them will do.
const SNAPSHOTS_AT_ONCE: i64 = 4;
/// Partitions whose snapshots are read at once.
const READERS: usize = 8;
const READ_LIMIT: Duration = Duration::from_secs(60);

impl Takeover {
    /// Claims the partitions and finds where to begin with each.
    pub(crate) async fn run(self, partitions: Vec<i32>) -> anyhow::Result<Vec<Start>> {
        let mut open = partitions.clone();
        for _ in 0..CLAIM_TRIES {
            open = self
                .sink
                .claim(&open)
                .await
                .context("the partitions cannot be claimed in ClickHouse")?
                .refused;
            if open.is_empty() {
                break;
            }
        }
        anyhow::ensure!(open.is_empty(), "other workers keep claiming partitions {open:?}");
        if let Some(fault) = &self.fault {
            fault.pass(Point::Claimed);
        }
        tokio::task::spawn_blocking(move || self.starts(&partitions)).await?
    }

    fn starts(&self, partitions: &[i32]) -> anyhow::Result<Vec<Start>> {
        let committed = self
            .committer
            .committed(partitions, READ_LIMIT)
            .context("the committed ranges cannot be read")?;
        let ends = end_offsets(&self.brokers, &self.snapshots, READ_LIMIT)
            .with_context(|| format!("the topic {} cannot be read", self.snapshots))?;
        // Side by side: a read waits for the broker most of the time. Not all at once: each is a client with threads.
        let mut starts = Vec::with_capacity(committed.len());
        for some in committed.chunks(READERS) {
            starts.extend(self.some_starts(some, &ends)?);
        }
        Ok(starts)
    }

    fn some_starts(&self, committed: &[Committed], ends: &[i64]) -> anyhow::Result<Vec<Start>> {
        thread::scope(|scope| {
            let starts: Vec<_> = committed
                .iter()
                .map(|committed| {
                    let end = usize::try_from(committed.partition)
                        .ok()
                        .and_then(|p| ends.get(p))
                        .copied();
                    scope.spawn(move || self.start(committed, end.unwrap_or(0)))
                })
                .collect();
            let join =
                |start: thread::ScopedJoinHandle<'_, _>| start.join().unwrap_or_else(|_| bail!("a reader panicked"));
            starts.into_iter().map(join).collect()
        })
    }

    fn start(&self, committed: &Committed, end: i64) -> anyhow::Result<Start> {
        let partition = committed.partition;
        // A partition without a committed offset begins where its log does.
        let first = committed.offset.unwrap_or(EARLIEST);
        let prepared = prepared_end(&committed.metadata, first).map_err(|why| StrangeMetadata {
            partition,
            text: committed.metadata.clone(),
            why: why.to_string(),
        })?;
        let snapshot = self.newest_snapshot(partition, end, first)?;
        tracing::info!(
            partition,
            first,
            ?prepared,
            snapshot = snapshot.as_ref().map(|s| s.offset),
            replay_from = snapshot.as_ref().map_or(EARLIEST, |s| s.replay_from),
            "taken over"
        );
        Ok(Start {
            partition,
            snapshot,
            first,
            prepared,
        })
    }

    /// Backwards, a few at first: the newest part of a compacted topic is not compacted yet, and holds hours of snapshots of
    /// which one of the last is wanted.
    fn newest_snapshot(&self, partition: i32, end: i64, first: i64) -> anyhow::Result<Option<Snapshot>> {
        let (mut to, mut count) = (end, SNAPSHOTS_AT_ONCE);
        while to > 0 {
            let from = (to - count).max(0);
            let mut best: Option<Snapshot> = None;
            read_all(
                &self.brokers,
                &self.snapshots,
                partition,
                from..to,
                READ_LIMIT,
                |record| match Snapshot::decode(record.payload().unwrap_or_default()) {
                    Ok(found) => best = snapshot::choose(best.take().into_iter().chain([found]), first),
                    Err(error) => tracing::warn!(partition, offset = record.offset(), "{error}"),
                },
            )
            .with_context(|| format!("the snapshots of partition {partition} cannot be read"))?;
            if best.is_some() {
                return Ok(best);
            }
            (to, count) = (from, count * 4);
        }
        Ok(None)
    }
}

/// The committed offset carries a text that is none of ours: the group belongs to another program.
#[derive(Debug, thiserror::Error)]
#[error(
    "partition {partition}: {text:?} stands beside the committed offset ({why}); choose another --group, and another --database with it"
)]
pub(super) struct StrangeMetadata {
    partition: i32,
    text: String,
    why: String,
}

/// Text of a prepared range, as it stands in the offset's metadata.
pub(crate) fn prepared_text(first: i64, last: i64) -> String {
    format!("{first}-{last}")
}

/// The last offset of the range that was prepared with `first` as its start; nothing for empty metadata.
pub(crate) fn prepared_end(metadata: &str, first: i64) -> anyhow::Result<Option<i64>> {
    if metadata.is_empty() {
        return Ok(None);
    }
    let (from, to) = metadata.split_once('-').context("want FIRST-LAST")?;
    let (from, to) = (from.parse::<i64>()?, to.parse::<i64>()?);
    anyhow::ensure!(
        from == first && to >= from,
        "the range does not begin at the committed offset {first}"
    );
    Ok(Some(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prepared_range_is_read_back_from_its_text() {
        assert_eq!(prepared_end(&prepared_text(17, 20), 17).unwrap(), Some(20));
        assert_eq!(prepared_end("", 17).unwrap(), None);
    }

    #[test]
    fn foreign_metadata_is_an_error_and_not_a_guess() {
        for text in ["17", "16-20", "17-16", "a-b", "-"] {
            assert!(prepared_end(text, 17).is_err(), "{text} was taken for a range");
        }
    }
}
