//! The clock of a soak's rounds and faults, which stands still while a round is audited.

use std::time::Duration;

/// By the time of day the audits, which take longer with every round, would eat the rounds up, and faults would strike one
/// upon the other as soon as trading goes on: not those, at those moments, that the seed has drawn.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    stood: Duration,
    since: Option<Duration>,
}

impl Pace {
    /// What it shows at `now`, the time since the run began.
    pub(super) fn at(&self, now: Duration) -> Duration {
        self.since.unwrap_or(now).saturating_sub(self.stood)
    }

    pub(super) fn stop(&mut self, now: Duration) {
        self.since.get_or_insert(now);
    }

    pub(super) fn go_on(&mut self, now: Duration) {
        if let Some(since) = self.since.take() {
            self.stood += now.saturating_sub(since);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_still_from_stop_to_go_on_however_often() {
        let second = Duration::from_secs;
        let mut pace = Pace::default();
        assert_eq!(pace.at(second(60)), second(60));
        pace.stop(second(60));
        pace.stop(second(65));
        assert_eq!(pace.at(second(70)), second(60));
        pace.go_on(second(75));
        assert_eq!(pace.at(second(76)), second(61));
        pace.go_on(second(80));
        pace.stop(second(135));
        pace.go_on(second(140));
        assert_eq!(pace.at(second(150)), second(130));
    }
}
