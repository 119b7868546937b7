//! How the feed is set up.

use std::collections::HashSet;
use std::time::Duration;

use market::Market;
use url::Url;

use crate::backoff::Jitter;

/// How to reach an exchange and when to give up on a connection. [`FeedConfig::new`] has defaults that suit Upbit.
#[derive(Clone, Debug)]
pub struct FeedConfig {
    /// The WebSocket endpoint: `wss://api.upbit.com/websocket/v1`, or `ws://…`.
    pub ws: Url,
    /// What REST paths are appended to: `https://api.upbit.com/v1`, or `http://…`.
    pub rest: Url,
    /// The markets to subscribe to, all in one frame.
    pub markets: Vec<Market>,
    /// Certificates to trust beside the well-known authorities: PEM text.
    pub extra_ca_pem: Option<String>,
    /// Time limit of a connection attempt, from the name to the end of the WebSocket handshake.
    pub connect_limit: Duration,
    /// How often to send a PING. Upbit cuts a connection that was idle for 60 s, whatever its documents say.
    pub ping_every: Duration,
    /// A connection on which nothing at all arrived for so long, not even the PONG, is taken for dead. More than `ping_every`.
    pub silence_limit: Duration,
    /// How long after a subscription snapshots may still come.
    pub snapshot_wait: Duration,
    /// The bound of the first wait before a reconnect; it doubles with each failure.
    pub backoff_min: Duration,
    /// The bound of any wait before a reconnect.
    pub backoff_max: Duration,
    /// How a wait is drawn below its bound.
    pub jitter: Jitter,
    /// A connection that lived so long starts the waits from the beginning again.
    pub stable_after: Duration,
    /// The least time from one attempt to connect to the next. Upbit allows 5 a second.
    pub connect_spacing: Duration,
    /// A frame with more bytes is a bad frame; the connection goes on.
    pub max_frame_bytes: usize,
    /// How many bytes of an oversized frame are handed over at most. A dead letter must fit into a record of the topic.
    pub oversized_kept: usize,
    /// The most frames in one batch.
    pub batch_frames: usize,
    /// The most batches that wait for the consumer; then the socket is no longer read.
    pub batches: usize,
    /// How far behind a market's newest trade the feed remembers ids, and how far before a gap a repair begins: more than a
    /// trade can be late. Measured on Upbit: 1 s.
    pub overlap: Duration,
    /// REST requests a second. Upbit allows 10.
    pub rest_per_second: u32,
    /// Time limit of one REST request.
    pub rest_limit: Duration,
    /// The most trades of a repair that are held back to be handed over oldest first.
    pub repair_buffer: usize,
    /// Failures in a row of one market's repair after which it counts as unrepaired and is tried once every `repair_retry`.
    pub repair_tries: u32,
    /// The wait between tries of an unrepaired market.
    pub repair_retry: Duration,
}

impl FeedConfig {
    /// The defaults.
    pub fn new(ws: Url, rest: Url, markets: Vec<Market>) -> Self {
        Self {
            ws,
            rest,
            markets,
            extra_ca_pem: None,
            connect_limit: Duration::from_secs(10),
            ping_every: Duration::from_secs(10),
            silence_limit: Duration::from_secs(15),
            snapshot_wait: Duration::from_secs(2),
            backoff_min: Duration::from_millis(250),
            backoff_max: Duration::from_secs(10),
            jitter: Jitter::Full,
            stable_after: Duration::from_secs(30),
            connect_spacing: Duration::from_millis(200),
            max_frame_bytes: 64 << 10,
            oversized_kept: 256 << 10,
            batch_frames: 1024,
            batches: 64,
            overlap: Duration::from_secs(3),
            rest_per_second: 10,
            rest_limit: Duration::from_secs(10),
            repair_buffer: 20_000,
            repair_tries: 6,
            repair_retry: Duration::from_secs(30),
        }
    }

    /// Checks what would otherwise fail late or never.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn check(&self) -> Result<(), ConfigError> {
        if !matches!(self.ws.scheme(), "ws" | "wss") || self.ws.host_str().is_none() {
            return Err(ConfigError::NoWebSocketUrl(self.ws.clone()));
        }
        if !matches!(self.rest.scheme(), "http" | "https") || self.rest.host_str().is_none() {
            return Err(ConfigError::NoRestUrl(self.rest.clone()));
        }
        if self.markets.is_empty() {
            return Err(ConfigError::NoMarkets);
        }
        let mut seen = HashSet::new();
        if let Some(market) = self.markets.iter().find(|&&market| !seen.insert(market)) {
            return Err(ConfigError::MarketTwice(*market));
        }
        if self.ping_every.is_zero() || self.silence_limit <= self.ping_every {
            return Err(ConfigError::Liveness);
        }
        if self.batch_frames == 0 || self.batches == 0 || self.rest_per_second == 0 || self.repair_buffer == 0 {
            return Err(ConfigError::NothingFits);
        }
        Ok(())
    }
}

/// Why a feed cannot be set up so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The WebSocket URL is none.
    #[error("{0} is no WebSocket URL; give one such as wss://api.upbit.com/websocket/v1")]
    NoWebSocketUrl(Url),
    /// The REST URL is none.
    #[error("{0} is no HTTP URL; give one such as https://api.upbit.com/v1")]
    NoRestUrl(Url),
    /// Nothing to subscribe to.
    #[error("no markets; give at least one, such as KRW-BTC")]
    NoMarkets,
    /// A market given twice.
    #[error("the market {0} is given twice; give each once")]
    MarketTwice(Market),
    /// The PING could not answer for the silence.
    #[error("silence_limit must be longer than ping_every, and ping_every longer than nothing")]
    Liveness,
    /// A bound of zero.
    #[error("batch_frames, batches, rest_per_second and repair_buffer must be at least 1")]
    NothingFits,
    /// The extra certificates cannot be read.
    #[error("the extra CA certificates cannot be read: {0}; give PEM text")]
    Certificates(String),
}
