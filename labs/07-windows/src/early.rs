//! Firings before the end of a window: at the beats of the watermark, or at each window's own cadence.

use std::hash::Hash;

use crate::config::Firing;
use crate::state::Held;
use crate::{Aggregate, Early, WindowOperator};

impl<K: Hash + Eq + Clone, A: Aggregate> WindowOperator<K, A> {
    /// Begins a window's own cadence at its first value.
    pub(crate) fn keep_cadence(&mut self, slot: usize, lane: usize, at: usize, time: i64, cadence: i64) {
        let held = &mut self.store.queue(slot, lane)[at];
        if held.early_at == i64::MAX {
            let beat = (time - time % cadence).saturating_add(cadence);
            held.early_at = beat.min(held.window.max_timestamp());
        }
        let (early_at, timer) = (held.early_at, held.timer);
        if early_at < timer {
            self.store.set_timer(slot, lane, at, early_at);
        }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn fire_changed(&mut self, emit: &mut impl FnMut(Firing<'_, K, A>)) {
        let Early::ChangedEvery(cadence) = self.config.trigger.early else {
            self.next_early = i64::MAX;
            return;
        };
        let into = self.watermark.rem_euclid(cadence);
        self.next_early = self.watermark.saturating_add(cadence - into);
        let mut changed = std::mem::take(&mut self.changed);
        for entry in changed.drain(..) {
            let is_it = |held: &Held<A>| held.changed && held.window.contains(entry.start);
            if let Some(at) = self.find(entry, is_it) {
                self.fire(entry.slot as usize, entry.lane as usize, at, emit);
            }
        }
        self.changed = changed;
    }
}
