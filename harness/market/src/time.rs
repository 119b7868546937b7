//! Event time.

use std::fmt;

/// When something happened at its source: milliseconds since 1970-01-01 UTC.
///
/// A type of its own, because the commonest mistake of a streaming job is to compare event time with a clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct EventTime(i64);

impl EventTime {
    /// Before everything: where a watermark starts.
    pub const MIN: Self = Self(i64::MIN);
    /// After everything: the watermark of a stream that has ended.
    pub const MAX: Self = Self(i64::MAX);

    /// From milliseconds since 1970-01-01 UTC.
    #[inline]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01 UTC.
    #[inline]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Later by `millis`; stops at the ends instead of wrapping round, because a wrapped clean-up time means "already late".
    #[inline]
    pub const fn saturating_add(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Earlier by `millis`; stops at the ends.
    #[inline]
    pub const fn saturating_sub(self, millis: i64) -> Self {
        Self(self.0.saturating_sub(millis))
    }
}

impl fmt::Debug for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::MIN => f.write_str("MIN"),
            Self::MAX => f.write_str("MAX"),
            Self(millis) => write!(f, "{millis}ms"),
        }
    }
}
