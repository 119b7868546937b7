//! What is due when.
//!
//! One entry per window at a time: first its firing, then its clean-up. Entries are never searched for and removed;
//! one whose window has moved on since is recognised when it comes up. Windows of many keys end together, so entries
//! are grouped by time: there are a few groups, not a heap of one element per key.

use std::collections::BTreeMap;

/// Which window: the key's slot, the lane in it, and the window's start when the entry was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) slot: u32,
    pub(crate) lane: u32,
    pub(crate) start: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Timers {
    groups: BTreeMap<i64, Vec<Entry>>,
    earliest: Option<i64>,
    spare: Vec<Vec<Entry>>,
}

impl Timers {
    #[inline]
    pub(crate) fn set(&mut self, time: i64, entry: Entry) {
        let spare = &mut self.spare;
        self.groups
            .entry(time)
            .or_insert_with(|| spare.pop().unwrap_or_default())
            .push(entry);
        self.earliest = Some(self.earliest.map_or(time, |earliest| earliest.min(time)));
    }

    /// Whether anything is due at `now`: the check of every event, so it looks at one number.
    #[inline]
    pub(crate) fn due(&self, now: i64) -> bool {
        self.earliest.is_some_and(|earliest| earliest <= now)
    }

    /// The earliest group, if it is due. To be given back with [`Timers::recycle`].
    pub(crate) fn pop(&mut self, now: i64) -> Option<(i64, Vec<Entry>)> {
        if !self.due(now) {
            return None;
        }
        let group = self.groups.pop_first();
        self.earliest = self.groups.first_key_value().map(|(time, _)| *time);
        group
    }

    /// Takes back an emptied group, so that the next one allocates nothing.
    pub(crate) fn recycle(&mut self, mut group: Vec<Entry>) {
        group.clear();
        if self.spare.len() < 64 {
            self.spare.push(group);
        }
    }
}
