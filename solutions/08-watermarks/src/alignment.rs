//! Holding fast inputs back.
//!
//! An input that runs ahead of the slowest fills the state with windows that cannot close yet. So what is ahead by more
//! than a drift is not read until the others have come closer. Results do not change; memory and the burst at the end do.

use market::EventTime;

/// A drift below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the allowed drift must be at least 0 ms, not {0}")]
pub struct AlignmentError(pub i64);

/// How far inputs may be apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alignment {
    max_drift_ms: i64,
}

impl Alignment {
    /// Inputs may be `max_drift_ms` ahead of the slowest.
    ///
    /// # Errors
    /// [`AlignmentError`].
    pub const fn new(max_drift_ms: i64) -> Result<Self, AlignmentError> {
        if max_drift_ms < 0 {
            return Err(AlignmentError(max_drift_ms));
        }
        Ok(Self { max_drift_ms })
    }

    /// The furthest watermark that may still be read on; `None` without inputs.
    ///
    /// Idle inputs do not belong into `watermarks`: one that has no records would hold all others back for ever. One
    /// that has not begun, at [`EventTime::MIN`], does: it holds back everything that has.
    pub fn limit(&self, watermarks: impl IntoIterator<Item = EventTime>) -> Option<EventTime> {
        watermarks
            .into_iter()
            .min()
            .map(|slowest| slowest.saturating_add(self.max_drift_ms))
    }

    /// Which inputs to pause: those ahead of the limit. The rest may be read, so at least one always may.
    pub fn pauses<'a, Id: Copy + 'a>(
        &self,
        inputs: impl IntoIterator<Item = (Id, EventTime)> + Clone + 'a,
    ) -> impl Iterator<Item = Id> + 'a {
        let limit = self.limit(inputs.clone().into_iter().map(|(_, watermark)| watermark));
        inputs
            .into_iter()
            .filter(move |(_, watermark)| limit.is_some_and(|limit| *watermark > limit))
            .map(|(id, _)| id)
    }
}
