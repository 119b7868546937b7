//! Watermarks of one ordered input: from the times in it.

use market::EventTime;

/// A bound on disorder below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bound on disorder must be at least 0 ms, not {0}")]
pub struct NegativeBound(pub i64);

/// Times that come at most a bound too late: the watermark is the newest time − bound − 1 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BoundedOutOfOrderness {
    newest: EventTime,
    bound_ms: i64,
}

impl BoundedOutOfOrderness {
    /// Nothing seen: the watermark is [`EventTime::MIN`].
    ///
    /// # Errors
    /// [`NegativeBound`].
    pub const fn new(bound_ms: i64) -> Result<Self, NegativeBound> {
        if bound_ms < 0 {
            return Err(NegativeBound(bound_ms));
        }
        Ok(Self {
            newest: EventTime::MIN,
            bound_ms,
        })
    }

    /// Takes the time of one record and gives the watermark after it.
    #[inline]
    pub fn observe(&mut self, time: EventTime) -> EventTime {
        self.newest = self.newest.max(time);
        self.watermark()
    }

    /// How far event time has come. Saturating: before the first record, and right after the beginning of time.
    #[inline]
    pub const fn watermark(&self) -> EventTime {
        self.newest.saturating_sub(self.bound_ms).saturating_sub(1)
    }

    /// The newest time seen; [`EventTime::MIN`] before the first.
    #[inline]
    pub const fn newest(&self) -> EventTime {
        self.newest
    }

    /// The bound, in milliseconds.
    pub const fn bound_ms(&self) -> i64 {
        self.bound_ms
    }
}

/// Times that never go back: a bound of zero. The watermark still stays 1 ms behind, because the newest time may repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Ascending(BoundedOutOfOrderness);

impl Default for Ascending {
    fn default() -> Self {
        Self(BoundedOutOfOrderness {
            newest: EventTime::MIN,
            bound_ms: 0,
        })
    }
}

impl Ascending {
    /// Takes the time of one record and gives the watermark after it.
    #[inline]
    pub fn observe(&mut self, time: EventTime) -> EventTime {
        self.0.observe(time)
    }

    /// How far event time has come.
    #[inline]
    pub const fn watermark(&self) -> EventTime {
        self.0.watermark()
    }
}
