//! When an input is called idle.
//!
//! The clock is handed in, so that a test needs no time to pass and a replay none to have passed. Detection is slower
//! than the timeout by up to three probes, by construction: the first probe after an event only notes that there was
//! one, the first quiet probe starts the timer, and the timeout must be exceeded, not reached.

use std::time::Duration;

/// A timeout of nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the idle timeout must be > 0: with none, an input would be idle between any two records")]
pub struct TimeoutError;

/// Watches one input.
///
/// It keeps a clock of its own, which stands still while the input is paused: an input that nobody reads is silent
/// because nobody reads it. Called idle, it would hold nobody back, and its records would be late when it is read again.
#[derive(Clone, Debug)]
pub struct Idleness {
    timeout: Duration,
    /// A record came since the last probe.
    active: bool,
    /// When, on its own clock, the first quiet probe was.
    quiet_since: Option<Duration>,
    /// When, on the caller's clock, reading stopped; `None` while it is read.
    paused_since: Option<Duration>,
    /// How long it was paused altogether, without the pause that lasts.
    paused_for: Duration,
}

impl Idleness {
    /// An active input that is read.
    ///
    /// # Errors
    /// [`TimeoutError`] for a timeout of zero.
    pub const fn new(timeout: Duration) -> Result<Self, TimeoutError> {
        if timeout.is_zero() {
            return Err(TimeoutError);
        }
        Ok(Self {
            timeout,
            active: false,
            quiet_since: None,
            paused_since: None,
            paused_for: Duration::ZERO,
        })
    }

    /// A record came. Counts while paused, too: the client may have had it already.
    #[inline]
    pub fn activity(&mut self) {
        todo!("task 3: note that a record came")
    }

    /// The input is not read from `now` on, and its clock stands still. Pausing a paused input changes nothing.
    pub fn pause(&mut self, now: Duration) {
        todo!("task 3: stop the input's own clock")
    }

    /// The input is read again from `now` on, and its clock goes on from where it stood: quiet time before and after the
    /// pause adds up. Resuming an input that is read changes nothing.
    pub fn resume(&mut self, now: Duration) {
        todo!("task 3: let the input's own clock go on")
    }

    /// The periodic probe: whether the input is idle at `now`, on any clock that never goes back.
    ///
    /// - A record since the last probe: active, and no timer runs.
    /// - The first probe without one starts the timer (so it starts at that probe, not at the record).
    /// - Idle when *more* than the timeout has passed on the input's own clock since then, until the next record.
    ///
    /// While paused an input stays what it was: active ones do not fall idle, idle ones do not wake up without a record.
    pub fn check(&mut self, now: Duration) -> bool {
        todo!("task 3: whether the input is idle")
    }
}
