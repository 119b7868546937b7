//! The operator's way with windows that merge.

use std::hash::Hash;

use crate::config::{Firing, OperatorError, Placed};
use crate::{Aggregate, Window, WindowOperator, merging};

impl<K: Hash + Eq + Clone, A: Aggregate> WindowOperator<K, A> {
    /// Adds a value to a session, merging all that its window touches.
    pub(crate) fn session(
        &mut self,
        slot: usize,
        window: Window,
        value: &A::Value,
        time: i64,
        placed: &mut Placed,
        emit: &mut impl FnMut(Firing<'_, K, A>),
    ) -> Result<(), OperatorError> {
        let panes = self.store.panes(slot, 0);
        let range = merging::touching(panes, window);
        let covered = panes
            .range(range.clone())
            .fold(window, |all, pane| all.cover(pane.window));
        // What counts is the merged window: a late event that touches a session still held is not too late.
        if self.is_late(covered) {
            placed.refuse(0);
            return Ok(());
        }
        let at = range.start;
        if range.is_empty() {
            self.open(slot, 0, at, covered);
        } else if self.store.panes(slot, 0)[at].window != covered {
            for _ in range.start + 1..range.end {
                if let Some(other) = self.store.remove(slot, 0, at + 1) {
                    let pane = &mut self.store.panes(slot, 0)[at];
                    pane.early_at = pane.early_at.min(other.early_at);
                    pane.changed |= other.changed;
                    match (&mut pane.state, other.state) {
                        (Some(state), Some(other)) => state.merge(other)?,
                        (state @ None, other) => *state = other,
                        (Some(_), None) => {}
                    }
                }
            }
            let pane = &mut self.store.panes(slot, 0)[at];
            pane.window = covered;
            // A timer that comes too early sets the right one then; only one that comes too late must be moved now.
            let (early_at, timer) = (pane.early_at, pane.timer);
            let wanted = self.next_timer(covered, self.now()).min(early_at);
            if wanted < timer {
                self.store.set_timer(slot, 0, at, wanted);
            }
        }
        placed.taken += 1;
        self.add(slot, 0, at, value, time, emit)
    }
}
