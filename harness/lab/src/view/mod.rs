//! What a run looks like: one [`View`] of plain values, and two ways to draw it. Nothing here asks or waits, so that a
//! test can draw any moment of a run.

mod candlesticks;
mod dashboard;
mod happenings;
mod panels;
mod plain;
mod screen;

use std::time::Duration;

pub use dashboard::draw;
pub use plain::{heads, line};
pub(crate) use screen::events;
pub use screen::{Key, Screen};

/// A moment of a run.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// What runs, such as `generate · 120 markets · 2,000/s · json`.
    pub title: String,
    /// Folders of the labs whose code runs instead of the reference.
    pub mine: Vec<String>,
    /// Since the first trade.
    pub elapsed: Duration,
    /// When it is to end; absent when it goes on until it is stopped.
    pub limit: Option<Duration>,
    /// Where the run stands.
    pub phase: Phase,
    /// Whether its end was wished for; the next wish is for an end at once.
    pub wished: bool,
    /// The stages, from the exchange to the table.
    pub stages: Vec<Stage>,
    /// How long the stages' rates look back; absent while there are none.
    pub rates_over: Option<Duration>,
    /// The partitions of the topic.
    pub partitions: Vec<Partition>,
    /// From the exchange's send time to the acknowledged row, over the last seconds.
    pub latency: Option<Latency>,
    /// For how long there has been no row although trades are on their way; absent while rows arrive.
    pub stalled: Option<Duration>,
    /// Rows per second, one value for each second, newest last.
    pub rows_per_second: Vec<u64>,
    /// Candle rows so far.
    pub candle_rows: u64,
    /// The busiest markets' candles, busiest first.
    pub charts: Vec<Chart>,
    /// The faults of the run, in the order in which they strike.
    pub faults: Vec<Fault>,
    /// What else happened, oldest first.
    pub events: Vec<Event>,
}

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Trades flow.
    #[default]
    Running,
    /// The run is to end, but trades still flow. With what it waits for.
    Ending(String),
    /// The exchange pauses while the round with this number is audited.
    Auditing(usize),
    /// No more trades are executed; what is on its way arrives. With what it waits for.
    Draining(String),
}

/// One stage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stage {
    /// Its name.
    pub name: &'static str,
    /// Trades per second over [`View::rates_over`].
    pub rate: Option<f64>,
    /// Trades so far; absent where nobody counts (a real exchange).
    pub total: Option<u64>,
    /// Trades that the stage before has done and this one has not.
    pub waiting: Option<u64>,
}

/// One partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partition {
    /// Its number.
    pub id: i32,
    /// Records that no worker has applied; absent when nobody knows the end of the partition.
    pub lag: Option<u64>,
    /// How far the watermark is behind the clock, milliseconds; absent before the first trade.
    pub delay_ms: Option<i64>,
    /// Whether it counts as idle.
    pub idle: bool,
    /// Which worker owns it; empty while nobody does.
    pub worker: String,
}

/// Latency, milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Latency {
    /// Median.
    pub p50: f64,
    /// 99 of 100 are not above it.
    pub p99: f64,
    /// 999 of 1,000 are not above it.
    pub p999: f64,
}

/// A market's candles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// Market and interval, such as `KRW-BTC 1s`.
    pub name: String,
    /// Oldest first, one for each interval; absent where nothing was traded.
    pub candles: Vec<Option<Candle>>,
    /// Start of the newest, milliseconds since 1970-01-01 UTC.
    pub newest_ms: i64,
    /// Length of one, milliseconds.
    pub interval_ms: i64,
}

/// A candle to look at. Floating point, because a picture has fewer pixels than a price has digits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Candle {
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
}

/// A fault of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// Its name.
    pub name: String,
    /// When it is to strike.
    pub at: Duration,
    /// How it went so far.
    pub state: FaultState,
    /// When that was known, if it is over.
    pub over: Duration,
}

/// How far a fault has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FaultState {
    /// Its time has not come.
    #[default]
    Waiting,
    /// It is being done.
    Striking,
    /// It struck; in a sentence what happened.
    Struck(String),
    /// It did not; why.
    Missed(String),
}

/// Something worth a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Duration,
    /// What.
    pub text: String,
    /// Whether it is trouble.
    pub trouble: bool,
}

#[cfg(test)]
mod tests;
