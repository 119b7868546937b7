//! What a window operator is told, and what it answers.

use crate::assign::{AssignError, Assigner};
use crate::{Overflow, Trigger, Window};

/// Which time an operator goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
pub enum TimeDomain {
    /// The time in the event, and the watermark.
    #[default]
    Event,
    /// The clock when the event arrives; nothing is ever late, and no two runs need agree.
    Processing,
}

/// What a window operator does.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Config {
    /// How times become windows.
    pub assigner: Assigner,
    /// Which time counts.
    pub domain: TimeDomain,
    /// When a window fires.
    pub trigger: Trigger,
    /// How long a window's state outlives its end, in milliseconds of event time; not negative.
    pub allowed_lateness: i64,
}

impl Config {
    /// Event time, no lateness, accumulating, one firing.
    pub fn new(assigner: Assigner) -> Self {
        Self {
            assigner,
            domain: TimeDomain::Event,
            trigger: Trigger::default(),
            allowed_lateness: 0,
        }
    }
}

/// Why an operator cannot be built, or cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperatorError {
    /// An event without a time.
    #[error(transparent)]
    Assign(#[from] AssignError),
    /// An aggregate that left its type. The operator must not be used any further.
    #[error(transparent)]
    Overflow(#[from] Overflow),
    /// Lateness cannot be negative.
    #[error("the allowed lateness must be at least 0 ms, not {0}")]
    Lateness(i64),
    /// Early firings need a cadence.
    #[error("the cadence of early firings must be at least 1 ms, not {0}")]
    Cadence(i64),
    /// Early firings go by the watermark.
    #[error("early firings go by event time; in processing time there are none")]
    EarlyNeedsEventTime,
}

/// A window that fires: look at it, take what is needed.
#[derive(Debug)]
pub struct Firing<'a, K, A> {
    /// Whose window.
    pub key: &'a K,
    /// Which of the assigner's sizes; 0 unless there are several.
    pub lane: usize,
    /// The window. The result's time is its [`Window::max_timestamp`].
    pub window: Window,
    /// Everything it holds.
    pub state: &'a A,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Placed {
    /// How many windows took it.
    pub taken: u32,
    /// How many windows were over before it came: their state is gone.
    pub too_late: u32,
    /// Which lanes those were, as bits.
    pub too_late_lanes: u32,
    /// Whether it belongs into the late side output: no window took it, and it is behind the watermark by more than
    /// the allowed lateness. An event that is too late for some of its windows only is kept for the others.
    pub side_output: bool,
}

impl Placed {
    /// Notes that the window of a lane was over.
    pub(crate) fn refuse(&mut self, lane: usize) {
        todo!("task 5: note a window that was over")
    }
}
