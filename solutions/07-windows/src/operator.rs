//! The window operator: takes events and watermarks, fires windows.

use std::hash::Hash;

use crate::assign::{AssignError, Assigner};
use crate::config::{Config, Firing, OperatorError, Placed, TimeDomain};
use crate::state::{self, Held, Store};
use crate::timers::Entry;
use crate::{Accumulation, Aggregate, Early, Window};

/// Groups events by key and window, and fires windows by Flink's rules.
///
/// Firings are handed to the closure in order of time; among equal times the order is not defined.
#[derive(Debug)]
pub struct WindowOperator<K, A> {
    pub(crate) config: Config,
    pub(crate) watermark: i64,
    pub(crate) processing_time: i64,
    /// From which watermark on changed windows fire early again.
    pub(crate) next_early: i64,
    pub(crate) changed: Vec<Entry>,
    pub(crate) store: Store<K, A>,
}

impl<K: Hash + Eq + Clone, A: Aggregate> WindowOperator<K, A> {
    /// An operator without state, its watermark at the beginning of time.
    ///
    /// # Errors
    /// [`OperatorError`] for a negative lateness or a cadence that is none.
    pub fn new(config: Config) -> Result<Self, OperatorError> {
        if config.allowed_lateness < 0 {
            return Err(OperatorError::Lateness(config.allowed_lateness));
        }
        match config.trigger.early {
            Early::ChangedEvery(cadence) | Early::ContinuousEvery(cadence) if cadence <= 0 => {
                return Err(OperatorError::Cadence(cadence));
            }
            Early::ChangedEvery(_) | Early::ContinuousEvery(_) if config.domain == TimeDomain::Processing => {
                return Err(OperatorError::EarlyNeedsEventTime);
            }
            _ => {}
        }
        Ok(Self {
            store: Store::new(config.assigner.lanes()),
            config,
            watermark: i64::MIN,
            processing_time: i64::MIN,
            next_early: i64::MIN,
            changed: Vec::new(),
        })
    }

    /// Takes one event. Windows that end at or before the watermark and are still held fire at once.
    ///
    /// `timestamp` is the event's time in milliseconds; in processing time it is ignored.
    ///
    /// # Errors
    /// [`OperatorError::Assign`] for an event without a time: nothing changed. [`OperatorError::Overflow`] is fatal.
    #[inline]
    pub fn on_event(
        &mut self,
        key: &K,
        value: &A::Value,
        timestamp: i64,
        mut emit: impl FnMut(Firing<'_, K, A>),
    ) -> Result<Placed, OperatorError> {
        let time = match self.config.domain {
            TimeDomain::Event => timestamp,
            TimeDomain::Processing => self.processing_time,
        };
        if time == i64::MIN && !matches!(self.config.assigner, Assigner::Session(_)) {
            return Err(AssignError::NoTimestamp.into());
        }
        let slot = self.store.slot(key);
        let mut placed = Placed::default();
        match self.config.assigner {
            Assigner::Tumbling(_) => {
                for lane in 0..self.store.lanes() {
                    let (window, newest) = self.tumbling(slot, lane, time);
                    if self.is_late(window) {
                        placed.refuse(lane);
                        continue;
                    }
                    let at = match newest {
                        Some(at) => at,
                        None => self.locate(slot, lane, window),
                    };
                    placed.taken += 1;
                    self.add(slot, lane, at, value, time, &mut emit)?;
                }
            }
            Assigner::Sliding(sliding) => {
                for window in sliding.assign(time) {
                    if self.is_late(window) {
                        placed.refuse(0);
                        continue;
                    }
                    let at = self.locate(slot, 0, window);
                    placed.taken += 1;
                    self.add(slot, 0, at, value, time, &mut emit)?;
                }
            }
            Assigner::Session(session) => {
                self.session(slot, session.assign(time), value, time, &mut placed, &mut emit)?;
            }
        }
        self.store.release_if_empty(slot);
        placed.side_output = placed.taken == 0 && self.is_side_output(time);
        Ok(placed)
    }

    /// The window of a time, and its place if it is the newest of its lane: that is the common case, and saves a
    /// division and a search.
    #[inline]
    fn tumbling(&mut self, slot: usize, lane: usize, time: i64) -> (Window, Option<usize>) {
        let queue = self.store.queue(slot, lane);
        match (queue.back(), &mut self.config.assigner) {
            (Some(newest), _) if newest.window.contains(time) => (newest.window, Some(queue.len() - 1)),
            (_, Assigner::Tumbling(lanes)) => {
                lanes[lane].settle(self.processing_time);
                (lanes[lane].assign(time), None)
            }
            _ => (Window::new(time, time), None),
        }
    }

    /// The place of a window that never changes its shape; opens it if there is none.
    #[inline(never)]
    fn locate(&mut self, slot: usize, lane: usize, window: Window) -> usize {
        match state::place(self.store.queue(slot, lane), window.start) {
            Ok(at) => at,
            Err(at) => {
                self.open(slot, lane, at, window);
                at
            }
        }
    }

    pub(crate) fn now(&self) -> i64 {
        match self.config.domain {
            TimeDomain::Event => self.watermark,
            TimeDomain::Processing => self.processing_time,
        }
    }

    fn cleanup_time(&self, window: Window) -> i64 {
        match self.config.domain {
            TimeDomain::Event => window.cleanup_time(self.config.allowed_lateness),
            TimeDomain::Processing => window.max_timestamp(),
        }
    }

    /// What is next in a window's life, seen from `now`: its last millisecond if that is still to come, else its clean-up.
    pub(crate) fn next_timer(&self, window: Window, now: i64) -> i64 {
        // TASK 3: what is next in a window's life
        if window.max_timestamp() > now {
            window.max_timestamp()
        } else {
            self.cleanup_time(window)
        }
        // END TASK 3
    }

    #[cold]
    pub(crate) fn open(&mut self, slot: usize, lane: usize, at: usize, window: Window) {
        self.store.insert(slot, lane, at, Held::new(window));
        let timer = self.next_timer(window, self.now());
        self.store.set_timer(slot, lane, at, timer);
    }

    #[inline]
    pub(crate) fn add(
        &mut self,
        slot: usize,
        lane: usize,
        at: usize,
        value: &A::Value,
        time: i64,
        emit: &mut impl FnMut(Firing<'_, K, A>),
    ) -> Result<(), OperatorError> {
        let held = &mut self.store.queue(slot, lane)[at];
        match &mut held.state {
            Some(state) => state.add(value)?,
            state @ None => *state = Some(A::first(value)),
        }
        let first_change = !std::mem::replace(&mut held.changed, true);
        let window = held.window;
        if self.config.domain == TimeDomain::Event && window.max_timestamp() <= self.watermark {
            self.fire(slot, lane, at, emit);
            return Ok(());
        }
        match self.config.trigger.early {
            Early::Never => {}
            Early::ChangedEvery(_) => {
                if first_change {
                    self.changed.push(Entry {
                        slot: slot as u32,
                        lane: lane as u32,
                        start: window.start,
                    });
                }
            }
            Early::ContinuousEvery(cadence) => self.keep_cadence(slot, lane, at, time, cadence),
        }
        Ok(())
    }

    /// A window speaks: its state goes to the closure, once. One without state says nothing. With
    /// [`Early::ChangedEvery`], one that has not changed since it last spoke says nothing either. Afterwards it counts as
    /// unchanged; with [`Accumulation::Discarding`] its state is gone, and the window itself stays.
    #[inline]
    pub(crate) fn fire(&mut self, slot: usize, lane: usize, at: usize, emit: &mut impl FnMut(Firing<'_, K, A>)) {
        // TASK 3: hand a window to the closure, and leave its state as the trigger says
        let only_changed = matches!(self.config.trigger.early, Early::ChangedEvery(_));
        let discarding = self.config.trigger.accumulation == Accumulation::Discarding;
        let (key, queue) = self.store.key_and_queue(slot, lane);
        let held = &mut queue[at];
        let changed = std::mem::replace(&mut held.changed, false);
        if only_changed && !changed {
            return;
        }
        if let (Some(key), Some(state)) = (key, &held.state) {
            let window = held.window;
            emit(Firing {
                key,
                lane,
                window,
                state,
            });
        }
        if discarding {
            held.state = None;
        }
        // END TASK 3
    }

    /// Moves the watermark on and fires what it reaches. A watermark never goes back: a smaller one does nothing.
    #[inline]
    pub fn on_watermark(&mut self, watermark: i64, mut emit: impl FnMut(Firing<'_, K, A>)) {
        if watermark <= self.watermark {
            return;
        }
        self.watermark = watermark;
        if self.config.domain == TimeDomain::Event && self.store.timers.due(watermark) {
            self.run_timers(watermark, &mut emit);
        }
        if watermark >= self.next_early {
            self.fire_changed(&mut emit);
        }
    }

    /// Sets the clock and, in processing time, fires what it reaches. A clock that goes back does nothing.
    pub fn on_processing_time(&mut self, now: i64, mut emit: impl FnMut(Firing<'_, K, A>)) {
        self.processing_time = self.processing_time.max(now);
        if self.config.domain == TimeDomain::Processing {
            self.run_timers(self.processing_time, &mut emit);
        }
    }

    #[cold]
    #[inline(never)]
    fn run_timers(&mut self, now: i64, emit: &mut impl FnMut(Firing<'_, K, A>)) {
        while let Some((time, group)) = self.store.timers.pop(now) {
            for entry in &group {
                if let Some(at) = self.find(*entry, |held| held.timer == time) {
                    self.on_timer(entry.slot as usize, entry.lane as usize, at, time, emit);
                }
            }
            self.store.timers.recycle(group);
        }
    }

    /// The window of an entry, if it answers to `is_it`: by its start, or, where windows merge, the one that now holds it.
    pub(crate) fn find(&mut self, entry: Entry, is_it: impl Fn(&Held<A>) -> bool) -> Option<usize> {
        let merging = matches!(self.config.assigner, Assigner::Session(_));
        let queue = self.store.queue(entry.slot as usize, entry.lane as usize);
        if merging && queue.front().is_some_and(&is_it) {
            return Some(0);
        }
        let at = if merging {
            // Sessions only grow, so where one began when the entry was made lies in it still. Looking at all of them for the
            // one that is due would make a key with many sessions pay for each with every other.
            queue.partition_point(|held| held.window.end < entry.start)
        } else {
            state::place(queue, entry.start).ok()?
        };
        queue.get(at).is_some_and(is_it).then_some(at)
    }

    fn on_timer(&mut self, slot: usize, lane: usize, at: usize, time: i64, emit: &mut impl FnMut(Firing<'_, K, A>)) {
        let held = &mut self.store.queue(slot, lane)[at];
        let window = held.window;
        let beat = held.early_at == time;
        if beat {
            held.early_at = i64::MAX;
        }
        if beat || window.max_timestamp() == time {
            self.fire(slot, lane, at, emit);
        }
        if time == self.cleanup_time(window) {
            self.store.remove(slot, lane, at);
            self.store.release_if_empty(slot);
            return;
        }
        // A session may have grown since the entry was made: then its end is still to come.
        let mut next = self.next_timer(window, time);
        if let (true, Early::ContinuousEvery(cadence)) = (beat, self.config.trigger.early)
            && window.max_timestamp() > time
        {
            let early_at = time.saturating_add(cadence).min(window.max_timestamp());
            self.store.queue(slot, lane)[at].early_at = early_at;
        }
        next = next.min(self.store.queue(slot, lane)[at].early_at);
        self.store.set_timer(slot, lane, at, next);
    }

    /// How far event time has come.
    #[inline]
    pub fn watermark(&self) -> i64 {
        self.watermark
    }

    /// How many windows are held, fired or not.
    pub fn open_windows(&self) -> usize {
        self.store.open()
    }

    /// How many keys have windows.
    pub fn keys(&self) -> usize {
        self.store.keys()
    }

    /// How many slots for keys there are: as many as keys had windows at once. They are given to other keys, and never back.
    pub fn slots(&self) -> usize {
        self.store.slots()
    }

    /// The windows held, with their state: for tests and displays.
    pub fn windows(&self) -> impl Iterator<Item = (&K, usize, Window, Option<&A>)> {
        self.store
            .iter()
            .flat_map(|(key, lanes)| {
                let numbered = lanes.iter().enumerate();
                numbered.flat_map(move |(lane, queue)| queue.iter().map(move |held| (key, lane, held)))
            })
            .map(|(key, lane, held)| (key, lane, held.window, held.state.as_ref()))
    }
}
