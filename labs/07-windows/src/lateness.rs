//! What is late: which windows take nothing any more, and which events nobody took.

use std::hash::Hash;

use crate::config::TimeDomain;
use crate::{Aggregate, Window, WindowOperator};

impl<K: Hash + Eq + Clone, A: Aggregate> WindowOperator<K, A> {
    /// Whether a window takes nothing any more. One comparison says so of nearly every event: its window has not ended.
    #[inline]
    pub(crate) fn is_late(&self, window: Window) -> bool {
        window.max_timestamp() <= self.watermark && self.is_over(window)
    }

    /// Whether a window that the watermark has passed is gone for good: the watermark has reached its clean-up time. In
    /// processing time nothing is ever late.
    fn is_over(&self, window: Window) -> bool {
        todo!("task 5: whether a window is gone for good")
    }

    /// Whether an event of this time that no window took is a late one: the watermark is at or beyond its time and the
    /// allowed lateness together. In processing time there is none; and an event that fell between two windows is not late
    /// because of that. No sum wraps round.
    pub(crate) fn is_side_output(&self, time: i64) -> bool {
        todo!("task 5: whether an event that no window took is a late one")
    }
}
