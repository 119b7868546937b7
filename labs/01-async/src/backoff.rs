//! How long to wait before the next attempt: jitter below a bound that doubles up to a cap.
//!
//! Jitter, and not the bound itself: after an outage all clients would come back in step and knock the server over again.
//! Source: M. Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015).

use std::time::Duration;

use rand::{Rng, RngExt};

/// How a wait is drawn below its bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Jitter {
    /// Anything from nothing to the bound: it spreads the attempts of many clients most.
    #[default]
    Full,
    /// Anything from half the bound to the bound: no attempt comes at once, and the spread is half as wide.
    Equal,
}

/// The waits of one client.
#[derive(Debug)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    jitter: Jitter,
    failures: u32,
}

impl Backoff {
    /// Waits whose bound begins at `min` and never exceeds `max`.
    pub fn new(min: Duration, max: Duration, jitter: Jitter) -> Self {
        Self {
            min,
            max,
            jitter,
            failures: 0,
        }
    }

    /// The bound of the next wait: `min` × 2ⁿ after n failures (`min` × (2³² − 1) from 32 on, where a `u32` ends), and `max` at most,
    /// for any n: a client that has tried for days is no less polite than one that has tried for a minute.
    pub fn bound(&self) -> Duration {
        todo!("task 2: the bound of the next wait")
    }

    /// One more failure, and how long to wait now: drawn evenly, in parts of the [`bound`](Self::bound) that stood before this failure,
    /// from nothing ([`Jitter::Full`]) or from one half ([`Jitter::Equal`]) up to, and not including, the whole. Never longer than `max`.
    pub fn next(&mut self, random: &mut impl Rng) -> Duration {
        todo!("task 2: draw a wait below the bound, and count the failure")
    }

    /// A connection that was made `lived` ago is lost: how long to wait now.
    ///
    /// One that lived for `stable_after` or longer proves that all was well, so the waits begin again at `min`. One that was taken
    /// and lost at once proves nothing: a server that falls over under its clients accepts them first.
    pub fn lost(&mut self, lived: Duration, stable_after: Duration, random: &mut impl Rng) -> Duration {
        todo!("task 2: begin again after a stable connection, and only then")
    }

    /// All is well again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Failures since all was well.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}
