//! Windows that grow together: sessions.

use std::collections::VecDeque;
use std::ops::Range;

use crate::Window;

/// Windows that became one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// The windows, without repeats, by start.
    pub sources: Vec<Window>,
    /// What covers them.
    pub target: Window,
}

/// Which of `windows` become one: groups of at least two different ones that overlap or touch, by start.
pub fn merge_windows(windows: &[Window]) -> Vec<Merge> {
    let mut sorted = windows.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut groups: Vec<Merge> = Vec::new();
    for window in sorted {
        match groups.last_mut() {
            Some(group) if group.target.intersects(window) => {
                group.target = group.target.cover(window);
                group.sources.push(window);
            }
            _ => groups.push(Merge {
                sources: vec![window],
                target: window,
            }),
        }
    }
    groups.retain(|group| group.sources.len() > 1);
    groups
}

/// Something that stands for a window.
pub(crate) trait Spanning {
    fn window(&self) -> Window;
}

impl Spanning for Window {
    fn window(&self) -> Window {
        *self
    }
}

/// Which of `apart` the window touches, as [`Window::intersects`] has it. They are sorted, and no two of them touch each
/// other, so it is one range; an empty one begins where the window belongs.
pub(crate) fn touching<P: Spanning>(apart: &VecDeque<P>, window: Window) -> Range<usize> {
    todo!("task 6: the range of windows that a window touches")
}

/// What adding a window did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// The window that now holds it.
    pub window: Window,
    /// The windows that were replaced by it. Empty when it is new, or lies within one that did not change.
    pub sources: Vec<Window>,
}

impl Added {
    /// Whether windows changed: their timers must be set again and their states put together.
    pub fn merged(&self) -> bool {
        !self.sources.is_empty()
    }
}

/// The windows of one key, kept apart: whatever touches is merged as it comes in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergingWindowSet {
    apart: VecDeque<Window>,
}

impl MergingWindowSet {
    /// Adds a window and merges it with all that it touches, however many it bridges.
    pub fn add(&mut self, window: Window) -> Added {
        let range = touching(&self.apart, window);
        let covered = self.apart.range(range.clone()).fold(window, |all, one| all.cover(*one));
        if range.len() == 1 && self.apart[range.start] == covered {
            return Added {
                window: covered,
                sources: Vec::new(),
            };
        }
        let sources = self.apart.drain(range.clone()).collect();
        self.apart.insert(range.start, covered);
        Added {
            window: covered,
            sources,
        }
    }

    /// Forgets a window: it is late, or its time is over. Says whether it was there.
    pub fn retire(&mut self, window: Window) -> bool {
        match self.apart.iter().position(|one| *one == window) {
            Some(at) => self.apart.remove(at).is_some(),
            None => false,
        }
    }

    /// The windows, by start.
    pub fn windows(&self) -> impl Iterator<Item = Window> + '_ {
        self.apart.iter().copied()
    }
}
