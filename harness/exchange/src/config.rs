//! What an exchange is asked to be: where its trades come from, how fast they come, and what it allows its clients.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// How fast trades are executed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// So many trades a second, open loop: each trade has an intended send time that a slow client does not move, so that
    /// latency counted from it includes the time a trade had to wait. Trades are executed whether a client is there or not.
    PerSecond(f64),
    /// As fast as the subscribed clients take them, one connection's queue at a time: closed loop, for throughput only.
    /// Nothing is executed while no client is subscribed.
    Max,
}

/// A text that is no rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no rate: say how many trades per second, such as 2000, or max")]
pub struct UnknownRate(String);

impl FromStr for Rate {
    type Err = UnknownRate;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            _ if text == "max" => Ok(Self::Max),
            Ok(rate) if rate > 0.0 && rate <= 1e9 => Ok(Self::PerSecond(rate)),
            _ => Err(UnknownRate(text.into())),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerSecond(rate) => write!(f, "{rate}"),
            Self::Max => f.pad("max"),
        }
    }
}

/// Where trades come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Made up from a seed: the same seed gives the same trades, relative to the start. See [`crate::source`].
    Generate {
        /// Seed of everything that is random.
        seed: u64,
        /// How many markets of [`crate::source::catalog`], the busiest first.
        markets: usize,
        /// How fast.
        rate: Rate,
    },
    /// The trades of a capture, their times moved to now.
    Capture {
        /// A file in the format of [`crate::capture`].
        path: PathBuf,
        /// How fast; `None` is the recorded pace.
        rate: Option<Rate>,
        /// Whether to begin again at its end.
        looped: bool,
    },
}

/// What the exchange allows a client. The defaults are Upbit's; tests lower or raise them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// REST requests per second, address and group.
    pub requests_per_second: u32,
    /// WebSocket connections per second and address.
    pub connects_per_second: u32,
    /// Messages per second and connection.
    pub messages_per_second: u32,
    /// Messages per minute and connection.
    pub messages_per_minute: u32,
    /// How long a request with an `Origin` header bars the next one of its address.
    pub origin_every: Duration,
    /// A connection whose client sends nothing for this long is dropped, without a close frame.
    pub idle: Duration,
    /// A connection that takes nothing for this long, though there is something to send, is dropped.
    pub slow: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_per_second: 10,
            connects_per_second: 5,
            messages_per_second: 5,
            messages_per_minute: 100,
            origin_every: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            slow: Duration::from_secs(10),
        }
    }
}

/// Everything an exchange needs to know to start.
#[derive(Clone, Debug)]
pub struct ExchangeConfig {
    /// Where trades come from.
    pub source: Source,
    /// Folder of the journal; it is made if need be, and must not hold another run's journal.
    pub journal: PathBuf,
    /// Whether to serve over TLS with a self-signed certificate for `localhost` and `127.0.0.1`.
    pub tls: bool,
    /// Where to listen; port 0 takes any free one.
    pub address: SocketAddr,
    /// What clients are allowed.
    pub limits: Limits,
    /// How long [`crate::Exchange::finish`] waits for clients to take what is queued for them.
    pub finish_limit: Duration,
}

impl ExchangeConfig {
    /// A plain exchange on any free port of this machine's loopback, with Upbit's limits.
    pub fn new(source: Source, journal: impl Into<PathBuf>) -> Self {
        Self {
            source,
            journal: journal.into(),
            tls: false,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            limits: Limits::default(),
            finish_limit: Duration::from_secs(30),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_above_zero_or_max() {
        for (text, rate) in [
            ("2000", Rate::PerSecond(2_000.0)),
            ("0.5", Rate::PerSecond(0.5)),
            ("max", Rate::Max),
        ] {
            assert_eq!(text.parse(), Ok(rate));
            assert_eq!(rate.to_string(), text);
        }
        for text in ["", "0", "-1", "NaN", "inf", "fast"] {
            assert_eq!(text.parse::<Rate>(), Err(UnknownRate(text.into())), "{text:?}");
        }
    }
}
