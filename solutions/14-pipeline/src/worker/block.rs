//! The life of a block: cut, prepared, written, and its partitions tidied up after it.
//!
//! A worker has one block in flight. The next one is cut as soon as that is written, but at most every `--epoch-ms`, and
//! sooner only at `--epoch-rows`: so blocks are small while the rate is low and large while it is high. The least time is
//! there for ClickHouse: each block is two inserts, each insert a part that must be merged, and at low rates an insert
//! costs the server 5 to 10 ms of work whatever is in it. Thirty blocks a second take half a core; two hundred would take
//! three. Workers multiply it. Rows that wait are bounded by `--epoch-rows` too: beyond it the worker stops reading.
//!
//! A worker that is behind waits until its block is full, a second at most: its rows are late anyway, and a quarter of the
//! parts is a third less work for ClickHouse (measured per row, merges included: blocks of 60,000 rows 1.19 µs, of 240,000
//! rows 0.86 µs).

use std::time::{Duration, Instant};

use anyhow::Context;
use consumer::{Commit, CommitError};
use sink::{Block, Range};

use super::delivery::{self, Written};
use super::engine::Engine;
use super::takeover::prepared_text;
use crate::fault::Point;
use crate::parts::producer::{FlushError, SendError};
use crate::process;

/// How often a partition's state is written to the snapshots topic: what a takeover has to replay, beside the repeats.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(3);
/// How long a snapshot may wait for room in the producer.
const SNAPSHOT_WAIT: Duration = Duration::from_secs(1);
/// How long the group waits for dead letters at a time.
const LETTERS_WAIT: Duration = Duration::from_secs(1);
/// How long a graceful hand-over waits for the block in flight.
const HAND_OVER_WAIT: Duration = Duration::from_secs(2);
/// How long a worker that is behind goes on filling its block.
const FILL_WAIT: Duration = Duration::from_secs(1);
/// Pause between two tries of what may succeed later.
const RETRY: Duration = Duration::from_millis(100);

/// Where the one block of a worker is.
pub(super) enum Stage {
    Empty,
    /// Cut, its ranges not committed yet.
    Cut(Block),
    /// Its ranges are committed, its rows are being written.
    Writing(Vec<Range>),
}

impl Engine {
    pub(super) fn cut(&mut self) -> anyhow::Result<()> {
        let waiting: usize = self.owned.values().map(|owned| owned.state.waiting()).sum();
        let least = match self.caught_up || self.paused {
            true => Duration::from_millis(self.args.epoch_ms),
            false => FILL_WAIT.max(Duration::from_millis(self.args.epoch_ms)),
        };
        if self.epoch_at.elapsed() < least && waiting < self.args.epoch_rows {
            return Ok(());
        }
        let mut block = Block::default();
        for owned in self.owned.values_mut() {
            let Some(part) = owned.state.cut() else { continue };
            owned.tidy = false;
            if part.trades.is_empty() && part.candles.is_empty() && !part.recover {
                owned.delivered.written(part.range.last);
                continue;
            }
            if part.recover {
                block.recover.push(part.range.partition);
            }
            block.ranges.push(part.range);
            block.trades.extend(part.trades);
            block.candles.extend(part.candles);
            if owned.snapshot.is_none() && owned.snapshot_at.elapsed() >= SNAPSHOT_EVERY {
                owned.snapshot = owned.state.snapshot()?;
                owned.snapshot_at = Instant::now();
            }
        }
        if !block.ranges.is_empty() {
            self.epoch_at = Instant::now();
            self.try_prepare_at = self.epoch_at;
            // A refusal counts for the block that was refused.
            self.fenced_since = None;
            self.stage = Stage::Cut(block);
        }
        Ok(())
    }

    /// Commits the block's ranges; the coordinator refuses them to a worker that the group has given up.
    pub(super) fn prepare(&mut self) -> anyhow::Result<()> {
        if Instant::now() < self.try_prepare_at {
            return Ok(());
        }
        if !self.letters_are_safe()? {
            self.try_prepare_at = Instant::now() + RETRY;
            return Ok(());
        }
        let Stage::Cut(block) = &self.stage else { return Ok(()) };
        let commits: Vec<Commit> = block
            .ranges
            .iter()
            .map(|range| Commit {
                partition: range.partition,
                offset: range.first,
                metadata: prepared_text(range.first, range.last),
            })
            .collect();
        match self.committer.commit_sync(&commits) {
            Ok(()) => self.fenced_since = None,
            Err(CommitError::Retriable { reason }) => {
                tracing::debug!("the ranges are not committed yet: {reason}");
                self.try_prepare_at = Instant::now() + RETRY;
                return Ok(());
            }
            // During a rebalance the coordinator may know a generation that the client does not know yet; if the
            // partitions are gone, the group says so next. Trying again is safe: a commit is sent only for what is held.
            Err(CommitError::Fenced { reason }) => {
                let since = *self.fenced_since.get_or_insert_with(Instant::now);
                self.try_prepare_at = Instant::now() + RETRY;
                if since.elapsed() < Duration::from_millis(self.args.session_ms * 2) {
                    tracing::debug!("the ranges are refused: {reason}");
                    return Ok(());
                }
                tracing::warn!("the group has given this worker up: {reason}");
                let partitions: Vec<i32> = commits.iter().map(|commit| commit.partition).collect();
                self.fenced_since = None;
                return self.refuse(&partitions);
            }
            Err(error) => return Err(error).context("the ranges cannot be committed"),
        }
        if let Stage::Cut(block) = &self.stage {
            for range in &block.ranges {
                if let Some(owned) = self.owned.get_mut(&range.partition) {
                    owned.delivered.prepare(range.last);
                }
            }
        }
        self.pass(Point::Prepared);
        self.publish_snapshots(&commits)?;
        if let Stage::Cut(block) = std::mem::replace(&mut self.stage, Stage::Empty) {
            self.stage = Stage::Writing(block.ranges.clone());
            delivery::write(&self.runtime, self.sink.clone(), block, self.done_sender.clone());
        }
        Ok(())
    }

    /// The block is in the tables, but for the partitions that a newer owner has claimed.
    pub(super) fn on_written(&mut self, written: &Written) -> anyhow::Result<()> {
        self.pass(Point::Written);
        self.stage = Stage::Empty;
        let Written {
            block,
            lost,
            found,
            latency,
        } = written;
        let kept = |partition: i32| !lost.contains(&partition);
        self.progress.epochs += 1;
        self.progress.fenced += u64::from(!lost.is_empty());
        self.progress.read_back += u64::from(*found > 0);
        self.progress.acked += block.trades.iter().filter(|row| kept(row.position.partition)).count() as u64;
        self.progress.candles += block.candles.iter().filter(|row| kept(row.version.partition)).count() as u64;
        self.progress.latency.merge(latency);
        for range in block.ranges.iter().filter(|range| kept(range.partition)) {
            if let Some(owned) = self.owned.get_mut(&range.partition) {
                owned.delivered.written(range.last);
            }
        }
        if !lost.is_empty() {
            tracing::warn!(
                ?lost,
                "a newer owner has claimed partitions of this block; their rows were not written"
            );
            self.refuse(lost)?;
        }
        Ok(())
    }

    /// Empties the committed range of partitions whose rows are all in the tables.
    pub(super) fn tidy(&mut self, partitions: &[i32]) -> anyhow::Result<()> {
        let commits: Vec<Commit> = partitions
            .iter()
            .filter_map(|partition| {
                let owned = self.owned.get(partition).filter(|owned| !owned.tidy)?;
                Some(Commit {
                    partition: *partition,
                    offset: owned.delivered.settled()?,
                    metadata: String::new(),
                })
            })
            .collect();
        if commits.is_empty() || !self.letters_are_safe()? {
            return Ok(());
        }
        match self.committer.commit_sync(&commits) {
            Ok(()) => {
                for commit in &commits {
                    if let Some(owned) = self.owned.get_mut(&commit.partition) {
                        owned.tidy = true;
                    }
                }
                self.publish_snapshots(&commits)
            }
            // Only a convenience for the next owner: the prepared range still stands.
            Err(CommitError::Retriable { reason } | CommitError::Fenced { reason }) => {
                tracing::debug!("the committed ranges are not emptied: {reason}");
                Ok(())
            }
            Err(error) => Err(error).context("the ranges cannot be committed"),
        }
    }

    /// Whether every dead letter is acknowledged. No offset past an unreadable record may be committed before its letter
    /// is: nobody would read the record again.
    fn letters_are_safe(&mut self) -> anyhow::Result<bool> {
        if !self.dead_letters_open {
            return Ok(true);
        }
        match self.runtime.block_on(self.dead_letters.flush(LETTERS_WAIT)) {
            Ok(()) => self.dead_letters_open = false,
            Err(FlushError::Unflushed { n }) => tracing::debug!("{n} dead letters are not acknowledged yet"),
            Err(error) => return Err(error).context("dead letters are lost"),
        }
        Ok(!self.dead_letters_open)
    }

    /// A snapshot goes out once an offset at or past it is committed: whoever takes over then finds one that is not ahead
    /// of where it begins.
    fn publish_snapshots(&mut self, committed: &[Commit]) -> anyhow::Result<()> {
        for commit in committed {
            let Some(owned) = self.owned.get_mut(&commit.partition) else {
                continue;
            };
            if owned
                .snapshot
                .as_ref()
                .is_none_or(|snapshot| snapshot.offset > commit.offset)
            {
                continue;
            }
            if let Some(snapshot) = owned.snapshot.take() {
                let key = commit.partition.to_string();
                let bytes = snapshot.encode();
                let sent = self
                    .snapshots
                    .send(commit.partition, key.as_bytes(), &bytes, process::now_ms());
                let sent = self
                    .runtime
                    .block_on(async { tokio::time::timeout(SNAPSHOT_WAIT, sent).await });
                // Without it a takeover replays more; nothing else depends on it.
                match sent {
                    Ok(Ok(())) => {}
                    Ok(Err(SendError::Refused { reason, .. })) => {
                        tracing::warn!(partition = commit.partition, "a snapshot cannot be kept: {reason}");
                    }
                    Ok(Err(error)) => return Err(error).context("the snapshots"),
                    Err(_) => tracing::warn!(partition = commit.partition, "a snapshot is left out: no room for it"),
                }
            }
        }
        Ok(())
    }

    /// Partitions whose rows are being written right now.
    pub(super) fn writing(&self) -> Vec<i32> {
        match &self.stage {
            Stage::Writing(ranges) => ranges.iter().map(|range| range.partition).collect(),
            _ => Vec::new(),
        }
    }

    /// Waits a little for the block in flight.
    pub(super) fn await_block(&mut self) -> anyhow::Result<()> {
        let until = Instant::now() + HAND_OVER_WAIT;
        while matches!(self.stage, Stage::Writing(_)) {
            match self.done.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(done) => self.on_done(done)?,
                Err(_) => break,
            }
        }
        Ok(())
    }

    /// Takes the rows of partitions out of the block that is not prepared yet, and their state away.
    pub(super) fn forget(&mut self, partitions: &[i32]) {
        for partition in partitions {
            self.owned.remove(partition);
        }
        self.stop_taking(partitions);
        if let Stage::Cut(block) = &mut self.stage {
            block.ranges.retain(|range| !partitions.contains(&range.partition));
            block.trades.retain(|row| !partitions.contains(&row.position.partition));
            block
                .candles
                .retain(|candle| !partitions.contains(&candle.version.partition));
            block.recover.retain(|partition| !partitions.contains(partition));
            if block.ranges.is_empty() {
                self.stage = Stage::Empty;
            }
        }
    }
}
