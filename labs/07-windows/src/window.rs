//! A stretch of time, open at its end.

/// The half-open interval `[start, end)`, in milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Window {
    /// First millisecond in it.
    pub start: i64,
    /// First millisecond after it.
    pub end: i64,
}

impl Window {
    /// The window `[start, end)`.
    #[inline]
    pub const fn new(start: i64, end: i64) -> Self {
        Self { start, end }
    }

    /// The last millisecond in it: it fires when the watermark gets here, and its results carry this time.
    #[inline]
    pub fn max_timestamp(self) -> i64 {
        todo!("task 3: the last millisecond of a window")
    }

    /// Whether `time` lies in it.
    #[inline]
    pub const fn contains(self, time: i64) -> bool {
        self.start <= time && time < self.end
    }

    /// Whether the two share a millisecond or touch. Touching counts: two sessions exactly a gap apart are one.
    #[inline]
    pub const fn intersects(self, other: Self) -> bool {
        self.start <= other.end && self.end >= other.start
    }

    /// The smallest window that holds both.
    #[inline]
    pub fn cover(self, other: Self) -> Self {
        Self::new(self.start.min(other.start), self.end.max(other.end))
    }

    /// When its state may be dropped: the allowed lateness after its last millisecond, at most the end of time.
    #[inline]
    pub fn cleanup_time(self, allowed_lateness: i64) -> i64 {
        todo!("task 3: when a window's state may be dropped")
    }
}
