//! The queue in front of librdkafka that both producers share: bounded, in order, and waited for without spinning.
//!
//! Why not wait on librdkafka's own `QueueFull`? Its bound counts a record until its delivery report is freed, which is after
//! the callback has run for the whole batch of reports. A caller woken by the callback would find the queue still full,
//! and after the last report nobody would wake it again. Counted here, a place is free when the callback says so.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ThreadedProducer};

use crate::config::ProducerConfig;
use crate::delivery::{Deliveries, Stats};
use crate::error::{ConfigError, FlushError, SendError, TrySendError};

/// Headers of a record: name and value each, in this order.
pub type Headers<'a> = &'a [(&'a str, &'a [u8])];

/// How long a waiter sleeps at most before it looks again by itself, in case librdkafka's own bound was met.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

pub(crate) struct Link {
    pub(crate) native: ThreadedProducer<Deliveries>,
}

impl Link {
    pub(crate) fn open(config: &ProducerConfig, transactional_id: Option<&str>) -> Result<Self, ConfigError> {
        let native = config
            .client(transactional_id)?
            .create_with_context(Deliveries::bounded(u64::from(config.queue_records), config.queue_bytes))?;
        Ok(Self { native })
    }

    pub(crate) fn deliveries(&self) -> &Deliveries {
        self.native.context()
    }

    pub(crate) fn stats(&self) -> Stats {
        self.deliveries().stats()
    }

    /// The error after which nothing is taken any more. Asked of the client each time: sending may meet it before its event
    /// is told.
    pub(crate) fn fatal(&self) -> Option<SendError> {
        let (code, reason) = self.native.client().fatal_error()?;
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
        let size = key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len);
        let record = BaseRecord {
            topic,
            partition,
            payload: value,
            key,
            timestamp: timestamp_ms,
            headers: (!headers.is_empty()).then(|| owned(headers)),
            delivery_opaque: (),
        };
        deliveries.accept(size as u64);
        let Err((error, _)) = self.native.send(record) else {
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
