//! The ids of a market's latest trades.

use std::collections::VecDeque;

use market::EventTime;

/// At most this many ids of one market: 4 MB.
const CAPACITY: usize = 1 << 18;

/// The ids of all trades that are at most `span` older than the market's newest, in the order in which they were handed
/// over. A queue and not a set: it is written for every trade and read only after a gap.
#[derive(Debug)]
pub(crate) struct Ring {
    ids: VecDeque<(u64, EventTime)>,
    newest: EventTime,
    /// From here on nothing was forgotten for lack of room.
    floor: EventTime,
    capacity: usize,
}

impl Ring {
    pub(crate) fn new() -> Self {
        Self {
            ids: VecDeque::new(),
            newest: EventTime::MIN,
            floor: EventTime::MIN,
            capacity: CAPACITY,
        }
    }

    /// The newest event time handed over; `MIN` before the first trade.
    pub(crate) fn newest(&self) -> EventTime {
        self.newest
    }

    /// Remembers a trade and forgets what is out of the span.
    #[inline]
    pub(crate) fn push(&mut self, id: u64, time: EventTime, span_ms: i64) {
        self.newest = self.newest.max(time);
        let oldest = self.newest.saturating_sub(span_ms);
        if time >= oldest {
            self.ids.push_back((id, time));
        }
        while let Some(&(_, front)) = self.ids.front() {
            if front >= oldest && self.ids.len() <= self.capacity {
                break;
            }
            if front >= oldest {
                self.floor = self.floor.max(front.saturating_add(1));
            }
            self.ids.pop_front();
        }
    }

    /// The time from which on every id is remembered: the span before the newest trade, or less where there was no room.
    pub(crate) fn complete_from(&self, span_ms: i64) -> EventTime {
        self.newest.saturating_sub(span_ms).max(self.floor)
    }

    pub(crate) fn contains(&self, id: u64) -> bool {
        self.ids.iter().any(|&(known, _)| known == id)
    }

    /// The remembered ids.
    pub(crate) fn ids(&self) -> impl Iterator<Item = u64> + '_ {
        self.ids.iter().map(|&(id, _)| id)
    }
}
