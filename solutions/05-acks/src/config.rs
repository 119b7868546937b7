//! How a producer is configured, and which settings belong together: a guarantee is several of them at once.

use std::time::Duration;

use rdkafka::ClientConfig;

use crate::error::ConfigError;

/// How many replicas must hold a record before the broker acknowledges it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Acks {
    /// Not acknowledged at all: counted as delivered once it is written to the socket.
    None,
    /// Acknowledged by the leader alone: what it has not replicated dies with it.
    Leader,
    /// Acknowledged by all replicas in sync (`min.insync.replicas` of them at least).
    #[default]
    All,
}

/// How a batch of records is compressed before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// As it is.
    None,
    /// LZ4: little work for a ratio that suits repetitive records.
    #[default]
    Lz4,
    /// Snappy.
    Snappy,
    /// Gzip: the smallest of these and by far the most work.
    Gzip,
}

/// Settings of a [`Producer`](crate::Producer) or a [`Transactional`](crate::Transactional).
///
/// The defaults are the pipeline's: idempotent, acknowledged by all replicas, never timed out, LZ4.
#[derive(Debug, Clone)]
pub struct ProducerConfig {
    /// Bootstrap brokers, `host:port` separated by commas.
    pub brokers: String,
    /// The topic of [`Producer::send`](crate::Producer::send).
    pub topic: String,
    /// Name in the brokers' logs and metrics.
    pub client_id: String,
    /// Acknowledgements wanted; an idempotent producer needs [`Acks::All`].
    pub acks: Acks,
    /// Whether the broker drops the repeats that retries make, and keeps the order over them.
    pub idempotent: bool,
    /// Requests in flight per broker. An idempotent producer keeps order with up to 5; others only with 1.
    pub max_in_flight: u16,
    /// How long a partition's batch may wait for more records. Latency bought for larger batches.
    pub linger: Duration,
    /// A batch is sent at this size even if it could wait, bytes.
    pub batch_bytes: u32,
    /// A batch is sent at this many records even if it could wait.
    pub batch_records: u32,
    /// Compression of batches.
    pub compression: Compression,
    /// Records accepted and not yet acknowledged at which sending waits.
    pub queue_records: u32,
    /// Bytes (keys and values) accepted and not yet acknowledged at which sending waits.
    pub queue_bytes: u64,
    /// The largest record, before compression, bytes. The topic's `max.message.bytes` has the last word.
    pub max_record_bytes: u32,
    /// How long one request may take before it is sent again on a new connection.
    pub request_timeout: Duration,
    /// How long nothing may be acknowledged, though records wait and every partition has a leader, until the client is taken
    /// for one that stands still and is replaced.
    pub still_limit: Duration,
    /// How long a transaction may stay open before the broker aborts it; only for [`Transactional`](crate::Transactional).
    pub transaction_timeout: Duration,
    /// Further librdkafka settings, for experiments. Those that this type decides are refused.
    pub settings: Vec<(String, String)>,
}

impl Default for ProducerConfig {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            topic: "trades".to_owned(),
            client_id: "tickbook".to_owned(),
            acks: Acks::All,
            idempotent: true,
            max_in_flight: 5,
            linger: Duration::from_millis(5),
            batch_bytes: 1_000_000,
            batch_records: 10_000,
            compression: Compression::Lz4,
            queue_records: 100_000,
            queue_bytes: 64 << 20,
            max_record_bytes: 1_000_000,
            request_timeout: Duration::from_secs(10),
            still_limit: Duration::from_secs(15),
            transaction_timeout: Duration::from_secs(60),
            settings: Vec::new(),
        }
    }
}

/// Settings whose values follow from fields of [`ProducerConfig`]: set twice, the guarantee would depend on the order.
const DECIDED: &[&str] = &[
    "acks",
    "request.required.acks",
    "batch.num.messages",
    "batch.size",
    "bootstrap.servers",
    "client.id",
    "compression.codec",
    "compression.type",
    "delivery.timeout.ms",
    "enable.idempotence",
    "linger.ms",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "message.max.bytes",
    "message.timeout.ms",
    "metadata.broker.list",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "queue.buffering.max.ms",
    "request.timeout.ms",
    "transaction.timeout.ms",
    "transactional.id",
];

impl ProducerConfig {
    /// Whether the fields fit together.
    ///
    /// # Errors
    /// [`ConfigError::Contradiction`] with the two settings that exclude each other, [`ConfigError::Decided`] for an extra
    /// setting that a field decides.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.idempotent && self.acks != Acks::All {
            return Err(ConfigError::Contradiction(
                "an idempotent producer needs acks=all: a record that the next leader never saw cannot be recognised by it",
            ));
        }
        if self.idempotent && self.max_in_flight > 5 {
            return Err(ConfigError::Contradiction(
                "an idempotent producer may have 5 requests in flight: the broker remembers the last 5 batches of a partition",
            ));
        }
        if self.max_in_flight == 0 || self.queue_records == 0 || self.queue_bytes == 0 {
            return Err(ConfigError::Contradiction(
                "max_in_flight, queue_records and queue_bytes must be at least 1",
            ));
        }
        match self.settings.iter().find(|(name, _)| DECIDED.contains(&name.as_str())) {
            Some((name, _)) => Err(ConfigError::Decided(name.clone())),
            None => Ok(()),
        }
    }

    /// The settings as librdkafka has them; `transactional_id` for a transactional producer.
    pub(crate) fn client(&self, transactional_id: Option<&str>) -> Result<ClientConfig, ConfigError> {
        self.check()?;
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", &self.client_id)
            .set(
                "acks",
                match self.acks {
                    Acks::None => "0",
                    Acks::Leader => "1",
                    Acks::All => "all",
                },
            )
            .set("enable.idempotence", if self.idempotent { "true" } else { "false" })
            .set("max.in.flight.requests.per.connection", self.max_in_flight.to_string())
            .set("linger.ms", format!("{:.3}", self.linger.as_secs_f64() * 1e3))
            .set("message.max.bytes", self.max_record_bytes.max(1_000).to_string())
            .set("batch.size", self.batch_bytes.to_string())
            .set("batch.num.messages", self.batch_records.to_string())
            .set(
                "compression.type",
                match self.compression {
                    Compression::None => "none",
                    Compression::Lz4 => "lz4",
                    Compression::Snappy => "snappy",
                    Compression::Gzip => "gzip",
                },
            )
            // The bound that callers meet is ours (see `link`), counted in acknowledgements. librdkafka counts a record until
            // its delivery report is freed, up to one queue later, so its own bound stands at twice ours and is never met.
            .set(
                "queue.buffering.max.messages",
                (u64::from(self.queue_records) * 2).min(10_000_000).to_string(),
            )
            .set(
                "queue.buffering.max.kbytes",
                (self.queue_bytes * 2 / 1024 + 1_024).min(2_147_483_647).to_string(),
            )
            .set("request.timeout.ms", self.request_timeout.as_millis().to_string())
            .set(
                "socket.timeout.ms",
                (self.request_timeout.as_millis() + 1_000).max(2_000).to_string(),
            )
            // Small requests must not wait for the acknowledgement of earlier ones.
            .set("socket.nagle.disable", "true")
            // A broker is back within seconds; the default would look for it only every ten.
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set("retry.backoff.ms", "50")
            .set("retry.backoff.max.ms", "1000")
            .set("log.connection.close", "false");
        match transactional_id {
            // A record that times out fails its transaction, so nothing of it is seen and a timeout is harmless here;
            // librdkafka derives it from the transaction's.
            Some(id) => {
                client.set("transactional.id", id).set(
                    "transaction.timeout.ms",
                    self.transaction_timeout.as_millis().to_string(),
                );
            }
            // Infinite. A record that is given up may have been written all the same, and the numbering that the broker
            // recognises repeats by has a hole after it: librdkafka starts a new epoch, and what is sent again is doubled.
            None => {
                client.set("message.timeout.ms", "0");
            }
        }
        for (name, value) in &self.settings {
            client.set(name, value);
        }
        Ok(client)
    }
}
