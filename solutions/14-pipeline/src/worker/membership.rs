//! How a worker answers its group: assigned, revoked, lost, refused.

use std::time::{Duration, Instant};

use anyhow::Context;
use consumer::AnswerError;
use sink::SinkError;
use tokio::task::AbortHandle;

use super::delivered::Delivered;
use super::delivery::Done;
use super::engine::Engine;
use super::partition::{Partition, Start};
use super::takeover::StrangeMetadata;

/// A takeover under way: the number of its try, and the task that does it.
pub(super) struct Taking {
    attempt: u64,
    task: AbortHandle,
}

/// Pause before a takeover is tried again; doubled up to 32 times as long.
const TAKE_AGAIN: Duration = Duration::from_millis(500);

/// `false` when the group has taken a partition meanwhile: the event that says so is on its way.
pub(super) fn still_ours(answer: Result<(), AnswerError>) -> anyhow::Result<bool> {
    match answer {
        Ok(()) => Ok(true),
        Err(AnswerError::NotAssigned(_) | AnswerError::Lost) => Ok(false),
        Err(error) => Err(error).context("the group's answer was not taken"),
    }
}

/// Whether trying again would end the same way.
fn is_permanent(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref(),
        Some(SinkError::Schema { .. } | SinkError::Denied { .. } | SinkError::Refused { .. })
    ) || error.downcast_ref::<StrangeMetadata>().is_some()
}

/// How long the client may take to turn round in the log.
const SEEK_LIMIT: Duration = Duration::from_secs(10);

impl Engine {
    /// Begins to take partitions over; the group waits for the answer, the other partitions go on.
    pub(super) fn on_assigned(&mut self, partitions: Vec<i32>) {
        tracing::info!(?partitions, "assigned");
        // A block in flight with rows of these partitions is our own older insert: it must end before the claim, because
        // its guard would take the new claim for its own.
        let writing = self.writing();
        let (later, now): (Vec<i32>, Vec<i32>) = partitions.into_iter().partition(|p| writing.contains(p));
        self.refused
            .extend(later.into_iter().map(|partition| (partition, Instant::now())));
        self.take_over(now);
    }

    fn take_over(&mut self, partitions: Vec<i32>) {
        if partitions.is_empty() {
            return;
        }
        self.tries += 1;
        let attempt = self.tries;
        let (takeover, done) = (self.takeover(), self.done_sender());
        let taken = partitions.clone();
        let running = self.runtime.spawn(takeover.run(taken.clone()));
        let task = running.abort_handle();
        self.runtime.spawn(async move {
            let starts = match running.await {
                Ok(starts) => starts,
                Err(error) if error.is_cancelled() => return,
                // A panic is told like any other failure, or the partitions would wait for ever.
                Err(error) => Err(error.into()),
            };
            let _ = done.send(Done::TakenOver(taken, attempt, starts));
        });
        self.taking.extend(partitions.into_iter().map(|partition| {
            let task = task.clone();
            (partition, Taking { attempt, task })
        }));
    }

    /// Ends the takeovers of partitions that are not wanted any more: a claim that is still tried when the server comes
    /// back would evict whoever has them by then. What else the same try was to take is tried anew.
    pub(super) fn stop_taking(&mut self, partitions: &[i32]) {
        for partition in partitions {
            let Some(Taking { attempt, task }) = self.taking.remove(partition) else {
                continue;
            };
            task.abort();
            self.taking.retain(|other, taking| {
                let same = taking.attempt == attempt;
                if same {
                    self.refused.insert(*other, Instant::now());
                }
                !same
            });
        }
        for partition in partitions {
            self.refused.remove(partition);
        }
    }

    /// Begins with the partitions that are still ours.
    pub(super) fn on_taken_over(
        &mut self,
        partitions: &[i32],
        attempt: u64,
        starts: anyhow::Result<Vec<Start>>,
    ) -> anyhow::Result<()> {
        let current: Vec<i32> = partitions
            .iter()
            .copied()
            .filter(|p| self.taking.get(p).is_some_and(|taking| taking.attempt == attempt))
            .collect();
        for partition in &current {
            self.taking.remove(partition);
        }
        let starts = match starts {
            Ok(starts) => {
                self.failed_takeovers = 0;
                starts
            }
            Err(error) if is_permanent(&error) => return Err(error).context("the partitions cannot be taken over"),
            Err(error) => {
                // Each try leaves a claim behind, so a long outage must not see many.
                let wait = TAKE_AGAIN * (1 << self.failed_takeovers.min(5));
                self.failed_takeovers += 1;
                tracing::warn!(?current, ?wait, "the takeover is tried again: {error:#}");
                let again = Instant::now() + wait;
                self.refused
                    .extend(current.into_iter().map(|partition| (partition, again)));
                return Ok(());
            }
        };
        let mut begin = Vec::new();
        for mut start in starts.into_iter().filter(|start| current.contains(&start.partition)) {
            let first = start.first;
            let (prepared, partition) = (start.prepared, start.partition);
            let snapshot = start.snapshot.take();
            let without = || Start {
                partition,
                snapshot: None,
                first,
                prepared,
            };
            let state = match Partition::restore(Start { snapshot, ..without() }, self.rules()) {
                Ok(state) => state,
                Err(error) => {
                    tracing::warn!(
                        partition,
                        "the snapshot is of no use, the log is read from its start: {error}"
                    );
                    Partition::restore(without(), self.rules())?
                }
            };
            begin.push((partition, state.next()));
            self.own(state, Delivered::taken_over(first, prepared));
        }
        for (partition, offset) in begin {
            // One by one: the group may be taking one of them back, and the others are ours all the same.
            if !still_ours(self.begin(partition, offset))? {
                self.forget(&[partition]);
            }
        }
        Ok(())
    }

    fn begin(&mut self, partition: i32, offset: i64) -> Result<(), AnswerError> {
        if self.started.contains(&partition) {
            // Its claim was refused once, and since then it is paused.
            self.member.resume(&[partition])?;
            self.member.seek(partition, offset, SEEK_LIMIT)?;
        } else {
            self.member.start(&[(partition, offset)])?;
            self.started.insert(partition);
        }
        // Whoever comes while the others wait waits too, or its rows would gather without a bound.
        if self.paused {
            self.member.pause(&[partition])
        } else {
            Ok(())
        }
    }

    /// Gives partitions up in order: finishes the block in flight, empties their committed ranges, lets go.
    pub(super) fn on_revoked(&mut self, partitions: &[i32]) -> anyhow::Result<()> {
        tracing::info!(?partitions, "revoked");
        self.await_block()?;
        let writing = self.writing();
        let settled: Vec<i32> = partitions.iter().copied().filter(|p| !writing.contains(p)).collect();
        self.tidy(&settled)?;
        self.let_go(partitions)
    }

    /// The group has given them to others already: nothing of ours may be committed any more.
    pub(super) fn on_lost(&mut self, partitions: &[i32]) -> anyhow::Result<()> {
        tracing::warn!(?partitions, "lost");
        self.let_go(partitions)
    }

    fn let_go(&mut self, partitions: &[i32]) -> anyhow::Result<()> {
        self.forget(partitions);
        for partition in partitions {
            self.started.remove(partition);
        }
        self.member.release(partitions)?;
        if self.writing().is_empty() {
            // Under an insert that runs, its claim must not be forgotten; a newer one ends that insert anyway.
            self.sink.release(partitions);
        }
        Ok(())
    }

    /// Drops the state of partitions that the tables or the coordinator refuse us. Most often the group is about to say
    /// that they are gone; if it does not, they are taken over again.
    pub(super) fn refuse(&mut self, partitions: &[i32]) -> anyhow::Result<()> {
        let ours: Vec<i32> = partitions
            .iter()
            .copied()
            .filter(|p| self.owned.contains_key(p))
            .collect();
        self.forget(&ours);
        still_ours(self.member.pause(&ours))?;
        let again = Instant::now() + Duration::from_millis(self.args.session_ms * 2);
        self.refused
            .extend(ours.into_iter().map(|partition| (partition, again)));
        Ok(())
    }

    /// Takes refused partitions over again when their time has come.
    pub(super) fn retry_refused(&mut self) {
        let writing = self.writing();
        let due: Vec<i32> = self
            .refused
            .iter()
            .filter(|(partition, at)| **at <= Instant::now() && !writing.contains(partition))
            .map(|(partition, _)| *partition)
            .collect();
        for partition in &due {
            self.refused.remove(partition);
        }
        self.take_over(due);
    }
}
