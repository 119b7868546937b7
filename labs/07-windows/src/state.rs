//! The state of a window operator: keys, their windows, what is due.
//!
//! A key is found by one hash. Its windows stand sorted by start in one queue per lane, the newest last, where nearly
//! every event belongs; so the common case compares two numbers, and searches nothing.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::Window;
use crate::merging::Spanning;
use crate::timers::{Entry, Timers};

/// One window of one key.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Held<A> {
    pub(crate) window: Window,
    /// `None` once a firing has emptied it.
    pub(crate) state: Option<A>,
    /// When its one entry in the timers comes up; `i64::MAX`: it has none.
    pub(crate) timer: i64,
    /// When it next fires early by its own cadence; `i64::MAX`: never.
    pub(crate) early_at: i64,
    /// Whether it has taken a value since it last fired.
    pub(crate) changed: bool,
}

impl<A> Held<A> {
    pub(crate) fn new(window: Window) -> Self {
        Self {
            window,
            state: None,
            timer: i64::MAX,
            early_at: i64::MAX,
            changed: false,
        }
    }
}

impl<A> Spanning for Held<A> {
    fn window(&self) -> Window {
        self.window
    }
}

pub(crate) type Queue<A> = VecDeque<Held<A>>;

/// Where the window with this start is, or would be. What is asked for is nearly always one of the newest (a value, a
/// firing) or the oldest (a clean-up): looking there first keeps a search from touching memory all over the queue.
pub(crate) fn place<A>(queue: &Queue<A>, start: i64) -> Result<usize, usize> {
    match queue.front() {
        Some(oldest) if oldest.window.start == start => return Ok(0),
        Some(oldest) if oldest.window.start < start => {}
        _ => return Err(0),
    }
    for (back, held) in queue.iter().rev().take(4).enumerate() {
        if held.window.start <= start {
            let at = queue.len() - 1 - back;
            return if held.window.start == start {
                Ok(at)
            } else {
                Err(at + 1)
            };
        }
    }
    queue.binary_search_by_key(&start, |held| held.window.start)
}

/// Keys and their windows. A key without windows is forgotten; its slot, with its allocations, goes to the next key.
#[derive(Debug)]
pub(crate) struct Store<K, A> {
    lanes: usize,
    /// The slots that have a key, by its hash.
    index: HashTable<u32>,
    hasher: FixedState,
    /// By slot; `None`: it is free.
    keys: Vec<Option<K>>,
    /// By slot and lane.
    queues: Vec<Queue<A>>,
    /// How many windows each slot has.
    live: Vec<u32>,
    /// The slots without a key, each once.
    free: Vec<u32>,
    /// How many windows there are in all.
    open: usize,
    pub(crate) timers: Timers,
}

impl<K: Hash + Eq + Clone, A> Store<K, A> {
    pub(crate) fn new(lanes: usize) -> Self {
        Self {
            lanes,
            index: HashTable::new(),
            hasher: FixedState::default(),
            keys: Vec::new(),
            queues: Vec::new(),
            live: Vec::new(),
            free: Vec::new(),
            open: 0,
            timers: Timers::default(),
        }
    }

    /// The slot of a key, a new one if it has none.
    #[inline]
    pub(crate) fn slot(&mut self, key: &K) -> usize {
        let hash = self.hasher.hash_one(key);
        let keys = &self.keys;
        let found = self.index.find(hash, |slot| keys[*slot as usize].as_ref() == Some(key));
        match found {
            Some(slot) => *slot as usize,
            None => self.add(hash, key.clone()),
        }
    }

    #[cold]
    fn add(&mut self, hash: u64, key: K) -> usize {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.keys[slot as usize] = Some(key);
                slot
            }
            None => {
                self.keys.push(Some(key));
                self.live.push(0);
                self.queues.resize_with(self.queues.len() + self.lanes, VecDeque::new);
                (self.keys.len() - 1) as u32
            }
        };
        let (keys, hasher) = (&self.keys, &self.hasher);
        // The hash of the key itself: that of an `Option` around it is another, and the table would lose its keys as it
        // grows.
        let rehash = |slot: &u32| keys[*slot as usize].as_ref().map_or(0, |key| hasher.hash_one(key));
        self.index.insert_unique(hash, slot, rehash);
        slot as usize
    }

    /// Forgets the key of a slot if it has no window left.
    #[inline]
    pub(crate) fn release_if_empty(&mut self, slot: usize) {
        if self.live[slot] == 0 {
            self.release(slot);
        }
    }

    /// Forgets the key of a slot, in `keys` and in `index`, and notes the slot as free for the next key, once.
    #[cold]
    fn release(&mut self, slot: usize) {
        todo!("task 4: forget a key, and keep its slot for the next one")
    }

    #[inline]
    pub(crate) fn queue(&mut self, slot: usize, lane: usize) -> &mut Queue<A> {
        &mut self.queues[slot * self.lanes + lane]
    }

    /// The key of a slot and the windows of one of its lanes.
    #[inline]
    pub(crate) fn key_and_queue(&mut self, slot: usize, lane: usize) -> (Option<&K>, &mut Queue<A>) {
        (self.keys[slot].as_ref(), &mut self.queues[slot * self.lanes + lane])
    }

    pub(crate) fn insert(&mut self, slot: usize, lane: usize, at: usize, held: Held<A>) {
        self.queue(slot, lane).insert(at, held);
        self.live[slot] += 1;
        self.open += 1;
    }

    /// Takes a window out of its queue, and out of both counts: that of its slot and that of all. Its key stays, also
    /// without windows: see [`Store::release_if_empty`]. `None`: there is no window at that place.
    pub(crate) fn remove(&mut self, slot: usize, lane: usize, at: usize) -> Option<Held<A>> {
        todo!("task 4: take a window out, and out of the counts")
    }

    /// Makes `time` the one time at which a window comes up. An entry it had before is passed over when it comes.
    pub(crate) fn set_timer(&mut self, slot: usize, lane: usize, at: usize, time: i64) {
        let held = &mut self.queue(slot, lane)[at];
        held.timer = time;
        let entry = Entry {
            slot: slot as u32,
            lane: lane as u32,
            start: held.window.start,
        };
        if time < i64::MAX {
            self.timers.set(time, entry);
        }
    }

    /// How many windows are held.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    /// How many keys have windows.
    pub(crate) fn keys(&self) -> usize {
        self.index.len()
    }

    /// How many slots there are, free ones included.
    pub(crate) fn slots(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn lanes(&self) -> usize {
        self.lanes
    }

    /// All windows, slot by slot.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &[Queue<A>])> {
        self.keys
            .iter()
            .zip(self.queues.chunks(self.lanes))
            .filter_map(|(key, lanes)| Some((key.as_ref()?, lanes)))
    }
}
