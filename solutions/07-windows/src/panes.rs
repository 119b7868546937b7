//! Sliding windows by panes: a value is added once, however many windows hold it.
//!
//! Windows begin and end on a grid that is finer than the slide. Between two neighbouring bounds, in a pane, every time falls
//! into the same windows; so a value goes into its pane, and a window is put together from its panes when it fires. What is
//! saved per value is paid per firing: worth it where many values come to a slide. (Li and others: No Pane, No Gain,
//! SIGMOD Record 34(1), 2005.)

use std::hash::Hash;

use crate::assign::{AssignError, Sliding, Tumbling};
use crate::config::{Firing, OperatorError, Placed};
use crate::state::{self, Held, Store};
use crate::timers::Entry;
use crate::{Aggregate, Window};

/// What one pane of one key holds.
#[derive(Clone, Debug)]
struct Pane<A> {
    /// How many windows hold it.
    windows: u32,
    /// The last millisecond of the oldest of them: up to then nothing in it is late.
    oldest: i64,
    state: A,
}

/// The same firings as [`crate::WindowOperator`] over sliding windows gives in event time, accumulating, without early ones;
/// only of windows that would begin before the beginning of time (`i64::MIN`) there is no word.
///
/// Discarding is not to be had: the windows share their panes, and emptying one for one window would empty it for all.
#[derive(Debug)]
pub struct PaneOperator<K, A> {
    sliding: Sliding,
    grid: Tumbling,
    allowed_lateness: i64,
    watermark: i64,
    store: Store<K, Pane<A>>,
    /// By slot: when its key comes up next, and no sooner; `i64::MAX`: never.
    due: Vec<i64>,
}

/// How wide the panes of windows of `size`, one every `slide`, are: as wide as can be, such that no window begins or ends
/// inside of one. Both are above 0.
fn width(size: i64, slide: i64) -> i64 {
    // TASK 7: the widest pane that no window cuts
    let (mut larger, mut smaller) = (size, slide);
    while smaller > 0 {
        (larger, smaller) = (smaller, larger % smaller);
    }
    larger
    // END TASK 7
}

impl<K: Hash + Eq + Clone, A: Aggregate + Clone> PaneOperator<K, A> {
    /// An operator without state, its watermark at the beginning of time.
    ///
    /// # Errors
    /// [`OperatorError::Lateness`] for a negative lateness.
    pub fn new(sliding: Sliding, allowed_lateness: i64) -> Result<Self, OperatorError> {
        if allowed_lateness < 0 {
            return Err(OperatorError::Lateness(allowed_lateness));
        }
        let width = width(sliding.size(), sliding.slide());
        Ok(Self {
            grid: Tumbling::new(width, sliding.offset() % width)?,
            sliding,
            allowed_lateness,
            watermark: i64::MIN,
            store: Store::new(1),
            due: Vec::new(),
        })
    }

    /// Takes one event. Windows that have ended and are still held fire at once, newest first.
    ///
    /// # Errors
    /// [`OperatorError::Assign`] for an event without a time: nothing changed. [`OperatorError::Overflow`] is fatal.
    #[inline]
    pub fn on_event(
        &mut self,
        key: &K,
        value: &A::Value,
        time: i64,
        mut emit: impl FnMut(Firing<'_, K, A>),
    ) -> Result<Placed, OperatorError> {
        if time == i64::MIN {
            return Err(AssignError::NoTimestamp.into());
        }
        let slot = self.store.slot(key);
        // The newest pane, and all its windows still to come: nearly every event, and no division.
        if let Some(newest) = self.store.queue(slot, 0).back_mut()
            && newest.window.contains(time)
            && let Some(pane) = &mut newest.state
            && pane.oldest > self.watermark
        {
            pane.state.add(value)?;
            return Ok(Placed {
                taken: pane.windows,
                ..Placed::default()
            });
        }
        self.anywhere(slot, value, time, &mut emit)
    }

    /// An event of any pane, late or not.
    #[cold]
    #[inline(never)]
    fn anywhere(
        &mut self,
        slot: usize,
        value: &A::Value,
        time: i64,
        emit: &mut impl FnMut(Firing<'_, K, A>),
    ) -> Result<Placed, OperatorError> {
        let mut placed = Placed::default();
        let mut ended = Vec::new();
        for window in self.sliding.assign(time) {
            if self.cleanup_time(window) <= self.watermark {
                placed.refuse(0);
                continue;
            }
            placed.taken += 1;
            if window.max_timestamp() <= self.watermark {
                ended.push(window);
            }
        }
        if placed.taken > 0 {
            self.add(slot, value, time)?;
        }
        for window in ended {
            self.fire(slot, window, emit)?;
        }
        self.store.release_if_empty(slot);
        placed.side_output = placed.taken == 0 && time.saturating_add(self.allowed_lateness) <= self.watermark;
        Ok(placed)
    }

    /// Adds a value to the pane of its time, which may be any of its key; one that is not there yet is opened in its place in
    /// the queue, with the value in it.
    fn add(&mut self, slot: usize, value: &A::Value, time: i64) -> Result<(), OperatorError> {
        // TASK 7: add a value to its pane
        let bounds = self.grid.assign(time);
        let queue = self.store.queue(slot, 0);
        match state::place(queue, bounds.start) {
            Ok(at) => {
                if let Some(pane) = &mut queue[at].state {
                    pane.state.add(value)?;
                }
            }
            Err(at) => self.open(slot, at, bounds, A::first(value)),
        }
        Ok(())
        // END TASK 7
    }

    /// Opens a pane at a place in the queue of its key, and has the key come up for it.
    fn open(&mut self, slot: usize, at: usize, bounds: Window, state: A) {
        let windows = self.sliding.assign(bounds.start);
        let mut held = Held::new(bounds);
        held.state = Some(Pane {
            windows: windows.clone().count() as u32,
            oldest: windows.last().map_or(i64::MAX, Window::max_timestamp),
            state,
        });
        self.store.insert(slot, 0, at, held);
        self.plan(slot, self.watermark);
    }

    /// Hands a window of a key to the closure, put together from the panes that lie in it, oldest first. One without any says
    /// nothing. The panes stay as they are.
    fn fire(
        &mut self,
        slot: usize,
        window: Window,
        emit: &mut impl FnMut(Firing<'_, K, A>),
    ) -> Result<(), OperatorError> {
        // TASK 7: put a window together from its panes
        let (key, queue) = self.store.key_and_queue(slot, 0);
        let from = queue.partition_point(|held| held.window.start < window.start);
        let to = queue.partition_point(|held| held.window.start < window.end);
        let mut panes = queue.range(from..to).filter_map(|held| held.state.as_ref());
        if let (Some(key), Some(first)) = (key, panes.next()) {
            let mut state = first.state.clone();
            for pane in panes {
                state.merge(pane.state.clone())?;
            }
            emit(Firing {
                key,
                lane: 0,
                window,
                state: &state,
            });
        }
        Ok(())
        // END TASK 7
    }

    /// The first window of a key that ends after `time`, last milliseconds compared, and has a pane in it.
    fn next_window(&mut self, slot: usize, time: i64) -> Option<Window> {
        let sliding = self.sliding;
        let after = |window: &Window| window.max_timestamp() > time;
        let queue = self.store.queue(slot, 0);
        // All windows of a pane have ended once its newest has.
        let first =
            queue.partition_point(|held| !sliding.assign(held.window.start).next().is_some_and(|it| after(&it)));
        let pane = queue.get(first)?;
        sliding.assign(pane.window.start).take_while(after).last()
    }

    fn cleanup_time(&self, window: Window) -> i64 {
        window.cleanup_time(self.allowed_lateness)
    }

    /// When a pane is gone: with its newest window.
    fn gone(&self, pane: Window) -> i64 {
        let newest = self.sliding.assign(pane.start).next();
        newest.map_or(i64::MIN, |newest| self.cleanup_time(newest))
    }

    /// Has a key come up when its next window after `time` ends or its oldest pane is gone, whichever is first, if that is
    /// sooner than what is planned.
    fn plan(&mut self, slot: usize, time: i64) {
        let end = self.next_window(slot, time).map_or(i64::MAX, Window::max_timestamp);
        let oldest = self.store.queue(slot, 0).front().map(|held| held.window);
        let next = oldest.map_or(i64::MAX, |oldest| self.gone(oldest)).min(end);
        if self.due.len() <= slot {
            self.due.resize(slot + 1, i64::MAX);
        }
        if next < self.due[slot] {
            self.due[slot] = next;
            let entry = Entry {
                slot: slot as u32,
                lane: 0,
                start: 0,
            };
            self.store.timers.set(next, entry);
        }
    }

    /// Moves the watermark on and fires what it reaches. A watermark never goes back: a smaller one does nothing.
    ///
    /// # Errors
    /// [`OperatorError::Overflow`], as windows are put together here. It is fatal.
    #[inline]
    pub fn on_watermark(
        &mut self,
        watermark: i64,
        mut emit: impl FnMut(Firing<'_, K, A>),
    ) -> Result<(), OperatorError> {
        if watermark <= self.watermark {
            return Ok(());
        }
        self.watermark = watermark;
        while self.store.timers.due(watermark)
            && let Some((time, group)) = self.store.timers.pop(watermark)
        {
            for entry in &group {
                let slot = entry.slot as usize;
                if self.due[slot] == time {
                    self.on_due(slot, time, &mut emit)?;
                }
            }
            self.store.timers.recycle(group);
        }
        Ok(())
    }

    /// A key comes up: the window that ends now fires, the panes whose time is over go, and the next time is set.
    fn on_due(&mut self, slot: usize, time: i64, emit: &mut impl FnMut(Firing<'_, K, A>)) -> Result<(), OperatorError> {
        let ending = self.sliding.assign(time).last();
        if let Some(window) = ending.filter(|window| window.max_timestamp() == time) {
            self.fire(slot, window, emit)?;
        }
        while let Some(oldest) = self.store.queue(slot, 0).front().map(|held| held.window)
            && self.gone(oldest) <= time
        {
            self.store.remove(slot, 0, 0);
        }
        self.due[slot] = i64::MAX;
        self.plan(slot, time);
        self.store.release_if_empty(slot);
        Ok(())
    }

    /// How far event time has come.
    pub fn watermark(&self) -> i64 {
        self.watermark
    }

    /// How many panes are held.
    pub fn open_panes(&self) -> usize {
        self.store.open()
    }

    /// How many keys have panes.
    pub fn keys(&self) -> usize {
        self.store.keys()
    }
}
