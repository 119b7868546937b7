//! How a member of a consumer group is configured.

use std::time::Duration;

use rdkafka::ClientConfig;

use crate::error::ConfigError;
use crate::watch::STATISTICS;

/// In place of an offset: the oldest record that the log still has.
pub const EARLIEST: i64 = -2;

/// Who decides which member reads which partition, and how much of the group stands still meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Assignor {
    /// Only partitions that move are given back; the others are read on. Two short rounds instead of one.
    #[default]
    CooperativeSticky,
    /// Every partition is given back at each change, then dealt out anew in ranges: the whole group stands still.
    EagerRange,
}

/// Settings of a [`Member`](crate::Member).
#[derive(Debug, Clone)]
pub struct MemberConfig {
    /// Bootstrap brokers, `host:port` separated by commas.
    pub brokers: String,
    /// The group.
    pub group: String,
    /// The one topic it reads.
    pub topic: String,
    /// Name in the brokers' logs and metrics, and the beginning of the member id.
    pub client_id: String,
    /// How partitions are dealt out; the same for all members of a group.
    pub assignor: Assignor,
    /// After how long without a heartbeat the member counts as dead and its partitions move. Brokers refuse values below
    /// their `group.min.session.timeout.ms` (6 s by default).
    pub session_timeout: Duration,
    /// How often a heartbeat is sent, by librdkafka's own thread, whether or not the member is polled.
    pub heartbeat: Duration,
    /// After how long without a poll the member leaves the group by itself: a live process whose loop hangs.
    pub max_poll_interval: Duration,
    /// How long one request may take before it is sent again on a new connection.
    pub request_timeout: Duration,
    /// How long a commit is waited for before its outcome counts as open.
    pub commit_timeout: Duration,
    /// How long the client may be without its group's coordinator, though every partition has a leader, until it is taken for
    /// one that stands still.
    pub still_limit: Duration,
    /// Records fetched ahead of the loop per partition, at most.
    pub queue_records: u32,
    /// Bytes fetched ahead of the loop, all partitions together, at most.
    pub queue_bytes: u64,
    /// How long the broker may hold a fetch that finds nothing.
    pub fetch_wait: Duration,
    /// Further librdkafka settings, for experiments. Those that the member's rules rest on are refused.
    pub settings: Vec<(String, String)>,
}

impl Default for MemberConfig {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            group: "candles".to_owned(),
            topic: "trades".to_owned(),
            client_id: "tickbook".to_owned(),
            assignor: Assignor::CooperativeSticky,
            session_timeout: Duration::from_secs(6),
            heartbeat: Duration::from_millis(500),
            max_poll_interval: Duration::from_secs(300),
            request_timeout: Duration::from_secs(5),
            commit_timeout: Duration::from_secs(10),
            still_limit: Duration::from_secs(15),
            queue_records: 100_000,
            queue_bytes: 32 << 20,
            fetch_wait: Duration::from_millis(100),
            settings: Vec::new(),
        }
    }
}

/// Settings that the member's rules rest on.
const DECIDED: &[&str] = &[
    "auto.commit.enable",
    "auto.commit.interval.ms",
    "auto.offset.reset",
    "bootstrap.servers",
    "client.id",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.partition.eof",
    "group.id",
    "group.protocol",
    "heartbeat.interval.ms",
    "max.poll.interval.ms",
    "metadata.broker.list",
    "partition.assignment.strategy",
    "session.timeout.ms",
    "statistics.interval.ms",
];

impl MemberConfig {
    /// The settings as librdkafka has them.
    pub(crate) fn client(&self) -> Result<ClientConfig, ConfigError> {
        if self.heartbeat * 2 > self.session_timeout {
            return Err(ConfigError::Contradiction("a session must outlast two heartbeats"));
        }
        if self.session_timeout > self.max_poll_interval {
            return Err(ConfigError::Contradiction(
                "max_poll_interval must not be below session_timeout",
            ));
        }
        if let Some((name, _)) = self.settings.iter().find(|(name, _)| DECIDED.contains(&name.as_str())) {
            return Err(ConfigError::Decided(name.clone()));
        }
        let mut client = reading(&self.brokers, &self.client_id);
        client
            .set("group.id", &self.group)
            .set(
                "partition.assignment.strategy",
                match self.assignor {
                    Assignor::CooperativeSticky => "cooperative-sticky",
                    Assignor::EagerRange => "range",
                },
            )
            .set("session.timeout.ms", self.session_timeout.as_millis().to_string())
            .set("heartbeat.interval.ms", self.heartbeat.as_millis().to_string())
            .set("max.poll.interval.ms", self.max_poll_interval.as_millis().to_string())
            .set(
                "socket.timeout.ms",
                self.request_timeout.max(self.fetch_wait * 2).as_millis().to_string(),
            )
            .set("queued.min.messages", self.queue_records.to_string())
            .set(
                "queued.max.messages.kbytes",
                (self.queue_bytes / 1024).clamp(1, 2_097_151).to_string(),
            )
            .set("fetch.wait.max.ms", self.fetch_wait.as_millis().to_string())
            .set("statistics.interval.ms", STATISTICS.as_millis().to_string());
        for (name, value) in &self.settings {
            client.set(name, value);
        }
        Ok(client)
    }
}

/// What every reader of a log needs here, in a group or not.
pub(crate) fn reading(brokers: &str, client_id: &str) -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", brokers)
        .set("client.id", client_id)
        // Progress is committed when its rows are in the tables, never by a clock.
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // Every start names its offset. One that the log no longer has means that records are gone, or that the log was cut:
        // starting elsewhere by itself would turn that into silent loss or repetition.
        .set("auto.offset.reset", "error")
        .set("enable.partition.eof", "true")
        // With a full queue the fetcher sleeps this long; its default of a second starves a fast loop.
        .set("fetch.queue.backoff.ms", "10")
        .set("fetch.error.backoff.ms", "100")
        .set("socket.nagle.disable", "true")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "1000")
        .set("retry.backoff.ms", "50")
        .set("log.connection.close", "false");
    client
}
