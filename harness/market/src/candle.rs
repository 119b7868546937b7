//! A candle: what a window of trades comes to.

use crate::{Amount, Decimal, EventTime, Interval, Market, Position};

/// One version of a candle: open, high, low, close, volumes and count of one market over one interval.
///
/// Open and close are by (event time, sequential id), so that they do not depend on the order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Candle {
    /// The market.
    pub market: Market,
    /// How long it is.
    pub interval: Interval,
    /// Its first millisecond; it ends just before `start + interval`.
    pub start: EventTime,
    /// Price of the first trade.
    pub open: Decimal,
    /// Highest price.
    pub high: Decimal,
    /// Lowest price.
    pub low: Decimal,
    /// Price of the last trade.
    pub close: Decimal,
    /// Sum of volumes, in the base currency.
    pub volume: Decimal,
    /// Sum of price × volume, in the quote currency.
    pub quote_volume: Amount,
    /// How many trades.
    pub trades: u64,
    /// Where the last trade applied to it stands in the log: its version. A later version of a candle has a higher offset.
    pub version: Position,
}
