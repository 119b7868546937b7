//! The loop of one worker: poll, apply, and move its block on.
//!
//! Everything that decides runs on this one thread, so that a commit never races with the answer to a rebalance: one that
//! arrives after its partition was given back would be accepted (the coordinator checks the member, not what it owns) and
//! would set the next owner back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::Context;
use consumer::{Committer, Event, Member, MemberConfig};
use market::Undecodable;
use measure::WorkerProgress;
use sink::{Sink, SinkConfig};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::block::Stage;
use super::delivered::Delivered;
use super::delivery::Done;
use super::membership::{Taking, still_ours};
use super::partition::{Applied, Partition, Rules};
use super::report;
use super::snapshot::Snapshot;
use super::takeover::Takeover;
use crate::cli::WorkerArgs;
use crate::control::Wish;
use crate::fault::{FaultAt, Point};
use crate::parts::producer::{Producer, ProducerConfig};
use crate::{dead, process};

/// After this long without a record the committed range is emptied, so that nobody has to read it back.
const TIDY_AFTER: Duration = Duration::from_millis(200);
/// Pausing throws away what was fetched ahead, so a short wait for the sink does not pause.
const PAUSE_AFTER: Duration = Duration::from_millis(200);
/// Records applied before looking at anything else.
const BURST: usize = 4_096;
/// How long the group may take to let go of a worker that leaves.
const LEAVE_LIMIT: Duration = Duration::from_secs(10);
/// How long a dead letter may wait for room in the producer.
const BURY_LIMIT: Duration = Duration::from_secs(30);
/// A snapshot holds the open windows of one partition: hundreds of bytes for each market and window. The topic must take
/// as much.
const MOST_SNAPSHOT_BYTES: u32 = 64 << 20;

/// A partition that this worker owns.
pub(super) struct Owned {
    pub(super) state: Partition,
    pub(super) delivered: Delivered,
    /// Taken at the last cut; may be published once an offset at or past it is committed.
    pub(super) snapshot: Option<Snapshot>,
    pub(super) snapshot_at: Instant,
    /// Whether the committed range is empty and stands at what is delivered.
    pub(super) tidy: bool,
    pub(super) active_at: Instant,
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
    pub(super) reports: Sender<WorkerProgress>,
    pub(super) member: Member,
    pub(super) committer: Committer,
    pub(super) sink: Arc<Sink>,
    pub(super) snapshots: Producer,
    pub(super) dead_letters: Producer,
    fault: Option<Arc<FaultAt>>,
    pub(super) done_sender: Sender<Done>,
    pub(super) done: Receiver<Done>,
    pub(super) owned: BTreeMap<i32, Owned>,
    /// Assigned to us and answered: a second start is a seek.
    pub(super) started: BTreeSet<i32>,
    /// Takeovers under way, by the number of the try.
    pub(super) taking: BTreeMap<i32, Taking>,
    pub(super) tries: u64,
    /// Takeovers in a row that failed.
    pub(super) failed_takeovers: u32,
    /// Assigned, but the tables or the coordinator refused us: taken over again at that time, unless the group says first
    /// that they are gone.
    pub(super) refused: BTreeMap<i32, Instant>,
    pub(super) stage: Stage,
    pub(super) try_prepare_at: Instant,
    /// Since when the coordinator has refused the block's ranges.
    pub(super) fenced_since: Option<Instant>,
    pub(super) epoch_at: Instant,
    full_since: Option<Instant>,
    /// Whether the last look at the log found its end, as far as it is fetched.
    pub(super) caught_up: bool,
    pub(super) paused: bool,
    pub(super) dead_letters_open: bool,
    pub(super) progress: WorkerProgress,
    pub(super) reported_at: Instant,
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
        // One each: what becomes of snapshots is of no consequence to dead letters.
        let producer = |topic: &str, max_record_bytes| {
            Producer::new(&ProducerConfig {
                brokers: args.kafka.brokers.clone(),
                topic: topic.to_owned(),
                client_id: name.clone(),
                max_record_bytes,
                ..ProducerConfig::default()
            })
        };
        let snapshots = producer(&args.snapshots, MOST_SNAPSHOT_BYTES)?;
        let dead_letters = producer(&args.kafka.dead_letters, dead::MOST_BYTES)?;
        let (done_sender, done) = channel();
        let now = Instant::now();
        Ok(Self {
            args,
            runtime,
            reports,
            member,
            committer,
            sink: Arc::new(sink),
            snapshots,
            dead_letters,
            fault,
            done_sender,
            done,
            owned: BTreeMap::new(),
            started: BTreeSet::new(),
            taking: BTreeMap::new(),
            tries: 0,
            failed_takeovers: 0,
            refused: BTreeMap::new(),
            stage: Stage::Empty,
            try_prepare_at: now,
            fenced_since: None,
            epoch_at: now,
            full_since: None,
            caught_up: true,
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
        // A claim that is still tried could land after we have left, and evict whoever has the partition by then.
        let taking: Vec<i32> = self.taking.keys().copied().collect();
        self.stop_taking(&taking);
        let all: Vec<i32> = self.owned.keys().copied().collect();
        self.tidy(&all)?;
        // Everything is delivered; what does not end well from here on costs the next owner time and nobody a row.
        if let Err(error) = self.runtime.block_on(self.snapshots.flush(LEAVE_LIMIT)) {
            tracing::warn!("the last snapshots: {error}");
        }
        self.report(true);
        if let Err(error) = self.member.leave(LEAVE_LIMIT) {
            tracing::warn!("the group: {error}");
        }
        Ok(())
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
            if self.paused {
                let all: Vec<i32> = self.owned.keys().copied().collect();
                // If not, the event that says what has gone comes first.
                self.paused = !still_ours(self.member.resume(&all))?;
            }
            self.full_since = None;
            return Ok(false);
        }
        let since = *self.full_since.get_or_insert_with(Instant::now);
        if !self.paused && (draining || since.elapsed() > PAUSE_AFTER) {
            let all: Vec<i32> = self.owned.keys().copied().collect();
            self.paused = still_ours(self.member.pause(&all))?;
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
        // A burst takes milliseconds, and what the time is for are hundreds.
        let now = Instant::now();
        self.caught_up = false;
        for _ in 0..BURST {
            let change = match self.member.poll(wait)? {
                Event::Record(record) => {
                    let (partition, offset) = (record.partition(), record.offset());
                    let bytes = record.payload().unwrap_or_default();
                    wait = Duration::ZERO;
                    let Some(owned) = self.owned.get_mut(&partition) else {
                        continue;
                    };
                    owned.active_at = now;
                    let decoded = wire::decode(self.args.kafka.encoding, bytes);
                    let applied = owned.state.apply(offset, decoded.as_ref().ok())?;
                    report::count(&mut self.progress, applied);
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
                Event::Idle => {
                    self.caught_up = true;
                    break;
                }
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
        let letter = dead::send(
            &self.dead_letters,
            &self.args.kafka.dead_letters,
            bytes,
            why,
            &source,
            process::now_ms(),
        );
        let sent = self
            .runtime
            .block_on(async { tokio::time::timeout(BURY_LIMIT, letter).await });
        // Standing still any longer would cost the partitions, and nobody would know why.
        sent.with_context(|| {
            format!("no dead letter could be sent for {BURY_LIMIT:?}: is their partition without a leader?")
        })?
        .context("a dead letter cannot be sent")
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

    pub(super) fn on_done(&mut self, done: Done) -> anyhow::Result<()> {
        match done {
            Done::Written(written) => self.on_written(&written),
            Done::Failed(error) => Err(error).context("the block cannot be written"),
            Done::TakenOver(partitions, attempt, starts) => self.on_taken_over(&partitions, attempt, starts),
        }
    }

    pub(super) fn own(&mut self, state: Partition, delivered: Delivered) {
        let now = Instant::now();
        self.progress.takeovers += 1;
        let owned = Owned {
            delivered,
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

    pub(super) fn pass(&self, point: Point) {
        if let Some(fault) = &self.fault {
            fault.pass(point);
        }
    }
}
