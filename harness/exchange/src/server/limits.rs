//! Rate limits: so many requests per window and key, the window beginning with its first request.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// One limit, for many keys.
pub(super) struct Limiter<K> {
    most: u32,
    period: Duration,
    windows: HashMap<K, (Instant, u32)>,
}

/// Keys that are remembered before those whose window is over are forgotten.
const KEYS: usize = 1024;

impl<K: Hash + Eq> Limiter<K> {
    pub(super) fn new(most: u32, period: Duration) -> Self {
        Self {
            most,
            period,
            windows: HashMap::new(),
        }
    }

    /// Counts a request; how many more the window allows, or `None` if it does not allow this one.
    pub(super) fn allow(&mut self, key: K, now: Instant) -> Option<u32> {
        if self.windows.len() >= KEYS {
            let period = self.period;
            self.windows.retain(|_, (from, _)| now.duration_since(*from) < period);
        }
        let (from, count) = self.windows.entry(key).or_insert((now, 0));
        if now.duration_since(*from) >= self.period {
            (*from, *count) = (now, 0);
        }
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(self.most - *count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_allows_its_count_per_key_and_begins_anew_when_it_is_over() {
        let mut limiter = Limiter::new(3, Duration::from_secs(1));
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(
            [0, 10, 20].map(|ms| limiter.allow("a", at(ms))),
            [Some(2), Some(1), Some(0)]
        );
        assert_eq!(limiter.allow("a", at(999)), None, "the fourth request of a second");
        assert_eq!(
            limiter.allow("b", at(999)),
            Some(2),
            "another key has a window of its own"
        );
        assert_eq!(limiter.allow("a", at(1000)), Some(2), "the next second");
    }
}
