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
#[derive(Clone, Debug)]
pub struct Idleness {
    timeout: Duration,
    active: bool,
    quiet_since: Option<Duration>,
}

impl Idleness {
    /// An active input.
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
        })
    }

    /// A record came.
    #[inline]
    pub fn activity(&mut self) {
        self.active = true;
    }

    /// The periodic probe: whether the input is idle at `now`, on any clock that never goes back.
    pub fn check(&mut self, now: Duration) -> bool {
        if std::mem::take(&mut self.active) {
            self.quiet_since = None;
            return false;
        }
        let since = *self.quiet_since.get_or_insert(now);
        now.saturating_sub(since) > self.timeout
    }
}
