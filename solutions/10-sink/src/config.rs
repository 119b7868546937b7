//! How a sink is set up: where, as whom, how long to wait for what, and where a test may stop it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How inserts travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Compression {
    /// As they are: on loopback the cheapest, see the crate's benches.
    #[default]
    None,
    /// LZ4: for a network that is slower than a core compresses.
    Lz4,
}

/// A point of a delivery at which a crash is interesting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// The trades are written, the candles are not.
    TradesWritten,
    /// Everything is written, the caller does not know it yet.
    Written,
}

/// Called at each [`Point`], on the task that delivers. It may stop or kill the process: that is what it is for.
pub type Hook = Arc<dyn Fn(Point) + Send + Sync>;

/// Settings of a [`Sink`](crate::Sink).
#[derive(Clone)]
pub struct SinkConfig {
    /// `http://host:port` of ClickHouse's HTTP interface.
    pub url: String,
    /// The database that holds the tables.
    pub database: String,
    /// The worker's name: 1 to 64 letters, digits, `-`, `_` or `.`. Need not be unique: every connected sink adds a
    /// random part of its own, so that a worker and its frozen predecessor of the same name are two owners.
    pub worker: String,
    /// User and password; none for the default user.
    pub credentials: Option<(String, String)>,
    /// How inserts travel.
    pub compression: Compression,
    /// Until a TCP connection stands. Default 2 s.
    pub connect_timeout: Duration,
    /// Until the socket takes another chunk of an insert. Default 10 s.
    pub send_timeout: Duration,
    /// Until the server answers a complete insert; after that its outcome counts as unknown. Default 30 s.
    pub insert_timeout: Duration,
    /// Until the server answers any other query. Default 10 s.
    pub query_timeout: Duration,
    /// Until no older insert runs on partitions that are being claimed. Default 60 s.
    pub takeover_timeout: Duration,
    /// First wait between two attempts; it doubles up to [`backoff_max`](Self::backoff_max). Default 20 ms.
    pub backoff_min: Duration,
    /// Longest wait between two attempts. Default 1 s.
    pub backoff_max: Duration,
    /// How long a claim or a write goes on trying while the server cannot serve it. Default `None`: for ever, because
    /// the rows are safe in the topic and waiting is what a pipeline should do; a caller may drop the future at any time.
    pub give_up_after: Option<Duration>,
    /// Where a test stops the process.
    pub at: Option<Hook>,
}

impl SinkConfig {
    /// Defaults for everything but where and who.
    pub fn new(url: impl Into<String>, database: impl Into<String>, worker: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            database: database.into(),
            worker: worker.into(),
            credentials: None,
            compression: Compression::None,
            connect_timeout: Duration::from_secs(2),
            send_timeout: Duration::from_secs(10),
            insert_timeout: Duration::from_secs(30),
            query_timeout: Duration::from_secs(10),
            takeover_timeout: Duration::from_secs(60),
            backoff_min: Duration::from_millis(20),
            backoff_max: Duration::from_secs(1),
            give_up_after: None,
            at: None,
        }
    }
}

impl fmt::Debug for SinkConfig {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SinkConfig")
            .field("url", &self.url)
            .field("database", &self.database)
            .field("worker", &self.worker)
            .field("user", &self.credentials.as_ref().map(|(user, _)| user))
            .finish_non_exhaustive()
    }
}
