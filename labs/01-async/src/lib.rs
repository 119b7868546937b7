//! The feed: a WebSocket client that connects, subscribes, keeps alive, reconnects, repairs gaps over REST, and hands trades
//! over with a bound.
//!
//! [`connect`] starts it; [`Batch`]es come out of a bounded channel; [`Feed`] drains, stops and tells how it stands. A full
//! channel stops the reading of the socket, so that a slow consumer slows the exchange's sending, and nothing is dropped.
//!
//! What needs no socket has none: [`backoff`] says how long to wait, [`pulse`] whether a connection lives, [`gaps`] what is missing.

pub mod backoff;
mod config;
mod connection;
mod feed;
pub mod gaps;
pub mod pulse;
mod repair;
mod rest;
mod ring;
mod session;
mod stats;
mod transport;

pub use config::{ConfigError, FeedConfig};
pub use connection::subscription;
pub use feed::{Feed, FeedError, connect};
pub use stats::Stats;

/// What was received in one go: at least one trade or bad frame, in the order of arrival.
#[derive(Debug, Default)]
pub struct Batch {
    /// The trades.
    pub trades: Vec<Received>,
    /// The frames that could not be read.
    pub bad: Vec<BadFrame>,
}

/// A trade, and how it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// The trade.
    pub trade: market::Trade,
    /// Which way it came.
    pub origin: Origin,
    /// When its bytes were read from the socket: microseconds since 1970-01-01 UTC by the local clock.
    pub received_us: i64,
}

/// Which way a trade came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The newest trade of its market at the time of a subscription.
    Snapshot,
    /// As it happened.
    Realtime,
    /// Over REST, after a gap.
    Repair,
}

/// A frame that could not be read.
#[derive(Clone, Debug)]
pub struct BadFrame {
    /// Its bytes; of an oversized frame the first [`FeedConfig::oversized_kept`].
    pub bytes: bytes::Bytes,
    /// What is wrong with it.
    pub why: market::Undecodable,
    /// Where it came from: `websocket`.
    pub source: String,
    /// When it was read: microseconds since 1970-01-01 UTC by the local clock.
    pub received_us: i64,
}
