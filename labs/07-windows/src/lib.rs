//! The window operator: assignment, keyed state, timers, allowed lateness and firing, in event time.
//!
//! The rules are Apache Flink's (see "Dataflow Model", Akidau et al., VLDB 2015, for where they come from): a window
//! `[start, end)` fires when the watermark reaches `end - 1`, is kept for the allowed lateness, fires again for every
//! late trade meanwhile, and is gone once the watermark reaches `end - 1 + allowed lateness`.
//!
//! [`WindowOperator`] is general: any key, any [`Aggregate`], tumbling, sliding and session windows.
//! [`PaneOperator`] does the same for sliding windows alone, and adds each value once instead of once per window.
//! [`CandleOperator`] is what the pipeline runs: one per partition, four lengths of candle. [`Repeats`] stands before
//! it and drops the records that a producer wrote twice. All are pure functions of one partition's log: no clock,
//! no other partition. That is what makes a snapshot at offset *n* worth anything.

mod aggregate;
mod assign;
mod candles;
mod config;
mod early;
mod encoding;
mod lateness;
mod merging;
mod ohlcv;
mod operator;
mod panes;
mod repeats;
mod sessions;
mod snapshot;
mod state;
mod timers;
mod trigger;
mod window;

pub use aggregate::{Aggregate, Overflow, Sum};
pub use assign::{AssignError, Assigner, Session, Slides, Sliding, Stagger, Tumbling};
pub use candles::{CandleConfig, CandleOperator, Counters, Intervals, Outcome};
pub use config::{Config, Firing, OperatorError, Placed, TimeDomain};
pub use encoding::SnapshotError;
pub use merging::{Added, Merge, MergingWindowSet, merge_windows};
pub use ohlcv::{Ohlcv, Tick};
pub use operator::WindowOperator;
pub use panes::PaneOperator;
pub use repeats::Repeats;
pub use trigger::{Accumulation, Early, Trigger};
pub use window::Window;
