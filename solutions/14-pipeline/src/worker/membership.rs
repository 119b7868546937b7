//! How a worker answers its group: assigned, revoked, lost, refused.

use std::time::{Duration, Instant};

use anyhow::Context;
use consumer::AnswerError;

use super::delivery::Done;
use super::engine::Engine;
use super::partition::{Partition, Start};

/// Pause before a takeover is tried again.
const TAKE_AGAIN: Duration = Duration::from_millis(500);

/// `false` when the group has taken a partition meanwhile: the event that says so is on its way.
pub(super) fn still_ours(answer: Result<(), AnswerError>) -> anyhow::Result<bool> {
    match answer {
        Ok(()) => Ok(true),
        Err(AnswerError::NotAssigned(_) | AnswerError::Lost) => Ok(false),
        Err(error) => Err(error).context("the group's answer was not taken"),
    }
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
        self.taking
            .extend(partitions.iter().map(|partition| (*partition, attempt)));
        let (takeover, done) = (self.takeover(), self.done_sender());
        self.runtime.spawn(async move {
            let starts = takeover.run(partitions.clone()).await;
            let _ = done.send(Done::TakenOver(partitions, attempt, starts));
        });
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
            .filter(|p| self.taking.get(p) == Some(&attempt))
            .collect();
        for partition in &current {
            self.taking.remove(partition);
        }
        let starts = match starts {
            Ok(starts) => starts,
            Err(error) => {
                tracing::warn!(?current, "the takeover is tried again: {error:#}");
                let again = Instant::now() + TAKE_AGAIN;
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
            self.own(state, first);
        }
        let (again, fresh): (Vec<_>, Vec<_>) = begin.into_iter().partition(|(p, _)| self.started.contains(p));
        for (partition, offset) in again {
            // In this order: a resume goes back to where the partition was paused, whatever was sought before it.
            let begun = self
                .member
                .resume(&[partition])
                .and_then(|()| self.member.seek(partition, offset, SEEK_LIMIT));
            if !still_ours(begun)? {
                self.forget(&[partition]);
            }
        }
        let partitions: Vec<i32> = fresh.iter().map(|(partition, _)| *partition).collect();
        if still_ours(self.member.start(&fresh))? {
            self.started.extend(partitions);
        } else {
            self.forget(&partitions);
        }
        Ok(())
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
            // While a block is being written the sink is busy; a newer claim ends that insert anyway.
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
