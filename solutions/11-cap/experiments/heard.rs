//! What the clients of one side were told in a course, and how that is counted.

use std::time::{Duration, Instant};

use quorum::Code;

use crate::course::{Setting, Side};
use crate::reader::{Kept, Seen};
use crate::writer::Told;

/// Records a second of each writer.
pub(crate) const RATE: f64 = 500.0;

/// No two acknowledgements are so far apart where nothing is hurt.
const USUAL: Duration = Duration::from_millis(500);

/// What one writer and one reader of a side were told.
pub(crate) struct Heard {
    pub(crate) setting: Setting,
    pub(crate) side: Side,
    /// Records that were given to the writer.
    pub(crate) given: u32,
    pub(crate) told: Vec<Told>,
    pub(crate) seen: Vec<Seen>,
    /// The writer's records in the log, when all was over.
    pub(crate) kept: Kept,
}

/// When what happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct When {
    pub(crate) begun: Instant,
    pub(crate) struck: Instant,
    /// When the writers stopped.
    pub(crate) stopped: Instant,
}

/// When a record is due.
pub(crate) fn due(begun: Instant, n: u32) -> Instant {
    begun + Duration::from_secs_f64(f64::from(n) / RATE)
}

impl Heard {
    /// Records that were acknowledged and are not in the log.
    pub(crate) fn lost(&self) -> u64 {
        let said: Vec<u32> = self.acknowledged().map(|told| told.n).collect();
        self.kept.lacks(&said)
    }

    pub(crate) fn acknowledged(&self) -> impl Iterator<Item = &Told> {
        self.told.iter().filter(|told| told.code == Code::NoError)
    }

    /// Seconds after the fault without an acknowledgement.
    pub(crate) fn unavailable(&self, when: &When) -> f64 {
        silence(self.acknowledged().map(|told| told.at), when)
    }

    /// Seconds after the fault in which the reader was given nothing that was written after it.
    pub(crate) fn unread(&self, when: &When) -> f64 {
        let new = self
            .seen
            .iter()
            .filter(|seen| due(when.begun, seen.identity.n) >= when.struck);
        silence(new.map(|seen| seen.at), when)
    }
}

/// Seconds from the fault to the end in which nothing came for longer than usual.
fn silence(came: impl Iterator<Item = Instant>, when: &When) -> f64 {
    let mut times: Vec<Instant> = came.filter(|at| (when.struck..when.stopped).contains(at)).collect();
    times.extend([when.struck, when.stopped]);
    times.sort();
    let gaps = times.windows(2).map(|pair| pair[1].duration_since(pair[0]));
    gaps.filter(|gap| *gap > USUAL).sum::<Duration>().as_secs_f64()
}
