//! The loop of one worker: poll, apply, cut, prepare, hand over to the delivery, and answer the group.
//!
//! Everything that decides runs on this one thread. So no offset is ever committed while a rebalance is being answered:
//! a commit that was meant for a lost partition would be accepted (the coordinator checks the member, not what it owns)
//! and would set the next owner back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::Context;
use consumer::{Commit, CommitError, Committer, Event, Member, MemberConfig};
use market::Undecodable;
use measure::{LagOf, WorkerProgress};
use producer::{Producer, ProducerConfig};
use sink::{Block, Range, Sink, SinkConfig};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::delivery::{self, Done};
use super::membership::still_ours;
use super::partition::{Applied, Partition, Rules};
use super::snapshot::Snapshot;
use super::takeover::{Takeover, prepared_text};
use crate::cli::{REPORT_EVERY, WorkerArgs};
use crate::control::Wish;
use crate::fault::{FaultAt, Point};
use crate::process;

/// How often a partition's state is written to the snapshots topic: what a takeover has to replay, beside the repeats.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(3);
/// After this long without a record the committed range is emptied, so that nobody has to read it back.
const TIDY_AFTER: Duration = Duration::from_millis(200);
/// Pausing throws away what was fetched ahead, so a short wait for the sink does not pause.
const PAUSE_AFTER: Duration = Duration::from_millis(200);
/// Records applied before looking at anything else.
const BURST: usize = 4_096;
/// How long a graceful hand-over waits for the block in flight.
const HAND_OVER_WAIT: Duration = Duration::from_secs(2);
/// How long the group may take to let go of a worker that leaves.
const LEAVE_LIMIT: Duration = Duration::from_secs(10);
/// Pause between two tries of what may succeed later.
const RETRY: Duration = Duration::from_millis(100);
/// A partition without a record for this long does not hold back what is shown as complete.
const IDLE_AFTER: Duration = Duration::from_secs(5);

/// A partition that this worker owns.
pub(super) struct Owned {
    pub(super) state: Partition,
    /// Everything before this offset is in the tables.
    pub(super) acked: i64,
    /// Taken at the last cut; may be published once an offset at or past it is committed.
    snapshot: Option<Snapshot>,
    snapshot_at: Instant,
    /// Whether the committed range is empty and stands at `acked`.
    tidy: bool,
    active_at: Instant,
}

/// Where the one block of a worker is.
enum Stage {
    Empty,
    /// Cut, its ranges not committed yet.
    Cut(Block),
    /// Its ranges are committed, its rows are being written.
    Writing(Vec<Range>),
}

/// What a poll brought besides records that were applied.
enum Change {
    Unreadable(i32, i64, Vec<u8>, Undecodable),
    Assigned(Vec<i32>),
    Revoked(Vec<i32>),
    Lost(Vec<i32>),
}

pub(super) struct Engine {
    pub(super) args: WorkerArgs,
    pub(super) runtime: Handle,
    reports: Sender<WorkerProgress>,
    pub(super) member: Member,
    pub(super) committer: Committer,
    pub(super) sink: Arc<Sink>,
    producer: Producer,
    fault: Option<Arc<FaultAt>>,
    done_sender: Sender<Done>,
    done: Receiver<Done>,
    pub(super) owned: BTreeMap<i32, Owned>,
    /// Assigned to us and answered: a second start is a seek.
    pub(super) started: BTreeSet<i32>,
    /// Takeovers under way, by the number of the try.
    pub(super) taking: BTreeMap<i32, u64>,
    pub(super) tries: u64,
    /// Assigned, but the tables or the coordinator refused us: taken over again at that time, unless the group says first
    /// that they are gone.
    pub(super) refused: BTreeMap<i32, Instant>,
    stage: Stage,
    try_prepare_at: Instant,
    /// Since when the coordinator has refused the block's ranges.
    fenced_since: Option<Instant>,
    epoch_at: Instant,
    full_since: Option<Instant>,
    paused: bool,
    dead_letters_open: bool,
    pub(super) progress: WorkerProgress,
    reported_at: Instant,
}

impl Engine {
    /// Joins the group; the first partitions come with the first polls.
    pub(super) fn join(
        args: WorkerArgs,
        name: String,
        runtime: Handle,
        reports: Sender<WorkerProgress>,
    ) -> anyhow::Result<Self> {
        let fault = args.fault_at.clone().map(Arc::new);
        let mut sink = SinkConfig::new(&args.clickhouse.clickhouse, &args.clickhouse.database, &name);
        if let Some(fault) = fault.clone() {
            sink.at = Some(Arc::new(move |point| {
                if point == sink::Point::TradesWritten {
                    fault.pass(Point::TradesWritten);
                }
            }));
        }
        let sink = runtime
            .block_on(Sink::connect(sink))
            .context("ClickHouse cannot be reached")?;
        let member = Member::join(&MemberConfig {
            brokers: args.kafka.brokers.clone(),
            group: args.group.clone(),
            topic: args.kafka.topic.clone(),
            client_id: name.clone(),
            session_timeout: Duration::from_millis(args.session_ms),
            ..MemberConfig::default()
        })?;
        let committer = member.committer();
        let producer = Producer::new(&ProducerConfig {
            brokers: args.kafka.brokers.clone(),
            topic: args.snapshots.clone(),
            client_id: name.clone(),
            ..ProducerConfig::default()
        })?;
        let (done_sender, done) = channel();
        let now = Instant::now();
        Ok(Self {
            args,
            runtime,
            reports,
            member,
            committer,
            sink: Arc::new(sink),
            producer,
            fault,
            done_sender,
            done,
            owned: BTreeMap::new(),
            started: BTreeSet::new(),
            taking: BTreeMap::new(),
            tries: 0,
            refused: BTreeMap::new(),
            stage: Stage::Empty,
            try_prepare_at: now,
            fenced_since: None,
            epoch_at: now,
            full_since: None,
            paused: false,
            dead_letters_open: false,
            progress: WorkerProgress {
                worker: name,
                ..WorkerProgress::default()
            },
            reported_at: now,
        })
    }

    /// Runs until the parent wants the end.
    pub(super) fn run(mut self, wish: &watch::Receiver<Wish>) -> anyhow::Result<()> {
        loop {
            let wanted = *wish.borrow();
            anyhow::ensure!(wanted != Wish::Abort, "the parent is gone");
            let draining = wanted == Wish::Drain;
            if !self.hold(draining)? || self.paused {
                self.poll()?;
            }
            while let Ok(done) = self.done.try_recv() {
                self.on_done(done)?;
            }
            self.retry_refused();
            self.step()?;
            self.report(false);
            if draining && self.is_settled() {
                break;
            }
        }
        let all: Vec<i32> = self.owned.keys().copied().collect();
        self.tidy(&all)?;
        self.runtime
            .block_on(self.producer.flush(LEAVE_LIMIT))
            .context("the last snapshots")?;
        self.report(true);
        self.member.leave(LEAVE_LIMIT).context("the group")
    }

    pub(super) fn rules(&self) -> Rules {
        Rules {
            bound_ms: self.args.bound_ms,
            lateness_ms: self.args.lateness_ms,
            repeat_span_s: self.args.repeat_span_s,
        }
    }

    pub(super) fn takeover(&self) -> Takeover {
        Takeover {
            sink: self.sink.clone(),
            committer: self.committer.clone(),
            brokers: self.args.kafka.brokers.clone(),
            snapshots: self.args.snapshots.clone(),
            fault: self.fault.clone(),
        }
    }

    pub(super) fn done_sender(&self) -> Sender<Done> {
        self.done_sender.clone()
    }

    /// Says whether records must wait: at the end of the run, and while the rows that wait would make more than one block.
    fn hold(&mut self, draining: bool) -> anyhow::Result<bool> {
        let waiting: usize = self.owned.values().map(|owned| owned.state.waiting()).sum();
        let full = waiting >= self.args.epoch_rows && !matches!(self.stage, Stage::Empty);
        if !full && !draining {
            if std::mem::take(&mut self.paused) {
                let all: Vec<i32> = self.owned.keys().copied().collect();
                still_ours(self.member.resume(&all))?;
            }
            self.full_since = None;
            return Ok(false);
        }
        let since = *self.full_since.get_or_insert_with(Instant::now);
        if !self.paused && (draining || since.elapsed() > PAUSE_AFTER) {
            let all: Vec<i32> = self.owned.keys().copied().collect();
            still_ours(self.member.pause(&all))?;
            self.paused = true;
        }
        if !self.paused {
            // For a moment the loop stands still; the group hears from us through the client's own thread.
            if let Ok(done) = self.done.recv_timeout(Duration::from_millis(2)) {
                self.on_done(done)?;
            }
        }
        Ok(true)
    }

    fn poll(&mut self) -> anyhow::Result<()> {
        let busy = !matches!(self.stage, Stage::Empty);
        let mut wait = Duration::from_millis(if busy { 1 } else { 10 });
        for _ in 0..BURST {
            let change = match self.member.poll(wait)? {
                Event::Record(record) => {
                    let (partition, offset) = (record.partition(), record.offset());
                    let bytes = record.payload().unwrap_or_default();
                    wait = Duration::ZERO;
                    let Some(owned) = self.owned.get_mut(&partition) else {
                        continue;
                    };
                    owned.active_at = Instant::now();
                    let decoded = wire::decode(self.args.kafka.encoding, bytes);
                    let applied = owned.state.apply(offset, decoded.as_ref().ok())?;
                    count(&mut self.progress, applied);
                    match decoded {
                        Err(why) if applied == Applied::Unreadable => {
                            Change::Unreadable(partition, offset, bytes.to_vec(), why)
                        }
                        _ => continue,
                    }
                }
                Event::Assigned(partitions) => Change::Assigned(partitions),
                Event::Revoked(partitions) => Change::Revoked(partitions),
                Event::Lost(partitions) => Change::Lost(partitions),
                Event::End { .. } => continue,
                Event::Idle => break,
            };
            match change {
                Change::Unreadable(partition, offset, bytes, why) => self.bury(partition, offset, &bytes, &why)?,
                Change::Assigned(partitions) => self.on_assigned(partitions),
                Change::Revoked(partitions) => self.on_revoked(&partitions)?,
                Change::Lost(partitions) => self.on_lost(&partitions)?,
            }
        }
        Ok(())
    }

    fn bury(&mut self, partition: i32, offset: i64, bytes: &[u8], why: &Undecodable) -> anyhow::Result<()> {
        let source = format!("{}-{partition}@{offset}", self.args.kafka.topic);
        self.dead_letters_open = true;
        let letter = crate::dead::send(
            &self.producer,
            &self.args.kafka.dead_letters,
            bytes,
            why,
            &source,
            process::now_ms(),
        );
        self.runtime.block_on(letter).context("a dead letter cannot be sent")
    }

    /// Moves the block on: cut, prepare, write, tidy up.
    fn step(&mut self) -> anyhow::Result<()> {
        if matches!(self.stage, Stage::Empty) {
            self.cut()?;
        }
        if let Stage::Cut(_) = self.stage {
            self.prepare()?;
        }
        if matches!(self.stage, Stage::Empty) {
            let quiet: Vec<i32> = self
                .owned
                .iter()
                .filter(|(_, owned)| !owned.tidy && owned.active_at.elapsed() > TIDY_AFTER && owned.state.is_cut())
                .map(|(partition, _)| *partition)
                .collect();
            self.tidy(&quiet)?;
        }
        Ok(())
    }

    fn cut(&mut self) -> anyhow::Result<()> {
        let waiting: usize = self.owned.values().map(|owned| owned.state.waiting()).sum();
        if self.epoch_at.elapsed() < Duration::from_millis(self.args.epoch_ms) && waiting < self.args.epoch_rows {
            return Ok(());
        }
        let mut block = Block::default();
        for owned in self.owned.values_mut() {
            let Some(part) = owned.state.cut() else { continue };
            owned.tidy = false;
            if part.trades.is_empty() && part.candles.is_empty() && !part.recover {
                owned.acked = part.range.last + 1;
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
            self.stage = Stage::Cut(block);
        }
        Ok(())
    }

    /// Commits the block's ranges; the coordinator refuses them to a worker that the group has given up.
    fn prepare(&mut self) -> anyhow::Result<()> {
        if Instant::now() < self.try_prepare_at {
            return Ok(());
        }
        let Stage::Cut(block) = &self.stage else { return Ok(()) };
        if std::mem::take(&mut self.dead_letters_open) {
            self.runtime.block_on(self.producer.flush(Duration::from_secs(60)))?;
        }
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
        self.pass(Point::Prepared);
        self.publish_snapshots(&commits)?;
        if let Stage::Cut(block) = std::mem::replace(&mut self.stage, Stage::Empty) {
            self.stage = Stage::Writing(block.ranges.clone());
            delivery::write(&self.runtime, self.sink.clone(), block, self.done_sender.clone());
        }
        Ok(())
    }

    pub(super) fn on_done(&mut self, done: Done) -> anyhow::Result<()> {
        match done {
            Done::Written {
                block,
                lost,
                found,
                latency,
            } => {
                self.pass(Point::Written);
                self.stage = Stage::Empty;
                let kept = |partition: i32| !lost.contains(&partition);
                self.progress.epochs += 1;
                self.progress.fenced += u64::from(!lost.is_empty());
                self.progress.read_back += u64::from(found > 0);
                self.progress.acked += block.trades.iter().filter(|row| kept(row.position.partition)).count() as u64;
                self.progress.candles += block.candles.iter().filter(|row| kept(row.version.partition)).count() as u64;
                self.progress.latency.merge(&latency);
                for range in block.ranges.iter().filter(|range| kept(range.partition)) {
                    if let Some(owned) = self.owned.get_mut(&range.partition) {
                        owned.acked = range.last + 1;
                    }
                }
                if !lost.is_empty() {
                    tracing::warn!(
                        ?lost,
                        "a newer owner has claimed partitions of this block; their rows were not written"
                    );
                    self.refuse(&lost)?;
                }
            }
            Done::Failed(error) => return Err(error).context("the block cannot be written"),
            Done::TakenOver(partitions, attempt, starts) => self.on_taken_over(&partitions, attempt, starts)?,
        }
        Ok(())
    }

    /// Empties the committed range of partitions whose rows are all in the tables.
    pub(super) fn tidy(&mut self, partitions: &[i32]) -> anyhow::Result<()> {
        let commits: Vec<Commit> = partitions
            .iter()
            .filter_map(|partition| {
                let owned = self
                    .owned
                    .get(partition)
                    .filter(|owned| !owned.tidy && owned.acked >= 0)?;
                Some(Commit {
                    partition: *partition,
                    offset: owned.acked,
                    metadata: String::new(),
                })
            })
            .collect();
        if commits.is_empty() {
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
                self.runtime.block_on(self.producer.send(
                    commit.partition,
                    key.as_bytes(),
                    &snapshot.encode(),
                    process::now_ms(),
                ))?;
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
            self.taking.remove(partition);
            self.refused.remove(partition);
        }
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

    pub(super) fn own(&mut self, state: Partition, acked: i64) {
        let now = Instant::now();
        self.progress.takeovers += 1;
        let owned = Owned {
            acked,
            snapshot: None,
            snapshot_at: now,
            tidy: false,
            active_at: now,
            state,
        };
        self.owned.insert(owned.state.id(), owned);
    }

    fn is_settled(&self) -> bool {
        matches!(self.stage, Stage::Empty)
            && self
                .owned
                .values()
                .all(|owned| owned.state.is_cut() || owned.state.is_replaying())
    }

    fn pass(&self, point: Point) {
        if let Some(fault) = &self.fault {
            fault.pass(point);
        }
    }

    fn report(&mut self, done: bool) {
        if !done && self.reported_at.elapsed() < REPORT_EVERY {
            return;
        }
        self.reported_at = Instant::now();
        let (cpu_ms, memory) = process::usage();
        self.progress.cpu_ms = cpu_ms;
        self.progress.memory = memory;
        self.progress.done = done;
        self.progress.open_windows = self.owned.values().map(|owned| owned.state.open_windows() as u64).sum();
        self.progress.partitions = self
            .owned
            .iter()
            .map(|(partition, owned)| LagOf {
                partition: *partition,
                position: owned.state.next(),
                acked: owned.acked,
                end: self.member.end_offset(*partition).unwrap_or(owned.state.next()),
                watermark: (owned.state.watermark() != market::EventTime::MIN)
                    .then(|| owned.state.watermark().millis()),
                idle: owned.active_at.elapsed() > IDLE_AFTER,
            })
            .collect();
        // The receiver ends with the process.
        let _ = self.reports.send(self.progress.clone());
        self.progress.latency.clear();
    }
}

fn count(progress: &mut WorkerProgress, applied: Applied) {
    match applied {
        Applied::Replayed => {
            progress.replayed += 1;
            return;
        }
        Applied::Repeat => progress.repeats += 1,
        Applied::Trade { late, too_late } => {
            progress.late += u64::from(late);
            progress.too_late += u64::from(too_late);
        }
        Applied::Unreadable => progress.undecodable += 1,
    }
    progress.records += 1;
}
