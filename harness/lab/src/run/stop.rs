//! Wishes to end: Ctrl-C, SIGTERM, the end of the terminal, a key. The first one means drain, the second one now.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::signals::Signals;

/// Two wishes closer than this are one: what wraps a command often sends the same signal to the process and to its group.
const ONE: Duration = Duration::from_millis(250);

/// How often an end was wished for; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    wishes: watch::Sender<(u32, Option<Instant>)>,
}

impl Stop {
    /// Listens to the signals from now on.
    pub(crate) fn listen() -> std::io::Result<Self> {
        let stop = Self {
            wishes: watch::Sender::new((0, None)),
        };
        let mut signals = Signals::listen()?;
        let this = stop.clone();
        tokio::spawn(async move {
            loop {
                signals.heard().await;
                this.wish();
            }
        });
        Ok(stop)
    }

    /// One more wish.
    pub(crate) fn wish(&self) {
        self.wish_at(Instant::now());
    }

    fn wish_at(&self, now: Instant) {
        self.wishes.send_modify(|(count, last)| {
            if last.is_none_or(|last| now.duration_since(last) >= ONE) {
                *count += 1;
            }
            *last = Some(now);
        });
    }

    /// Returns once an end was wished for `times` times.
    pub(crate) async fn wished(&self, times: u32) {
        // The sender lives as long as this.
        let _ = self.wishes.subscribe().wait_for(|(count, _)| *count >= times).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_comes_twice_at_once_is_one_wish() {
        let stop = Stop {
            wishes: watch::Sender::new((0, None)),
        };
        let from = Instant::now();
        for (ms, count) in [(0, 1), (10, 1), (200, 1), (1_000, 2)] {
            stop.wish_at(from + Duration::from_millis(ms));
            assert_eq!(stop.wishes.borrow().0, count, "after {ms} ms");
        }
    }
}
