//! The operator's way with windows that merge.

use std::hash::Hash;

use crate::config::{Firing, OperatorError, Placed};
use crate::{Aggregate, Window, WindowOperator, merging};

impl<K: Hash + Eq + Clone, A: Aggregate> WindowOperator<K, A> {
    /// Adds a value to the one session that its window and all that it touches become.
    ///
    /// What counts as late is that session, not the window that the value opened. If it is late, the value is refused for
    /// lane 0 and nothing changes; else it is taken. Where the value touches nothing, a session opens. Where it lies within a
    /// session that does not grow, nothing moves but the state. Otherwise the first of those touched takes in the others, gets
    /// the covering window, and its timer is moved where that is later than what now comes next.
    pub(crate) fn session(
        &mut self,
        slot: usize,
        window: Window,
        value: &A::Value,
        time: i64,
        placed: &mut Placed,
        emit: &mut impl FnMut(Firing<'_, K, A>),
    ) -> Result<(), OperatorError> {
        todo!("task 6: add a value to the session that its window and all that it touches become")
    }

    /// Has the session at `at` take in the `others` that follow it: their states, and what they still had to say.
    fn absorb(&mut self, slot: usize, at: usize, others: usize) -> Result<(), OperatorError> {
        for _ in 0..others {
            if let Some(other) = self.store.remove(slot, 0, at + 1) {
                let held = &mut self.store.queue(slot, 0)[at];
                held.early_at = held.early_at.min(other.early_at);
                held.changed |= other.changed;
                match (&mut held.state, other.state) {
                    (Some(state), Some(other)) => state.merge(other)?,
                    (state @ None, other) => *state = other,
                    (Some(_), None) => {}
                }
            }
        }
        Ok(())
    }

    /// Moves the timer of a session that has grown, if it would come too late. One that comes too early sets the right one
    /// then: most sessions grow with every value, and would set a timer with every value.
    fn bring_forward(&mut self, slot: usize, at: usize) {
        let held = &self.store.queue(slot, 0)[at];
        let (window, early_at, timer) = (held.window, held.early_at, held.timer);
        let wanted = self.next_timer(window, self.now()).min(early_at);
        if wanted < timer {
            self.store.set_timer(slot, 0, at, wanted);
        }
    }
}
