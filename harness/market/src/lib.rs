//! The words of the domain: markets, trades, candles, exact decimals, event time; no I/O.
//!
//! Every part of the pipeline speaks in these types, so that two parts never need to know each other.

mod candle;
mod code;
mod decimal;
mod frame;
mod interval;
pub mod record;
pub mod tables;
mod time;
mod trade;

pub use candle::Candle;
pub use code::{Market, MarketError};
pub use decimal::{Amount, Decimal, DecimalError, Fixed};
pub use frame::{Decode, Frame, Reason, Undecodable};
pub use interval::Interval;
pub use record::Encoding;
pub use time::EventTime;
pub use trade::{Identity, Position, Side, Trade, TradeError};
