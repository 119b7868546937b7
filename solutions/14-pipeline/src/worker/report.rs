//! What a worker says of itself: what it has done, and how far each of its partitions is.

use std::time::{Duration, Instant};

use measure::{LagOf, WorkerProgress};

use super::engine::Engine;
use super::partition::Applied;
use crate::cli::REPORT_EVERY;
use crate::process;

/// A partition without a record for this long does not hold back what is shown as complete.
const IDLE_AFTER: Duration = Duration::from_secs(5);

impl Engine {
    /// Says it, if it is time again or the last word.
    pub(super) fn report(&mut self, done: bool) {
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
                acked: owned.delivered.acked,
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

/// Counts a record by what became of it.
pub(super) fn count(progress: &mut WorkerProgress, applied: Applied) {
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
