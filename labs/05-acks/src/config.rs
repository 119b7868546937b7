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
    /// Whether the fields fit together. Asked before a client is made, so that nothing was sent under a promise that does not
    /// hold. The rules, each refused on its own:
    ///
    /// - An idempotent producer needs [`Acks::All`]. The message names `acks=all`.
    /// - An idempotent producer has at most 5 requests in flight. The message names the 5.
    /// - `max_in_flight`, `queue_records` and `queue_bytes` are at least 1. The message names the one that is 0.
    /// - `settings` holds none of the names that librdkafka gets from a field: they stand in `DECIDED`, above.
    ///
    /// Without idempotence any acknowledgements and any number in flight go: whoever asks for less gets less.
    ///
    /// # Errors
    /// [`ConfigError::Contradiction`] for the first three, with a sentence that says why; [`ConfigError::Decided`] with the
    /// name of the extra setting.
    pub fn check(&self) -> Result<(), ConfigError> {
        todo!("task 1: refuse settings that exclude each other")
    }

    /// The settings of librdkafka that together make the guarantee: what an acknowledgement means, that a repeat is
    /// recognised, that order survives a retry, and when a record is given up. None of them holds alone.
    ///
    /// - `acks`: `0`, `1` or `all`.
    /// - `enable.idempotence`: `true` or `false`, always said (librdkafka's default is `false`, Java's is `true`).
    /// - `max.in.flight.requests.per.connection`: `max_in_flight` (librdkafka's default is 1,000,000).
    /// - `request.timeout.ms`: `request_timeout` in milliseconds, how long the broker may wait for its replicas.
    /// - `socket.timeout.ms`: one second more, so that the broker's own answer comes first; at least 2,000.
    /// - `retry.backoff.ms` 50 and `retry.backoff.max.ms` 1000: a leader is elected within a second, and the default of 100
    ///   doubles from there.
    /// - `retries` is left alone: it is 2,147,483,647, and a smaller number is a second way to give a record up.
    /// - Without a `transactional_id`: `message.timeout.ms` is `0`, which means never. (The default gives up after 300,000.) A
    ///   record that is given up may have been written all the same, and whoever sends it again doubles it: the broker
    ///   recognises repeats of the client, not of its caller.
    /// - With one: `transactional.id`, and `transaction.timeout.ms` from `transaction_timeout`. `message.timeout.ms` is not set:
    ///   librdkafka takes the transaction's, and a record that is given up fails its transaction, so nothing of it is seen.
    pub fn guarantee(&self, transactional_id: Option<&str>, client: &mut ClientConfig) {
        todo!("task 2: say acknowledgements, idempotence, order and timeouts in librdkafka's settings")
    }

    /// The settings of librdkafka that form batches and bound what it holds.
    ///
    /// - `linger.ms`: `linger` in milliseconds, with its fraction (`0.5` is a setting; the default is 5).
    /// - `batch.size`: `batch_bytes`. `batch.num.messages`: `batch_records`. A batch leaves at whichever of the three comes
    ///   first.
    /// - `compression.type`: `none`, `lz4`, `snappy` or `gzip`. Of whole batches: it works on the connection's thread.
    /// - `message.max.bytes`: `max_record_bytes`, at least 1,000, which is the least that librdkafka takes.
    /// - `queue.buffering.max.messages`: twice `queue_records`, at most 10,000,000.
    /// - `queue.buffering.max.kbytes`: twice `queue_bytes`. Its unit is 1,024 bytes, so the formula is
    ///   `queue_bytes * 2 / 1024 + 1024`: the division rounds down and one record may overshoot our bound, and the 1,024 more
    ///   (1 MiB) keep a small bound from being nothing. At most 2,147,483,647.
    ///
    /// Why twice: the bound that callers meet is ours, and is counted in acknowledgements. librdkafka counts a record until its
    /// delivery report is freed, after the callback has run for the whole batch of reports, so up to one queue longer.
    /// With the same bound it would refuse what ours has just let in, and nobody would wake the caller.
    pub fn batching(&self, client: &mut ClientConfig) {
        todo!("task 3: say batches, linger and bounds in librdkafka's settings")
    }

    /// The settings as librdkafka gets them; `transactional_id` for a transactional producer.
    pub(crate) fn client(&self, transactional_id: Option<&str>) -> Result<ClientConfig, ConfigError> {
        self.check()?;
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", &self.client_id)
            // Small requests must not wait for the acknowledgement of earlier ones.
            .set("socket.nagle.disable", "true")
            // A broker is back within seconds; the default would look for it only every ten.
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set("log.connection.close", "false");
        self.guarantee(transactional_id, &mut client);
        self.batching(&mut client);
        for (name, value) in &self.settings {
            client.set(name, value);
        }
        Ok(client)
    }
}
