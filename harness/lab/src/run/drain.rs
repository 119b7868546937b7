//! The end of a run, in order: no more trades, then everything that is on its way arrives, then the workers leave. A state
//! machine of plain values: what is seen goes in, what to do comes out.

use std::time::Duration;

use crate::text;

/// How long nothing may move before the run is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is seen of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Whether the ingest process runs.
    pub(crate) ingest_runs: bool,
    /// Trades that it has not brought into the topic.
    pub(crate) ingest_left: u64,
    /// Markets whose gap it still repairs.
    pub(crate) repairing: u64,
    /// Records in the topic whose delivery is not committed; absent when Kafka did not say.
    pub(crate) undelivered: Option<u64>,
    /// Worker processes that run.
    pub(crate) workers: usize,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Nothing yet.
    Wait,
    /// Tell the workers to leave.
    DismissWorkers,
    /// Everything has arrived and everybody has left.
    Done,
    /// Nothing moves any more; why, as a clause.
    GiveUp(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Ingest,
    Tables,
    Leave,
}

/// How far the end has come. Begins when the ingest has been told to drain.
#[derive(Clone, Debug)]
pub(crate) struct Drain {
    step: Step,
    last: Seen,
    moved: Duration,
}

impl Drain {
    /// Begins at `now`.
    pub(crate) fn new(now: Duration) -> Self {
        Self {
            step: Step::Ingest,
            last: Seen {
                undelivered: Some(u64::MAX),
                ..Seen::default()
            },
            moved: now,
        }
    }

    /// Looks at the run at `now`.
    pub(crate) fn see(&mut self, now: Duration, seen: Seen) -> Order {
        let known = Seen {
            undelivered: seen.undelivered.or(self.last.undelivered),
            ..seen
        };
        if known != self.last {
            self.last = known;
            self.moved = now;
        }
        if self.step == Step::Ingest && !seen.ingest_runs {
            self.step = Step::Tables;
            self.moved = now;
            // What was seen of the topic so far was seen before its last record.
            return Order::Wait;
        }
        if self.step == Step::Tables && seen.undelivered == Some(0) {
            self.step = Step::Leave;
            self.moved = now;
            return Order::DismissWorkers;
        }
        if self.step == Step::Leave && seen.workers == 0 {
            return Order::Done;
        }
        if now.saturating_sub(self.moved) > PATIENCE {
            return Order::GiveUp(format!(
                "nothing moved for {}, waiting for {}",
                text::span(PATIENCE),
                self.waiting()
            ));
        }
        Order::Wait
    }

    /// What is being waited for.
    pub(crate) fn waiting(&self) -> String {
        match self.step {
            Step::Ingest if self.last.repairing > 0 => {
                let left = text::plural(self.last.repairing, "market", "markets");
                format!("the gap of {left} to be repaired")
            }
            Step::Ingest if self.last.ingest_left == 0 => "the ingest to end".into(),
            Step::Ingest => {
                let left = text::plural(self.last.ingest_left, "trade", "trades");
                format!("the ingest to bring {left} into the topic")
            }
            Step::Tables => match self.last.undelivered {
                None | Some(u64::MAX) => "the workers to reach the end of the topic".into(),
                Some(left) => format!("the workers to deliver {}", text::plural(left, "record", "records")),
            },
            Step::Leave => {
                format!(
                    "{} to leave the group",
                    text::plural(self.last.workers as u64, "worker", "workers")
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn seen(ingest_left: Option<u64>, undelivered: Option<u64>, workers: usize) -> Seen {
        Seen {
            ingest_runs: ingest_left.is_some(),
            ingest_left: ingest_left.unwrap_or(0),
            repairing: 0,
            undelivered,
            workers,
        }
    }

    #[test]
    fn the_order_is_ingest_then_tables_then_leave() {
        let mut drain = Drain::new(at(0));
        // Even when everything in the topic is delivered, the ingest may be about to add to it.
        assert_eq!(drain.see(at(1), seen(Some(9), Some(0), 1)), Order::Wait);
        assert_eq!(drain.waiting(), "the ingest to bring 9 trades into the topic");
        assert_eq!(
            drain.see(at(2), seen(None, Some(0), 1)),
            Order::Wait,
            "that 0 was seen before the last record"
        );
        assert_eq!(drain.see(at(3), seen(None, Some(12), 1)), Order::Wait);
        assert_eq!(drain.waiting(), "the workers to deliver 12 records");
        assert_eq!(drain.see(at(4), seen(None, Some(0), 1)), Order::DismissWorkers);
        assert_eq!(drain.see(at(5), seen(None, Some(0), 1)), Order::Wait);
        assert_eq!(drain.waiting(), "1 worker to leave the group");
        assert_eq!(drain.see(at(6), seen(None, Some(0), 0)), Order::Done);
    }

    #[test]
    fn a_gap_under_repair_is_called_so() {
        let mut drain = Drain::new(at(0));
        let repairing = Seen {
            repairing: 2,
            ..seen(Some(9), None, 1)
        };
        drain.see(at(1), repairing);
        assert_eq!(drain.waiting(), "the gap of 2 markets to be repaired");
    }

    #[test]
    fn a_long_drain_that_moves_is_waited_for() {
        let mut drain = Drain::new(at(0));
        for step in 1..20 {
            assert_eq!(
                drain.see(at(step * 59), seen(Some(1_000 - step), Some(5), 1)),
                Order::Wait,
                "at step {step}"
            );
        }
    }

    #[test]
    fn a_drain_that_stands_still_is_given_up_with_the_reason() {
        let mut drain = Drain::new(at(0));
        drain.see(at(1), seen(None, Some(1_204), 1));
        drain.see(at(2), seen(None, Some(1_204), 1));
        assert_eq!(drain.see(at(61), seen(None, None, 1)), Order::Wait);
        assert_eq!(
            drain.see(at(63), seen(None, None, 1)),
            Order::GiveUp("nothing moved for 60s, waiting for the workers to deliver 1,204 records".into())
        );
    }
}
