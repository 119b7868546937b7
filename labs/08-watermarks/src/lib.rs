//! Watermarks: how far event time has come, per partition and over all of them.
//!
//! A watermark *w* says: nothing at or before *w* is still to come. It is a promise kept by a guess, so it never goes
//! back, and what comes behind it is late. The rules are Apache Flink's: the newest time seen, minus the bound on
//! disorder, minus one millisecond, because the newest time itself may come again; over several inputs the smallest of
//! those that are not idle.
//!
//! Inside a partition the watermark decides which trades are late, and is a function of the log alone. Over partitions
//! it only says what is complete: no row depends on it, because how far partitions are apart depends on who read when.
//!
//! Event time is `market::EventTime` (`harness/market/src/time.rs`): milliseconds since 1970 as an `i64`, with
//! `EventTime::MIN`, `EventTime::MAX` and additions that stop at these ends instead of wrapping round.

mod alignment;
mod combiner;
mod completeness;
mod generator;
mod idleness;

pub use alignment::{Alignment, AlignmentError, Changes, Reading};
pub use combiner::Combiner;
pub use completeness::{Completeness, WindowState, WindowsError, complete_until};
pub use generator::{Ascending, BoundedOutOfOrderness, NegativeBound};
pub use idleness::{Idleness, TimeoutError};
