//! What is known of one market: what it owes, what is to be read of its history, what was handed over.

use std::collections::{HashSet, VecDeque};

use market::{EventTime, Market, Trade};
use tokio::time::Instant;

use crate::ring::Ring;

pub(super) type Ids = HashSet<u64, foldhash::fast::RandomState>;

/// A market that owes an answer: did it trade during the gap?
#[derive(Debug)]
pub(super) struct Pending {
    /// Whether it ever traded before the gap.
    pub(super) traded: bool,
    /// What the exchange's clock showed when the connection was last known to work.
    pub(super) since: EventTime,
    /// Nothing older can be missing.
    pub(super) until: EventTime,
    /// All ids handed over from there on.
    pub(super) known: Ids,
}

/// A stretch of one market's history to be read.
#[derive(Debug)]
pub(super) struct Goal {
    /// The history goes on behind this trade; `None`: it begins with the newest.
    pub(super) cursor: Option<u64>,
    /// Whether a page was asked for.
    pub(super) begun: bool,
    /// Everything missing is at most this new.
    pub(super) mark: EventTime,
    pub(super) until: EventTime,
    pub(super) known: Ids,
    /// Read, new, and not handed over: newest first.
    pub(super) held: Vec<Trade>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) ring: Ring,
    /// Whether the current connection has shown its snapshot.
    pub(super) shown: bool,
    pub(super) pending: Option<Pending>,
    /// Oldest gap first, one at a time: two goals of a market overlap, and the later one must know what the earlier found.
    pub(super) goals: VecDeque<Goal>,
    /// Repaired ids so new that the socket may still bring them.
    pub(super) repaired: Ids,
    pub(super) repaired_mark: EventTime,
    pub(super) failures: u32,
    pub(super) not_before: Option<Instant>,
}

impl State {
    /// Notes that a trade is handed over.
    #[inline]
    pub(super) fn remember(&mut self, trade: &Trade, span_ms: i64) {
        self.ring.push(trade.sequential_id, trade.event_time, span_ms);
        if self.pending.is_some() || !self.goals.is_empty() {
            self.remember_for_repair(trade, span_ms);
        }
    }

    #[cold]
    fn remember_for_repair(&mut self, trade: &Trade, span_ms: i64) {
        let id = trade.sequential_id;
        if let Some(pending) = self
            .pending
            .as_mut()
            .filter(|pending| trade.event_time >= pending.until)
        {
            pending.known.insert(id);
        }
        for goal in self.goals.iter_mut().filter(|goal| trade.event_time >= goal.until) {
            if goal.cursor.is_none_or(|cursor| id < cursor) {
                goal.known.insert(id);
            }
            // The first trade that is certainly newer than all that is missing: reading may begin behind it, so that a
            // repair that has to wait its turn does not read what the socket brings meanwhile.
            if !goal.begun && goal.cursor.is_none() && trade.event_time > goal.mark.saturating_add(span_ms) {
                goal.cursor = Some(id);
            }
        }
    }

    pub(super) fn add_goal(&mut self, pending: Pending, mark: EventTime, queue: &mut VecDeque<Market>, market: Market) {
        if self.goals.is_empty() {
            queue.push_back(market);
        }
        self.goals.push_back(Goal {
            cursor: None,
            begun: false,
            mark,
            until: pending.until,
            known: pending.known,
            held: Vec::new(),
        });
    }
}
