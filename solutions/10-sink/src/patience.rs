//! Waiting between attempts: doubling, bounded, and given up only when told to.

use std::time::{Duration, Instant};

use crate::{SinkConfig, SinkError};

/// How long one call has been trying.
pub(crate) struct Patience {
    started: Instant,
    next: Duration,
    longest: Duration,
    give_up_after: Option<Duration>,
}

impl Patience {
    pub(crate) fn new(config: &SinkConfig) -> Self {
        Self {
            started: Instant::now(),
            next: config.backoff_min,
            longest: config.backoff_max.max(config.backoff_min),
            give_up_after: config.give_up_after,
        }
    }

    pub(crate) fn bounded(config: &SinkConfig, limit: Duration) -> Self {
        let give_up_after = Some(config.give_up_after.unwrap_or(limit));
        Self {
            give_up_after,
            ..Self::new(config)
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Waits before the next attempt.
    pub(crate) async fn wait(&mut self, last: String) -> Result<(), SinkError> {
        let waited = self.elapsed();
        if self.give_up_after.is_some_and(|limit| waited + self.next > limit) {
            return Err(SinkError::GaveUp { waited, last });
        }
        tracing::warn!(?waited, next = ?self.next, "trying again: {last}");
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(self.longest);
        Ok(())
    }
}
