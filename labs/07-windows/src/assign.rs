//! Which windows a time falls into.

use crate::Window;

/// Why a window assigner cannot be, or cannot assign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssignError {
    /// Tumbling windows of no length, or an offset as long as the window.
    #[error("tumbling windows need size > 0 and abs(offset) < size, not size {size} and offset {offset}")]
    Tumbling {
        /// The size asked for.
        size: i64,
        /// The offset asked for.
        offset: i64,
    },
    /// Sliding windows of no length, or an offset as long as the slide.
    #[error("sliding windows need size > 0 and abs(offset) < slide, not size {size}, slide {slide}, offset {offset}")]
    Sliding {
        /// The size asked for.
        size: i64,
        /// The slide asked for.
        slide: i64,
        /// The offset asked for.
        offset: i64,
    },
    /// A session that ends before it begins.
    #[error("session windows need gap > 0, not {0}")]
    Gap(i64),
    /// No sizes, or more than 32, or one twice.
    #[error("several tumbling windows need 1 to 32 different sizes")]
    Sizes,
    /// The smallest time stands for "no timestamp".
    #[error("the record has no timestamp: was event time never assigned?")]
    NoTimestamp,
}

/// Whether the windows of this operator are moved against those of others, so that not all fire at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
pub enum Stagger {
    /// Not moved.
    #[default]
    Aligned,
    /// Moved by how far into a window the clock was when the first record came.
    Natural,
}

/// Start of the window of length `size` that `time` falls into: the latest multiple of `size`, moved by `offset`, that is
/// not after `time`. Times before 1970 are no exception. `offset` is already reduced to `[0, size)`. No time and no size
/// overflows; a start that lies before the beginning of time (`i64::MIN`) is the beginning of time.
#[inline]
pub(crate) fn start_of(time: i64, size: i64, offset: i64) -> i64 {
    todo!("task 1: the start of the window that a time falls into")
}

/// Windows side by side: each time falls into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Tumbling {
    size: i64,
    offset: i64,
    stagger: Stagger,
    moved: Option<i64>,
    reduced: i64,
}

impl Tumbling {
    /// Windows of `size` milliseconds that start at `offset` past the epoch, plus multiples; an offset may have either
    /// sign. Not staggered, and nothing settled yet; `reduced` is the offset that `start_of` takes.
    ///
    /// # Errors
    /// [`AssignError::Tumbling`] unless `size` is above 0 and `abs(offset) < size`, for every `i64`.
    pub fn new(size: i64, offset: i64) -> Result<Self, AssignError> {
        todo!("task 1: refuse what is no window, and reduce the offset")
    }

    /// The same windows, staggered.
    #[must_use]
    pub const fn staggered(mut self, stagger: Stagger) -> Self {
        self.stagger = stagger;
        self
    }

    /// Their length in milliseconds.
    #[inline]
    pub const fn size(&self) -> i64 {
        self.size
    }

    /// Settles the stagger at the first record. `processing_time` is only looked at then.
    #[inline]
    pub fn settle(&mut self, processing_time: i64) {
        if self.stagger == Stagger::Natural && self.moved.is_none() {
            let moved = processing_time.rem_euclid(self.size);
            self.moved = Some(moved);
            self.reduced = (self.reduced + moved) % self.size;
        }
    }

    /// The same windows before any stagger was settled.
    pub(crate) const fn unsettled(mut self) -> Self {
        self.moved = None;
        self.reduced = self.offset.rem_euclid(self.size);
        self
    }

    /// The window of `time`; one that would end after the end of time ends there.
    #[inline]
    pub fn assign(&self, time: i64) -> Window {
        todo!("task 1: the window of a time")
    }
}

/// Windows that overlap: each time falls into `size / slide` of them, rounded down or up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Sliding {
    size: i64,
    slide: i64,
    offset: i64,
}

impl Sliding {
    /// Windows of `size` milliseconds, one starting every `slide`. A slide longer than the size leaves gaps, which is
    /// allowed: a time in a gap has no window.
    ///
    /// # Errors
    /// [`AssignError::Sliding`] unless `size` and `slide` are above 0 and `abs(offset) < slide`, for every `i64`.
    pub fn new(size: i64, slide: i64, offset: i64) -> Result<Self, AssignError> {
        todo!("task 1: refuse what is no window")
    }

    /// Their length in milliseconds.
    pub const fn size(&self) -> i64 {
        self.size
    }

    /// From one start to the next, in milliseconds.
    pub const fn slide(&self) -> i64 {
        self.slide
    }

    /// How far the starts are moved against the multiples of the slide.
    pub const fn offset(&self) -> i64 {
        self.offset
    }

    /// The windows of `time`, newest first.
    #[inline]
    pub fn assign(&self, time: i64) -> Slides {
        Slides {
            time,
            size: self.size,
            slide: self.slide,
            start: Some(start_of(time, self.slide, self.offset.rem_euclid(self.slide))),
        }
    }
}

/// The sliding windows of one time, newest first.
#[derive(Clone, Debug)]
pub struct Slides {
    time: i64,
    size: i64,
    slide: i64,
    /// Where the next window starts, if it still holds the time; `None`: it would start before the beginning of time.
    start: Option<i64>,
}

impl Iterator for Slides {
    type Item = Window;

    /// The next older window that holds the time; none once a window ends at or before it. The first one starts at `start`,
    /// each other one a slide before the one before it; none starts before the beginning of time. A window that would end
    /// after the end of time ends there, and no sum or difference wraps round on the way.
    #[inline]
    fn next(&mut self) -> Option<Window> {
        todo!("task 1: the next older window that holds the time")
    }
}

/// Windows around bursts: a time opens `[time, time + gap)`, and windows that touch become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Session {
    gap: i64,
}

impl Session {
    /// Sessions that a quiet stretch of `gap` milliseconds ends.
    ///
    /// # Errors
    /// [`AssignError::Gap`] unless `gap > 0`.
    pub const fn new(gap: i64) -> Result<Self, AssignError> {
        if gap <= 0 {
            return Err(AssignError::Gap(gap));
        }
        Ok(Self { gap })
    }

    /// The window that `time` opens, before any merging.
    #[inline]
    pub fn assign(&self, time: i64) -> Window {
        Window::new(time, time.saturating_add(self.gap))
    }
}

/// How times become windows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Assigner {
    /// Side by side; with several sizes at once, each a lane of its own: one look at the key serves all of them.
    Tumbling(Vec<Tumbling>),
    /// Overlapping.
    Sliding(Sliding),
    /// Around bursts.
    Session(Session),
}

impl Assigner {
    /// Tumbling windows of one size.
    ///
    /// # Errors
    /// [`AssignError::Tumbling`].
    pub fn tumbling(size: i64, offset: i64) -> Result<Self, AssignError> {
        Ok(Self::Tumbling(vec![Tumbling::new(size, offset)?]))
    }

    /// Tumbling windows of several sizes at once, offset 0. Lane *i* of the operator holds the windows of `sizes[i]`.
    ///
    /// # Errors
    /// [`AssignError::Tumbling`]; [`AssignError::Sizes`] for no size, more than 32, or one twice.
    pub fn multi_tumbling(sizes: &[i64]) -> Result<Self, AssignError> {
        let distinct = sizes.iter().enumerate().all(|(i, size)| !sizes[..i].contains(size));
        if sizes.is_empty() || sizes.len() > 32 || !distinct {
            return Err(AssignError::Sizes);
        }
        let lanes = sizes.iter().map(|&size| Tumbling::new(size, 0));
        Ok(Self::Tumbling(lanes.collect::<Result<_, _>>()?))
    }

    /// Sliding windows.
    ///
    /// # Errors
    /// [`AssignError::Sliding`].
    pub fn sliding(size: i64, slide: i64, offset: i64) -> Result<Self, AssignError> {
        Sliding::new(size, slide, offset).map(Self::Sliding)
    }

    /// Session windows.
    ///
    /// # Errors
    /// [`AssignError::Gap`].
    pub fn session(gap: i64) -> Result<Self, AssignError> {
        Session::new(gap).map(Self::Session)
    }

    /// The same windows, staggered (tumbling windows only; others stay as they are).
    #[must_use]
    pub fn staggered(mut self, stagger: Stagger) -> Self {
        if let Self::Tumbling(lanes) = &mut self {
            lanes.iter_mut().for_each(|lane| *lane = lane.staggered(stagger));
        }
        self
    }

    /// How many windows side by side a time can fall into without overlapping in one list: the number of sizes.
    pub(crate) fn lanes(&self) -> usize {
        match self {
            Self::Tumbling(lanes) => lanes.len(),
            Self::Sliding(_) | Self::Session(_) => 1,
        }
    }

    /// The windows of `time`; sliding ones newest first, sessions before merging. For tests and tables: the operator
    /// does not build this list.
    ///
    /// # Errors
    /// [`AssignError::NoTimestamp`] for the smallest time, except from sessions.
    pub fn assign(&mut self, time: i64, processing_time: i64) -> Result<Vec<Window>, AssignError> {
        match self {
            Self::Session(session) => Ok(vec![session.assign(time)]),
            _ if time == i64::MIN => Err(AssignError::NoTimestamp),
            Self::Tumbling(lanes) => Ok(lanes
                .iter_mut()
                .map(|lane| {
                    lane.settle(processing_time);
                    lane.assign(time)
                })
                .collect()),
            Self::Sliding(sliding) => Ok(sliding.assign(time).collect()),
        }
    }
}
