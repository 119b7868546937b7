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
    pub(super) fn new() -> Self {
        Self {
            ring: Ring::new(),
            shown: false,
            pending: None,
            goals: VecDeque::new(),
            repaired: Ids::default(),
            repaired_mark: EventTime::MIN,
            failures: 0,
            not_before: None,
        }
    }

    /// Whether a snapshot's trade was handed over before, as far as that is remembered: its id is in the `ring`, or it is older than
    /// everything that the ring holds without a hole ([`Ring::complete_from`]), and its id may have been forgotten.
    pub(super) fn knows(&self, trade: &Trade, span_ms: i64) -> bool {
        todo!("task 5: was it handed over before?")
    }

    /// The snapshot answers for the gap before it. What is `pending` is answered now, once, whatever the answer: `Some` is what has to
    /// be read of the history, `None` that nothing was missed, or that nothing was owed.
    ///
    /// A snapshot that is not `known` was missed, and others may have been. A known one says that nothing newer was missed. But trades
    /// come late, by up to the span: so it proves nothing, unless it is older by more than the span than what the exchange's clock
    /// showed at the loss (`since`). A market that had never traded before the gap is to be complete from `begin` on, and not from the
    /// beginning of its history.
    pub(super) fn answered(
        &mut self,
        snapshot: &Trade,
        known: bool,
        begin: EventTime,
        span_ms: i64,
    ) -> Option<Pending> {
        todo!("task 5: does the snapshot leave anything to be asked for?")
    }

    /// Notes that a trade is handed over.
    #[inline]
    pub(super) fn remember(&mut self, trade: &Trade, span_ms: i64) {
        self.ring.push(trade.sequential_id, trade.event_time, span_ms);
        if self.pending.is_some() || !self.goals.is_empty() {
            self.remember_for_repair(trade, span_ms);
        }
    }

    /// Notes a trade that is handed over while something is owed: the history will bring it once more, and it must be known then.
    ///
    /// Who has nothing to do with it forgets it at once: a gap or goal reads nothing older than its `until`; and a goal that has a
    /// `cursor` reads only what is behind it, which is what has a smaller id.
    ///
    /// A goal that was not begun and has no cursor gets one here, as soon as it can: the first trade whose time is later than the goal's
    /// `mark` by more than the span is certainly newer than all that is missing, so that reading may begin behind it, and a repair that
    /// waits its turn does not read what the socket brings meanwhile.
    #[cold]
    fn remember_for_repair(&mut self, trade: &Trade, span_ms: i64) {
        todo!("task 5: tell the gap and the goals of a trade that came another way")
    }

    /// Takes a page of the history, newest first, into a goal of this market. Whether the goal is reached, and how many of the page's
    /// trades were known.
    ///
    /// A trade older than the goal's `until` cannot be missing, and nothing behind it can: the goal is reached, the rest of the page is
    /// left unread. An empty page is the beginning of the history. A known trade is counted and left out, and does *not* end anything:
    /// trades come late, so that one that was missed may lie behind one that was not. Every other trade was missed: it is
    /// [remembered](Self::remember) and put into `held`, in the order of the page. If it is no older than the goal's `mark` less the
    /// span, the socket may still bring it: its id goes into `repaired`, and `repaired_mark` rises to the newest of the mark and such
    /// trades. The next page is the one behind the last trade of this one.
    pub(super) fn merge(&mut self, goal: &mut Goal, page: &[Trade], span_ms: i64) -> (bool, u64) {
        todo!("task 6: keep what was missed, leave out what is known, and see the end")
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
