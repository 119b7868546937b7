//! Faults at an exact point of the delivery: this process kills or stops itself there, so that a test need not hope to
//! hit the moment from outside.

use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

/// More than the system takes to stop every thread of a process, also on a busy machine.
const UNTIL_STRUCK: Duration = Duration::from_millis(500);

/// A point that the delivery of a block passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// The range is committed, nothing is written.
    Prepared,
    /// The trades are written, the candles are not.
    TradesWritten,
    /// Everything is written, the next range is not committed.
    Written,
    /// A partition has been claimed, nothing of it has been replayed.
    Claimed,
}

/// What to do to this process, and where.
#[derive(Debug)]
pub struct FaultAt {
    point: Point,
    signal: Signal,
    left: AtomicU64,
}

impl Clone for FaultAt {
    fn clone(&self) -> Self {
        Self {
            point: self.point,
            signal: self.signal,
            left: AtomicU64::new(self.left.load(Ordering::Relaxed)),
        }
    }
}

impl FaultAt {
    /// Called when the process passes `point`.
    pub(crate) fn pass(&self, point: Point) {
        if point == self.point && self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            tracing::warn!("fault: {:?} at {point:?}", self.signal);
            let _ = kill_process(getpid(), self.signal);
            // The signal is the process's: this thread may run on for some milliseconds until the system has stopped each
            // of its threads, and so pass the point after all. For a process that is stopped this wait has no length.
            std::thread::sleep(UNTIL_STRUCK);
        }
    }
}

/// A text that names no fault.
#[derive(Debug, thiserror::Error)]
#[error("want POINT:N:ACTION with POINT one of prepared, trades-written, written, claimed and ACTION kill or stop")]
pub struct BadFaultAt;

impl FromStr for FaultAt {
    type Err = BadFaultAt;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.split(':');
        let point = match words.next() {
            Some("prepared") => Point::Prepared,
            Some("trades-written") => Point::TradesWritten,
            Some("written") => Point::Written,
            Some("claimed") => Point::Claimed,
            _ => return Err(BadFaultAt),
        };
        let left = words
            .next()
            .and_then(|n| n.parse().ok())
            .filter(|n| *n > 0)
            .ok_or(BadFaultAt)?;
        let signal = match (words.next(), words.next()) {
            (Some("kill"), None) => Signal::KILL,
            (Some("stop"), None) => Signal::STOP,
            _ => return Err(BadFaultAt),
        };
        Ok(Self {
            point,
            signal,
            left: AtomicU64::new(left),
        })
    }
}
