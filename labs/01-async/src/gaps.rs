//! What is missing after a gap, per market: who may have traded unseen, back to when, and what is known of it already.
//!
//! A gap is the interval without a connection. Ids are not contiguous, so a missing trade cannot be seen; it can only be
//! asked for. When the connection is lost, every market owes an answer (`Pending`). After the next subscription its
//! snapshot says whether it can have traded; if so the answer becomes a `Goal`: read the history backwards until it is
//! older than anything the lost connection could have missed, and leave out what is known.
//!
//! The history must be read from a point that is certainly newer than the snapshot, not from the snapshot itself: trades
//! arrive late, so the last trade published before the subscription need not have the highest id.
//!
//! Nothing here waits, and nothing here has a socket or a clock: it is told what arrived, and says what to ask for.

mod state;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use market::{EventTime, Market, Trade};
use tokio::time::Instant;

use crate::Origin;
use state::{Ids, Pending, State};

/// Goals of one market from which on no new connection is made: one long gap takes no more room than a short one.
const MAX_GOALS: usize = 64;

/// What is to become of a trade from the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Hand it over.
    New(Origin),
    /// It was handed over before.
    Repeat,
    /// Its market was not asked for.
    NotAsked,
}

/// What is known of all markets, and what is owed of them.
#[derive(Debug)]
pub struct Gaps {
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
pub enum Next {
    /// Read a page of a market's history.
    Page {
        /// Whose.
        market: Market,
        /// The page is behind the trade with this id; without one it is the newest.
        cursor: Option<u64>,
    },
    /// Every market that is to be repaired has to wait.
    Wait(Instant),
    /// Nothing is to be repaired.
    Nothing,
}

/// What a page brought.
#[derive(Debug, PartialEq, Eq)]
pub struct Page {
    /// Whether the goal is reached: what is held back is all that was missing.
    pub finished: bool,
    /// How many trades are held back by now.
    pub held: usize,
    /// How many of the page were known.
    pub repeats: u64,
}

impl Gaps {
    /// Of these markets. Trades are late by less than `overlap`: what is so much older than a market's newest is complete.
    pub fn new(markets: &[Market], overlap: Duration) -> Self {
        Self {
            span_ms: i64::try_from(overlap.as_millis()).unwrap_or(i64::MAX),
            markets: markets.iter().map(|&market| (market, State::new())).collect(),
            queue: VecDeque::new(),
            shown: 0,
            last_sent: EventTime::MIN,
            ahead_ms: i64::MIN,
            first_ms: None,
            first_settled: false,
        }
    }

    /// A subscription was made, at `now_ms` by our clock.
    pub fn subscribed(&mut self, now_ms: i64) {
        self.first_ms.get_or_insert(now_ms);
        self.shown = 0;
        for state in self.markets.values_mut() {
            state.shown = false;
        }
    }

    /// The connection was lost: every market owes an answer, unless it still owes the last one.
    pub fn lost(&mut self) {
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

    /// Judges a trade from the socket, and remembers it if it is new. `received_ms` is our clock's.
    #[inline]
    pub fn judge(&mut self, trade: &Trade, snapshot: bool, received_ms: i64) -> Verdict {
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

    /// Judges a market's newest trade at the time of the subscription, and with it the gap before the subscription.
    #[cold]
    fn judge_snapshot(&mut self, trade: &Trade) -> Verdict {
        let (span_ms, begin) = (self.span_ms, self.begin());
        let Some(state) = self.markets.get_mut(&trade.market) else {
            return Verdict::NotAsked;
        };
        if !state.shown {
            state.shown = true;
            self.shown += 1;
        }
        let known = state.knows(trade, span_ms);
        if let Some(pending) = state.answered(trade, known, begin, span_ms) {
            state.add_goal(pending, trade.event_time, &mut self.queue, trade.market);
        }
        if known {
            return Verdict::Repeat;
        }
        // After the goal is set: the history brings this trade, too.
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
    pub fn settle(&mut self) {
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
    pub fn all_shown(&self) -> bool {
        self.shown == self.markets.len()
    }

    /// Whether so much is to be repaired that a new connection would only add to it.
    pub fn overloaded(&self) -> bool {
        self.queue
            .iter()
            .any(|market| self.markets[market].goals.len() >= MAX_GOALS)
    }

    /// How many markets are being repaired.
    pub fn repairing(&self) -> usize {
        self.queue.len()
    }

    /// How many of them have failed at least so often in a row.
    pub fn failing(&self, tries: u32) -> usize {
        self.queue
            .iter()
            .filter(|market| self.markets[*market].failures >= tries)
            .count()
    }

    /// What to repair next.
    pub fn next(&mut self, now: Instant) -> Next {
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

    /// Takes a page of a market's first goal.
    ///
    /// # Errors
    /// A sentence, for a page that cannot be one; nothing has changed then.
    pub fn page(&mut self, market: Market, page: &[Trade]) -> Result<Page, &'static str> {
        let span_ms = self.span_ms;
        let state = self.markets.get_mut(&market).ok_or("a market that was not asked for")?;
        let goal = state.goals.front().ok_or("no goal")?;
        match page.last() {
            Some(_) if page.iter().any(|trade| trade.market != market) => return Err("the page is of another market"),
            Some(last) if goal.cursor == Some(last.sequential_id) => return Err("the page ends where it began"),
            _ => {}
        }
        // Taken out, so that what it finds is told to the goals behind it and not to itself.
        let mut goal = state.goals.pop_front().ok_or("no goal")?;
        let (finished, repeats) = state.merge(&mut goal, page, span_ms);
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
    pub fn take_held(&mut self, market: Market) -> Vec<Trade> {
        let goal = self.markets.get_mut(&market).and_then(|state| state.goals.front_mut());
        let mut held = goal.map(|goal| std::mem::take(&mut goal.held)).unwrap_or_default();
        held.reverse();
        held
    }

    /// A market's first goal is reached, and everything of it handed over.
    pub fn finished(&mut self, market: Market) {
        if let Some(state) = self.markets.get_mut(&market) {
            state.goals.pop_front();
            if state.goals.is_empty() {
                self.queue.retain(|&queued| queued != market);
            }
        }
    }

    /// A page could not be had: other markets first. Tells how many failures in a row that makes.
    pub fn failed(&mut self, market: Market) -> u32 {
        self.queue.retain(|&queued| queued != market);
        self.queue.push_back(market);
        self.markets.get_mut(&market).map_or(0, |state| {
            state.failures = state.failures.saturating_add(1);
            state.failures
        })
    }

    /// Leaves a market alone until then.
    pub fn postpone(&mut self, market: Market, not_before: Instant) {
        if let Some(state) = self.markets.get_mut(&market) {
            state.not_before = Some(not_before);
        }
    }
}
