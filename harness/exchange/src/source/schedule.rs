//! When a generated trade is meant to be sent, at a given rate: exact over each second, bursty within it.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const SECOND_US: f64 = 1e6;

/// An open-loop timetable: trade `n` has an intended time whatever became of trade `n − 1`.
///
/// Each second holds as many trades as the rate says, and in each second a window of 50 to 150 ms, placed by the seed,
/// takes a third of them. Exponential gaps would be bursty too, but would need minutes to average out to the rate that was
/// asked for.
pub(crate) struct Schedule {
    per_second: f64,
    seed: u64,
    executed: u64,
    second: u64,
    /// Start and length of the burst of `second`, in seconds from its start.
    burst: (f64, f64),
}

/// The part of a second's trades that its burst takes.
const BURST_SHARE: f64 = 1.0 / 3.0;

impl Schedule {
    /// `per_second` must be positive and finite; the caller has checked.
    pub(crate) fn new(seed: u64, per_second: f64) -> Self {
        Self {
            per_second,
            seed,
            executed: 0,
            second: 0,
            burst: burst(seed, 0),
        }
    }

    /// When the next trade is due, in microseconds from the start.
    #[inline]
    pub(crate) fn due_us(&mut self) -> u64 {
        let at = self.executed as f64 / self.per_second;
        let second = at as u64;
        if second != self.second {
            self.second = second;
            self.burst = burst(self.seed, second);
        }
        let (start, length) = self.burst;
        // Quiet time passes trades at (1 − share) / (1 − length), the burst at share / length: the inverse of the sum.
        let quiet = (1.0 - BURST_SHARE) / (1.0 - length);
        let part = at - second as f64;
        let (before, inside) = (start * quiet, BURST_SHARE);
        let within = if part < before {
            part / quiet
        } else if part < before + inside {
            start + (part - before) * length / inside
        } else {
            start + length + (part - before - inside) / quiet
        };
        ((second as f64 + within) * SECOND_US) as u64
    }

    /// Goes on to the next trade.
    #[inline]
    pub(crate) fn advance(&mut self) {
        self.executed += 1;
    }
}

fn burst(seed: u64, second: u64) -> (f64, f64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ second.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let length = 0.05 + (random.next_u32() % 100) as f64 / 1000.0;
    let start = (random.next_u32() % 1000) as f64 / 1000.0 * (1.0 - length);
    (start, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_second_holds_its_rate_in_rising_order_with_a_burst() {
        let mut schedule = Schedule::new(7, 2_000.0);
        let mut due = Vec::new();
        for _ in 0..6_000 {
            due.push(schedule.due_us());
            schedule.advance();
        }
        assert!(due.is_sorted(), "intended times must not fall: see Schedule::due_us");
        for second in 0..3u64 {
            let inside: Vec<_> = due.iter().filter(|us| **us / 1_000_000 == second).collect();
            assert_eq!(inside.len(), 2_000, "second {second} must hold exactly its rate");
            let busiest = inside.iter().map(|from| {
                inside
                    .iter()
                    .filter(|us| (**from..**from + 150_000).contains(*us))
                    .count()
            });
            let busiest = busiest.max().unwrap();
            assert!(
                busiest > 600,
                "a burst takes a third of a second's trades, but the busiest 150 ms hold {busiest}"
            );
        }
    }

    #[test]
    fn a_slow_rate_spreads_over_minutes() {
        let mut schedule = Schedule::new(7, 0.5);
        let mut last = 0;
        for n in 0..30u64 {
            last = schedule.due_us();
            assert_eq!(last / 2_000_000, n, "trade {n} belongs into its two seconds");
            schedule.advance();
        }
        assert!(last < 60_000_000);
    }
}
