//! Ids: unique within a market, in step with the execution time, also for trades that are published late.

use super::IDS_PER_MS;

/// How far back a late trade can be placed, in milliseconds.
const SPAN_MS: usize = 4096;

/// The ids of one market that were given away over the last four seconds of its event time.
pub(crate) struct Ids {
    /// Next `n` of each millisecond, at the millisecond modulo the span, with the millisecond it counts for.
    next: Vec<(i64, u64)>,
    newest_ms: i64,
}

impl Ids {
    pub(crate) fn new() -> Self {
        Self {
            next: vec![(i64::MIN, 0); SPAN_MS],
            newest_ms: i64::MIN,
        }
    }

    /// An id for a trade executed at `event_ms`, and the time it then stands for. That is a later time only where the
    /// millisecond is full, or lies further behind the market's newest than what is remembered.
    #[inline]
    pub(crate) fn give(&mut self, event_ms: i64) -> (u64, i64) {
        let mut ms = event_ms.max(self.newest_ms.saturating_sub(SPAN_MS as i64 - 1)).max(0);
        loop {
            let slot = &mut self.next[(ms % SPAN_MS as i64) as usize];
            if slot.0 != ms {
                *slot = (ms, 0);
            }
            if slot.1 < IDS_PER_MS {
                let id = ms as u64 * IDS_PER_MS + slot.1;
                slot.1 += 1;
                self.newest_ms = self.newest_ms.max(ms);
                return (id, ms);
            }
            ms += 1;
        }
    }
}
