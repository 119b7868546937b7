//! What is missing after a gap, per market: who may have traded unseen, back to when, and what is known of it already.
//!
//! A gap is the interval without a connection. Ids are not contiguous, so a missing trade cannot be seen; it can only be
//! asked for. When the connection is lost, every market owes an answer (`Pending`). After the next subscription its
//! snapshot says whether it can have traded; if so the answer becomes a `Goal`: read the history backwards until it is
//! older than anything the lost connection could have missed, and leave out what is known.
//!
//! The history must be read from a point that is certainly newer than the snapshot, not from the snapshot itself: trades
//! arrive late, so the last trade published before the subscription need not have the highest id.

mod state;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use market::{EventTime, Market, Trade};
use tokio::time::Instant;

use crate::Origin;
use crate::ring::Ring;
use state::{Ids, Pending, State};

/// Goals of one market from which on no new connection is made: one long gap takes no more room than a short one.
const MAX_GOALS: usize = 64;

/// What is to become of a trade from the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Hand it over.
    New(Origin),
    /// It was handed over before.
    Repeat,
    /// Its market was not asked for.
    NotAsked,
}

/// All markets.
#[derive(Debug)]
pub(crate) struct Gaps {
    span_ms: i64,
    markets: HashMap<Market, State, foldhash::fast::RandomState>,
    /// Markets with goals, in the order in which they are to be repaired.
    queue: VecDeque<Market>,
    shown: usize,
    /// The newest send time seen: what the exchange's clock showed when the connection was last known to work.
    last_sent: EventTime,
    /// How far the exchange's clock is ahead of ours at least, milliseconds; `i64::MIN` before the first trade.
    ahead_ms: i64,
    /// When the first subscription was made, by our clock.
    first_ms: Option<i64>,
    /// Whether the first connection lived long enough to show all its snapshots.
    first_settled: bool,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Read the page behind the cursor.
    Page { market: Market, cursor: Option<u64> },
    /// Every market that is to be repaired has to wait.
    Wait(Instant),
    /// Nothing is to be repaired.
    Nothing,
}

/// What a page brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// Whether the goal is reached.
    pub(crate) finished: bool,
    /// How many trades are held back by now.
    pub(crate) held: usize,
    /// How many of the page were known.
    pub(crate) repeats: u64,
}

impl Gaps {
    pub(crate) fn new(markets: &[Market], overlap: Duration) -> Self {
        let state = || State {
            ring: Ring::new(),
            shown: false,
            pending: None,
            goals: VecDeque::new(),
            repaired: Ids::default(),
            repaired_mark: EventTime::MIN,
            failures: 0,
            not_before: None,
        };
        Self {
            span_ms: i64::try_from(overlap.as_millis()).unwrap_or(i64::MAX),
            markets: markets.iter().map(|&market| (market, state())).collect(),
            queue: VecDeque::new(),
            shown: 0,
            last_sent: EventTime::MIN,
            ahead_ms: i64::MIN,
            first_ms: None,
            first_settled: false,
        }
    }

    /// A subscription was made.
    pub(crate) fn subscribed(&mut self, now_ms: i64) {
        self.first_ms.get_or_insert(now_ms);
        self.shown = 0;
        for state in self.markets.values_mut() {
            state.shown = false;
        }
    }

    /// The connection was lost: every market owes an answer, unless it still owes the last one.
    pub(crate) fn lost(&mut self) {
        for state in self.markets.values_mut().filter(|state| state.pending.is_none()) {
            let traded = state.ring.newest() != EventTime::MIN;
            state.pending = Some(Pending {
                traded,
                since: self.last_sent,
                until: if traded {
                    state.ring.complete_from(self.span_ms)
                } else {
                    EventTime::MIN
                },
                known: state.ring.ids().collect(),
            });
        }
    }

    /// Judges a trade from the socket, and remembers it if it is new.
    #[inline]
    pub(crate) fn judge(&mut self, trade: &Trade, snapshot: bool, received_ms: i64) -> Verdict {
        let Some(state) = self.markets.get_mut(&trade.market) else {
            return Verdict::NotAsked;
        };
        self.last_sent = self.last_sent.max(trade.sent_time);
        self.ahead_ms = self.ahead_ms.max(trade.sent_time.millis().saturating_sub(received_ms));
        if snapshot {
            return self.judge_snapshot(trade);
        }
        if !state.repaired.is_empty() {
            if state.repaired.contains(&trade.sequential_id) {
                return Verdict::Repeat;
            }
            // Nothing arrives so late as this.
            if trade.event_time > state.repaired_mark.saturating_add(self.span_ms.saturating_mul(10)) {
                state.repaired = Ids::default();
            }
        }
        state.remember(trade, self.span_ms);
        Verdict::New(Origin::Realtime)
    }

    #[cold]
    fn judge_snapshot(&mut self, trade: &Trade) -> Verdict {
        let span_ms = self.span_ms;
        let begin = self.begin();
        let Some(state) = self.markets.get_mut(&trade.market) else {
            return Verdict::NotAsked;
        };
        if !state.shown {
            state.shown = true;
            self.shown += 1;
        }
        let known = state.ring.contains(trade.sequential_id)
            || state.repaired.contains(&trade.sequential_id)
            || state
                .pending
                .as_ref()
                .is_some_and(|pending| pending.known.contains(&trade.sequential_id))
            || trade.event_time < state.ring.complete_from(span_ms);
        if let Some(mut pending) = state.pending.take() {
            if !pending.traded {
                pending.until = begin;
            }
            // A market whose newest trade is known and old has not traded since. If it is known but recent, another trade
            // may have come late and be older than it.
            if !known || trade.event_time >= pending.since.saturating_sub(span_ms) {
                state.add_goal(pending, trade.event_time, &mut self.queue, trade.market);
            }
        }
        if known {
            return Verdict::Repeat;
        }
        state.remember(trade, span_ms);
        Verdict::New(Origin::Snapshot)
    }

    /// The time from which on a market that had never traded is to be complete.
    fn begin(&self) -> EventTime {
        // The exchange had nothing to show at the first subscription, so its whole history is later.
        if self.first_settled {
            return EventTime::MIN;
        }
        let first = self.first_ms.unwrap_or_default().saturating_add(self.ahead_ms);
        EventTime::from_millis(first).saturating_sub(self.span_ms)
    }

    /// All snapshots of the current connection have had their time: a market that still owes an answer has its history
    /// read, which for one that never traded is one empty page.
    pub(crate) fn settle(&mut self) {
        let begin = self.begin();
        self.first_settled = true;
        for (&market, state) in &mut self.markets {
            if let Some(mut pending) = state.pending.take() {
                if !pending.traded {
                    pending.until = begin;
                }
                state.add_goal(pending, self.last_sent, &mut self.queue, market);
            }
        }
    }

    /// Whether every market has shown its snapshot on this connection.
    pub(crate) fn all_shown(&self) -> bool {
        self.shown == self.markets.len()
    }

    /// Whether so much is to be repaired that a new connection would only add to it.
    pub(crate) fn overloaded(&self) -> bool {
        self.queue
            .iter()
            .any(|market| self.markets[market].goals.len() >= MAX_GOALS)
    }

    /// How many markets are being repaired.
    pub(crate) fn repairing(&self) -> usize {
        self.queue.len()
    }

    /// How many of them have failed at least so often in a row.
    pub(crate) fn failing(&self, tries: u32) -> usize {
        self.queue
            .iter()
            .filter(|market| self.markets[*market].failures >= tries)
            .count()
    }

    /// What to repair next.
    pub(crate) fn next(&mut self, now: Instant) -> Next {
        let mut earliest: Option<Instant> = None;
        for &market in &self.queue {
            let Some(state) = self.markets.get_mut(&market) else {
                continue;
            };
            match (state.not_before, state.goals.front_mut()) {
                (Some(not_before), _) if not_before > now => {
                    earliest = Some(earliest.map_or(not_before, |earliest| earliest.min(not_before)));
                }
                (_, Some(goal)) => {
                    goal.begun = true;
                    return Next::Page {
                        market,
                        cursor: goal.cursor,
                    };
                }
                (_, None) => {}
            }
        }
        earliest.map_or(Next::Nothing, Next::Wait)
    }

    /// Takes a page of a market's first goal. `Err` with a sentence for a page that cannot be one.
    pub(crate) fn page(&mut self, market: Market, page: &[Trade]) -> Result<Page, &'static str> {
        let span_ms = self.span_ms;
        let state = self.markets.get_mut(&market).ok_or("a market that was not asked for")?;
        let mut goal = state.goals.pop_front().ok_or("no goal")?;
        let checked = match page.last() {
            Some(_) if page.iter().any(|trade| trade.market != market) => Err("the page is of another market"),
            Some(last) if goal.cursor == Some(last.sequential_id) => Err("the page ends where it began"),
            _ => Ok(()),
        };
        if let Err(why) = checked {
            state.goals.push_front(goal);
            return Err(why);
        }
        let mut finished = page.is_empty();
        let mut repeats = 0;
        for trade in page {
            if trade.event_time < goal.until {
                finished = true;
                break;
            }
            if goal.known.contains(&trade.sequential_id) {
                repeats += 1;
                continue;
            }
            if trade.event_time >= goal.mark.saturating_sub(span_ms) {
                state.repaired.insert(trade.sequential_id);
                state.repaired_mark = state.repaired_mark.max(goal.mark).max(trade.event_time);
            }
            state.remember(trade, span_ms);
            goal.held.push(*trade);
        }
        if let Some(last) = page.last() {
            goal.cursor = Some(last.sequential_id);
        }
        state.failures = 0;
        state.not_before = None;
        let held = goal.held.len();
        state.goals.push_front(goal);
        Ok(Page {
            finished,
            held,
            repeats,
        })
    }

    /// Takes out what is held back of a market's first goal, oldest first.
    pub(crate) fn take_held(&mut self, market: Market) -> Vec<Trade> {
        let goal = self.markets.get_mut(&market).and_then(|state| state.goals.front_mut());
        let mut held = goal.map(|goal| std::mem::take(&mut goal.held)).unwrap_or_default();
        held.reverse();
        held
    }

    /// A market's first goal is reached, and everything of it handed over.
    pub(crate) fn finished(&mut self, market: Market) {
        if let Some(state) = self.markets.get_mut(&market) {
            state.goals.pop_front();
            if state.goals.is_empty() {
                self.queue.retain(|&queued| queued != market);
            }
        }
    }

    /// A page could not be had: other markets first. Tells how many failures in a row that makes.
    pub(crate) fn failed(&mut self, market: Market) -> u32 {
        self.queue.retain(|&queued| queued != market);
        self.queue.push_back(market);
        self.markets.get_mut(&market).map_or(0, |state| {
            state.failures = state.failures.saturating_add(1);
            state.failures
        })
    }

    /// Leaves a market alone until then.
    pub(crate) fn postpone(&mut self, market: Market, not_before: Instant) {
        if let Some(state) = self.markets.get_mut(&market) {
            state.not_before = Some(not_before);
        }
    }
}

#[cfg(test)]
mod tests;
