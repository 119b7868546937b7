//! Upbit on the wire: a seeded generator and replayed captures served over WebSocket and REST, with faults.
//!
//! ```no_run
//! # async fn example() -> Result<(), exchange::ExchangeError> {
//! use exchange::{Exchange, ExchangeConfig, Rate, Source};
//!
//! let source = Source::Generate { seed: 1, markets: 120, rate: Rate::PerSecond(2_000.0) };
//! let exchange = Exchange::start(ExchangeConfig::new(source, "/tmp/journal")).await?;
//! println!("{} {}", exchange.ws_url(), exchange.rest_url()); // clients may connect and subscribe
//! exchange.begin(); // from here on trades are executed
//! exchange.faults().drop_sockets();
//! exchange.finish().await; // no more trades; everything queued is on the sockets, the journal is whole
//! # Ok(())
//! # }
//! ```

#[doc(hidden)]
pub mod bench;
pub mod capture;
mod config;
mod counters;
mod error;
mod exchange;
mod executor;
mod faults;
mod hub;
pub mod journal;
mod server;
pub mod source;

pub use config::{ExchangeConfig, Limits, Rate, Source, UnknownRate};
pub use counters::Counters;
pub use error::{CaptureError, ExchangeError, JournalError};
pub use exchange::Exchange;
pub use faults::{BadFrame, Faults, UnknownBadFrame};

/// Microseconds since 1970-01-01 UTC.
pub(crate) fn now_us() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
