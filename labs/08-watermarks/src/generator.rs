//! Watermarks of one ordered input: from the times in it.

use market::EventTime;

/// A bound on disorder below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bound on disorder must be at least 0 ms, not {0}")]
pub struct NegativeBound(pub i64);

/// Times that come at most a bound too late: the watermark is the newest time − bound − 1 ms.
///
/// Its state can be written and read again (`serde`); what is read is checked like a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Written")]
pub struct BoundedOutOfOrderness {
    /// The newest time seen; [`EventTime::MIN`] before the first.
    newest: EventTime,
    bound_ms: i64,
}

impl BoundedOutOfOrderness {
    /// Nothing seen: the watermark is [`EventTime::MIN`].
    ///
    /// # Errors
    /// [`NegativeBound`] with the bound that was given; 0 is allowed.
    pub fn new(bound_ms: i64) -> Result<Self, NegativeBound> {
        todo!("task 1: a generator that has seen nothing, or why not")
    }

    /// Takes the time of one record and gives the watermark after it. An older record moves nothing back.
    #[inline]
    pub fn observe(&mut self, time: EventTime) -> EventTime {
        todo!("task 1: take a record's time and say the watermark after it")
    }

    /// How far event time has come: the newest time − bound − 1 ms. Where that lies before the beginning of time (no
    /// record yet, or the first ones right after [`EventTime::MIN`]), it is [`EventTime::MIN`]: it never wraps round.
    #[inline]
    pub fn watermark(&self) -> EventTime {
        todo!("task 1: how far event time has come")
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

/// A state as it was written, not yet believed.
#[derive(serde::Deserialize)]
struct Written {
    newest: EventTime,
    bound_ms: i64,
}

impl TryFrom<Written> for BoundedOutOfOrderness {
    type Error = NegativeBound;

    /// The generator that was written: same newest time, same bound.
    ///
    /// # Errors
    /// [`NegativeBound`], like [`BoundedOutOfOrderness::new`]: with such a bound the watermark would be ahead of the records.
    fn try_from(written: Written) -> Result<Self, NegativeBound> {
        todo!("task 1: the generator that was written, or why not")
    }
}

/// Times that never go back: a bound of zero. The watermark still stays 1 ms behind, because the newest time may repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Ascending(BoundedOutOfOrderness);

impl Default for Ascending {
    /// Nothing seen: the watermark is [`EventTime::MIN`].
    fn default() -> Self {
        todo!("task 1: an ascending input that has seen nothing")
    }
}

impl Ascending {
    /// Takes the time of one record and gives the watermark after it: the newest time − 1 ms.
    #[inline]
    pub fn observe(&mut self, time: EventTime) -> EventTime {
        todo!("task 1: the same for times that never go back")
    }

    /// How far event time has come.
    #[inline]
    pub fn watermark(&self) -> EventTime {
        self.0.watermark()
    }
}
