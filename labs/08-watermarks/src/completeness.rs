//! What may be shown as complete: windows of one length under a watermark.

use market::EventTime;

/// Everything before this time is complete under that watermark: a window that ends here or earlier is complete. `None`
/// before the first watermark ([`EventTime::MIN`]). Under the watermark of a stream that has ended ([`EventTime::MAX`])
/// it is [`EventTime::MAX`], which then means everything, that last millisecond included.
pub fn complete_until(watermark: EventTime) -> Option<EventTime> {
    todo!("task 5: everything before which time is complete")
}

/// Windows that cannot be laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowsError {
    /// A length of nothing, or less.
    #[error("a window must be at least 1 ms long, not {0}")]
    Length(i64),
    /// An offset of a whole window or more only renames the windows.
    #[error("the offset must be shorter than the window of {length_ms} ms, not {offset_ms} ms")]
    Offset {
        /// The length of a window.
        length_ms: i64,
        /// The offset, of either sign.
        offset_ms: i64,
    },
}

/// Whether all of a window is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowState {
    /// More may come, or nothing is known. Before the first watermark every window is open, whatever it holds: that is so
    /// after each restart, also for windows that were shown as complete before it. A display that must not go back keeps
    /// the last [`Completeness::until`] it has shown.
    Open,
    /// The watermark says that nothing for it is to come. What comes all the same is late.
    Complete,
}

/// Windows of one length, laid end to end over all of event time, and which of them a dashboard may call complete.
///
/// Window bounds are the times `offset + n × length` for every whole n, before 1970 as well; a window holds its start and
/// not its end. The two windows at the ends of time may reach beyond what an [`EventTime`] can say; then what can be said
/// of them counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completeness {
    length_ms: i64,
    offset_ms: i64,
}

impl Completeness {
    /// Windows of `length_ms`, shifted by `offset_ms`: a day in Seoul is 86,400,000 ms long with an offset of −9 h.
    ///
    /// # Errors
    /// [`WindowsError::Length`] unless the length is at least 1 ms; else [`WindowsError::Offset`] unless the offset, whatever
    /// its sign, is shorter than the length.
    pub fn new(length_ms: i64, offset_ms: i64) -> Result<Self, WindowsError> {
        todo!("task 5: windows that can be laid out, or why not")
    }

    /// The end of the newest complete window: the last bound at or before [`complete_until`] of this watermark. Every row of
    /// a window that ends here or earlier may be shown as complete.
    ///
    /// `None` before the first watermark, and while no window that holds any time has ended (no bound after
    /// [`EventTime::MIN`]). [`EventTime::MAX`] if the stream has ended: everything.
    pub fn until(&self, watermark: EventTime) -> Option<EventTime> {
        todo!("task 5: up to which window end everything is complete")
    }

    /// The state of the window that holds `time`: complete from the watermark on that is the window's last millisecond, so
    /// a window that ends at watermark + 1 is complete and one that ends at watermark + 2 is open. A window that would end
    /// after [`EventTime::MAX`] has that as its last millisecond.
    pub fn state(&self, time: EventTime, watermark: EventTime) -> WindowState {
        todo!("task 5: whether the window that holds a time is complete")
    }

    /// The start of the window that holds `time`, in milliseconds. Wide, because it may lie before [`EventTime::MIN`].
    fn start_of(&self, time: EventTime) -> i128 {
        todo!("task 5: where a window starts")
    }
}
