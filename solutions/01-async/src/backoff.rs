//! How long to wait before the next attempt: full jitter over an exponential bound.
//!
//! Full jitter, not the bound itself: after an outage all clients would come back in step and knock the server over again.
//! Source: M. Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015).

use std::time::Duration;

use rand::{Rng, RngExt};

/// The waits of one client.
#[derive(Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    pub(crate) fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, failures: 0 }
    }

    /// The bound of the next wait: `min` × 2ⁿ after n failures, `max` at most.
    pub(crate) fn bound(&self) -> Duration {
        let factor = 1u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.min.checked_mul(factor).unwrap_or(self.max).min(self.max)
    }

    /// One more failure; how long to wait now: anything from nothing to the bound.
    pub(crate) fn next(&mut self, random: &mut impl Rng) -> Duration {
        let wait = self.bound().mul_f64(random.random::<f64>());
        self.failures = self.failures.saturating_add(1);
        wait
    }

    /// All is well again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Failures since the last reset.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn the_bound_doubles_up_to_the_cap_and_starts_again_after_a_reset() {
        let mut random = rand::rngs::StdRng::seed_from_u64(7);
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        let mut bounds = Vec::new();
        for _ in 0..40 {
            bounds.push(backoff.bound().as_millis());
            backoff.next(&mut random);
        }
        assert_eq!(bounds[..6], [100, 200, 400, 800, 1000, 1000], "see Backoff::bound");
        assert_eq!(bounds[39], 1000, "many failures must not overflow the shift");
        backoff.reset();
        assert_eq!(backoff.bound().as_millis(), 100, "reset must forget the failures");
    }

    #[test]
    fn waits_are_spread_over_the_whole_range_below_the_bound() {
        let mut random = rand::rngs::StdRng::seed_from_u64(7);
        let waits: Vec<Duration> = (0..1000)
            .map(|_| Backoff::new(Duration::from_secs(1), Duration::from_secs(1)).next(&mut random))
            .collect();
        let below = |limit: u64| {
            waits
                .iter()
                .filter(|wait| **wait < Duration::from_millis(limit))
                .count()
        };
        assert_eq!(below(1000), 1000, "no wait reaches the bound");
        assert!(
            (150..350).contains(&below(250)),
            "a quarter of the waits lies in the first quarter: full jitter"
        );
    }
}
