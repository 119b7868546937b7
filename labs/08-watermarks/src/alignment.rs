//! Holding fast inputs back.
//!
//! An input that runs ahead of the slowest fills the state with windows that cannot close yet. So what is too far ahead
//! is not read until the others have come closer. Results do not change; memory and the burst at the end do.

use market::EventTime;

/// Drifts that make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlignmentError {
    /// A drift below zero: the slowest would be ahead of itself, and nothing would be read.
    #[error("a drift must be at least 0 ms, not {0}")]
    Negative(i64),
    /// Reading would go on where it has to stop.
    #[error("reading goes on at {resume_ms} ms ahead of the slowest, beyond the {pause_ms} ms at which it stops")]
    Crossed {
        /// From more than this ahead, an input is paused.
        pause_ms: i64,
        /// At this or less ahead, it is read again.
        resume_ms: i64,
    },
}

/// What is known of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading<Id> {
    /// Which one.
    pub id: Id,
    /// Its own watermark; [`EventTime::MIN`] if it has not begun.
    pub watermark: EventTime,
    /// Whether it is idle.
    pub idle: bool,
    /// Whether it is paused now.
    pub paused: bool,
}

/// What to change; an input in neither list stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes<Id> {
    /// Stop reading these; they are being read.
    pub pause: Vec<Id>,
    /// Read these again; they are paused.
    pub resume: Vec<Id>,
}

/// How far inputs may be apart.
///
/// Two bounds, because pausing is not free: librdkafka throws away what it has fetched of a paused partition and asks for it
/// again afterwards (the Java client keeps it since 2.4, KAFKA-7548). With one bound, an input at the bound would be paused and resumed at every record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alignment {
    pause_ms: i64,
    resume_ms: i64,
}

impl Alignment {
    /// An input is paused when it is more than `pause_ms` ahead of the slowest, and read again when it is at most
    /// `resume_ms` ahead. Equal bounds are allowed, and so is 0.
    ///
    /// # Errors
    /// [`AlignmentError::Negative`] with the bound that is below zero (`pause_ms` if both are); else
    /// [`AlignmentError::Crossed`] if `resume_ms` is the larger one.
    pub fn new(pause_ms: i64, resume_ms: i64) -> Result<Self, AlignmentError> {
        todo!("task 4: two bounds that make sense together, or why not")
    }

    /// The furthest watermark at which an input that is being read is still read on: `pause_ms` after the slowest active
    /// input, at most [`EventTime::MAX`]. `None` if no input is active: then nothing has to be held back.
    ///
    /// Paused inputs count: they are slow once the others have passed them. One that has not begun counts: it holds back
    /// everything that has. Idle ones do not: one without records would hold all others back for ever.
    pub fn limit<Id>(&self, inputs: &[Reading<Id>]) -> Option<EventTime> {
        todo!("task 4: the furthest watermark that is still read on")
    }

    /// What to pause and what to resume now, each in the order of `inputs`.
    ///
    /// - An input that is read is paused if its watermark is beyond [`Alignment::limit`].
    /// - A paused one is resumed once it is at most `resume_ms` ahead of the slowest active input. In between, nothing
    ///   changes.
    /// - An idle one is never paused, and resumed if it is paused: only a record can wake it.
    ///
    /// So at least one input is read at any time: the slowest, or all if all are idle.
    pub fn decide<Id: Copy>(&self, inputs: &[Reading<Id>]) -> Changes<Id> {
        todo!("task 4: which inputs to pause and which to resume")
    }
}

/// The smallest watermark of the active inputs, whether they are paused or have begun; `None` if there is none.
fn slowest<Id>(inputs: &[Reading<Id>]) -> Option<EventTime> {
    todo!("task 4: the slowest that counts")
}
