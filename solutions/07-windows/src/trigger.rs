//! When a window speaks.
//!
//! The base rule needs no setting: in event time a window fires when the watermark reaches its last millisecond, and
//! again for every late value until its state is dropped; in processing time it fires when the clock gets there. Around
//! it there are two choices: whether a firing empties the window, and whether it also fires early.

/// What a firing does to the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
pub enum Accumulation {
    /// The state stays: every firing says everything that is known. A reader replaces the older result.
    #[default]
    Accumulating,
    /// The state is emptied (Flink: a purging trigger): every firing says what came since the last. A reader adds up.
    Discarding,
}

/// Results before the end of the window. Both go by the watermark, never by a clock: a replay of the log fires the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
pub enum Early {
    /// None.
    #[default]
    Never,
    /// Whenever the watermark enters another whole multiple of this many milliseconds, every window that changed since
    /// it last fired. No firing ever repeats the one before it: not this one, and not that of the window's end.
    ChangedEvery(i64),
    /// Per window, at every whole multiple of this many milliseconds past its first value, changed or not (Flink:
    /// `ContinuousEventTimeTrigger`, which rounds towards 1970: before it the first beat is one multiple later).
    ContinuousEvery(i64),
}

/// When a window fires and what becomes of its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
pub struct Trigger {
    /// What a firing does to the state.
    pub accumulation: Accumulation,
    /// Firings before the end.
    pub early: Early,
}
