//! The queue in front of librdkafka that both producers share: bounded, in order, and waited for without spinning.
//!
//! Why not wait on librdkafka's own `QueueFull`? Its bound counts a record until its delivery report is freed, which is after
//! the callback has run for the whole batch of reports. A caller woken by the callback would find the queue still full,
//! and after the last report nobody would wake it again. Counted here, a place is free when the callback says so.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, TryLockError};
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Message as _, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{BaseRecord, Producer as _, PurgeConfig, ThreadedProducer};

use crate::config::ProducerConfig;
use crate::delivery::{Deliveries, Reporter, Stats};
use crate::error::{ConfigError, FlushError, SendError, TrySendError};
use crate::tail;

/// Headers of a record: name and value each, in this order.
pub type Headers<'a> = &'a [(&'a str, &'a [u8])];

/// How long a client that stands still may take to give back what it holds.
const RETURN_LIMIT: Duration = Duration::from_secs(10);

/// How often, and with what pause, the log is asked for what a client that stood still has written.
const TAIL_TRIES: u32 = 30;
const TAIL_PAUSE: Duration = Duration::from_secs(2);

/// How long a waiter sleeps at most before it looks again by itself, in case librdkafka's own bound was met.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The client of librdkafka.
pub(crate) type Native = ThreadedProducer<Reporter>;

pub(crate) struct Link {
    /// Behind a lock for the one who replaces it: senders share it.
    native: RwLock<Native>,
    deliveries: Arc<Deliveries>,
    config: ProducerConfig,
}

impl Link {
    pub(crate) fn open(config: &ProducerConfig, transactional_id: Option<&str>) -> Result<Self, ConfigError> {
        let deliveries = Arc::new(Deliveries::bounded(u64::from(config.queue_records), config.queue_bytes));
        let reporter = Reporter(Arc::clone(&deliveries));
        Ok(Self {
            native: RwLock::new(config.client(transactional_id)?.create_with_context(reporter)?),
            deliveries,
            config: config.clone(),
        })
    }

    /// The client of the moment.
    pub(crate) fn native(&self) -> RwLockReadGuard<'_, Native> {
        self.native.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn deliveries(&self) -> &Deliveries {
        &self.deliveries
    }

    pub(crate) fn config(&self) -> &ProducerConfig {
        &self.config
    }

    /// Puts a new client in the place of one that stands still, and gives it everything that is neither acknowledged nor found
    /// in the log, in order. Returns how many records that were.
    ///
    /// # Errors
    /// There is no new client; then the old one stays.
    pub(crate) fn revive(&self) -> Result<usize, ConfigError> {
        // Nobody sends meanwhile: a record must not overtake those that come back.
        let mut native = self.native.write().unwrap_or_else(PoisonError::into_inner);
        let fresh: Native = self
            .config
            .client(None)?
            .create_with_context(Reporter(Arc::clone(&self.deliveries)))?;
        self.deliveries.begin_return();
        native.purge(PurgeConfig::default().queue().inflight());
        if let Err(error) = native.flush(RETURN_LIMIT) {
            tracing::warn!(%error, "not every record has come back from the client that stood still");
        }
        // Its end gives back what is left.
        drop(std::mem::replace(&mut *native, fresh));
        let returned = self.deliveries.end_return();
        self.deliveries.revived.fetch_add(1, Ordering::Relaxed);
        let written = match self.written(&returned) {
            Ok(written) => written,
            Err(error) => {
                // Neither sent again, which could double them, nor forgotten: whoever flushes hears of it.
                tracing::error!(%error, "nobody can say what the client that stood still has written");
                returned
                    .iter()
                    .for_each(|(_, record)| self.deliveries.give_up(record, &error));
                return Ok(0);
            }
        };
        let mut again = 0;
        for (number, record) in &returned {
            if written.contains(number) {
                self.deliveries.found(record);
                continue;
            }
            again += 1;
            let record_again = BaseRecord {
                topic: record.topic(),
                partition: (record.partition() >= 0).then(|| record.partition()),
                payload: record.payload(),
                key: record.key(),
                timestamp: record.timestamp().to_millis(),
                headers: record.headers().cloned(),
                delivery_opaque: *number,
            };
            if let Err((error, _)) = native.send(record_again) {
                self.deliveries.give_up(record, &error);
            }
        }
        Ok(again)
    }

    /// Which of the records that came back are in the log; asked again while brokers do not answer.
    fn written(&self, returned: &[(usize, OwnedMessage)]) -> Result<HashSet<usize>, KafkaError> {
        let mut tries = 1;
        loop {
            match tail::written(&self.config.brokers, &self.config.client_id, returned) {
                Err(error) if tries < TAIL_TRIES => tracing::warn!(%error, "what is written cannot be read yet"),
                ended => return ended,
            }
            std::thread::sleep(TAIL_PAUSE);
            tries += 1;
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        self.deliveries().stats()
    }

    /// The error after which nothing is taken any more. Asked of the client each time: sending may meet it before its event
    /// is told.
    pub(crate) fn fatal(&self) -> Option<SendError> {
        let (code, reason) = self.native().client().fatal_error()?;
        Some(SendError::Fatal {
            code: format!("{code:?}"),
            reason,
        })
    }

    pub(crate) fn try_send(
        &self,
        topic: &str,
        partition: Option<i32>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        timestamp_ms: Option<i64>,
        headers: Headers<'_>,
    ) -> Result<(), TrySendError> {
        let deliveries = self.deliveries();
        // One record may overshoot the bound of bytes: a record larger than the whole bound would never fit otherwise.
        if !deliveries.has_room() {
            return Err(TrySendError::Full);
        }
        // Not waited for: whoever replaces the client takes seconds, and callers must not stand still on their threads.
        let native = match self.native.try_read() {
            Ok(native) => native,
            Err(TryLockError::Poisoned(native)) => native.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(TrySendError::Full),
        };
        let size = key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len);
        let number = deliveries.accept(size as u64);
        let record = BaseRecord {
            topic,
            partition,
            payload: value,
            key,
            timestamp: timestamp_ms,
            headers: (!headers.is_empty()).then(|| owned(headers)),
            delivery_opaque: number,
        };
        let Err((error, _)) = native.send(record) else {
            return Ok(());
        };
        deliveries.refuse(size as u64);
        Err(match &error {
            KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) => TrySendError::Full,
            KafkaError::MessageProduction(RDKafkaErrorCode::Fatal) => {
                let (code, reason) = crate::error::describe(&error);
                TrySendError::Send(self.fatal().unwrap_or(SendError::Fatal { code, reason }))
            }
            _ => TrySendError::Send(SendError::refused(topic, &error)),
        })
    }

    pub(crate) async fn send(
        &self,
        topic: &str,
        partition: Option<i32>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        timestamp_ms: Option<i64>,
        headers: Headers<'_>,
    ) -> Result<(), SendError> {
        let attempt = || self.try_send(topic, partition, key, value, timestamp_ms, headers);
        match attempt() {
            Ok(()) => return Ok(()),
            Err(TrySendError::Send(error)) => return Err(error),
            Err(TrySendError::Full) => {}
        }
        let deliveries = self.deliveries();
        deliveries.waits.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting::on(deliveries);
        loop {
            // Asked to be woken first, tried second: a place that becomes free in between is not missed.
            let woken = deliveries.room.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            match attempt() {
                Ok(()) => return Ok(()),
                Err(TrySendError::Send(error)) => return Err(error),
                Err(TrySendError::Full) => {}
            }
            if let Some(fatal) = self.fatal() {
                return Err(fatal);
            }
            let _ = tokio::time::timeout(LOOK_AGAIN, woken).await;
        }
    }

    pub(crate) async fn flush(&self, within: Duration) -> Result<(), FlushError> {
        let deliveries = self.deliveries();
        let deadline = tokio::time::Instant::now() + within;
        let _waiting = Waiting::on(deliveries);
        loop {
            let woken = deliveries.room.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            if let Some(fatal) = self.fatal() {
                return Err(FlushError::Fatal(fatal));
            }
            let stats = self.stats();
            match (stats.in_flight, stats.first_failure) {
                (0, None) => return Ok(()),
                (0, Some(first)) => return Err(FlushError::Failed { n: stats.failed, first }),
                (n, _) if tokio::time::Instant::now() >= deadline => return Err(FlushError::Unflushed { n }),
                _ => {
                    let _ =
                        tokio::time::timeout_at(deadline.min(tokio::time::Instant::now() + LOOK_AGAIN), woken).await;
                }
            }
        }
    }
}

/// Counts a caller as waiting for as long as it does, also when its future is dropped.
struct Waiting<'a>(&'a Deliveries);

impl<'a> Waiting<'a> {
    fn on(deliveries: &'a Deliveries) -> Self {
        deliveries.waiting.fetch_add(1, Ordering::SeqCst);
        Self(deliveries)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

fn owned(headers: Headers<'_>) -> OwnedHeaders {
    headers
        .iter()
        .fold(OwnedHeaders::new_with_capacity(headers.len()), |all, (key, value)| {
            all.insert(Header {
                key,
                value: Some(*value),
            })
        })
}
