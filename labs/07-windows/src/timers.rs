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
    /// The time of the first group: what [`Timers::due`] looks at.
    earliest: Option<i64>,
    /// Emptied lists, with their allocations.
    spare: Vec<Vec<Entry>>,
}

impl Timers {
    /// Adds an entry to the group of its time. A new group may take a spare list: that saves an allocation.
    #[inline]
    pub(crate) fn set(&mut self, time: i64, entry: Entry) {
        todo!("task 3: have an entry come up at a time")
    }

    /// Whether anything is due at `now`: the check of every event, so it looks at one number.
    #[inline]
    pub(crate) fn due(&self, now: i64) -> bool {
        self.earliest.is_some_and(|earliest| earliest <= now)
    }

    /// Takes out the earliest group with its time, if it is due at `now`. To be given back with [`Timers::recycle`].
    pub(crate) fn pop(&mut self, now: i64) -> Option<(i64, Vec<Entry>)> {
        todo!("task 3: take out the earliest group if it is due")
    }

    /// Takes back an emptied group, so that the next one allocates nothing.
    pub(crate) fn recycle(&mut self, mut group: Vec<Entry>) {
        group.clear();
        if self.spare.len() < 64 {
            self.spare.push(group);
        }
    }
}
