//! What becomes of accepted records: counters that the delivery reports move, and who is woken by them.
//!
//! One report runs per record, on the polling thread, so it must cost next to nothing: three additions and a load. A future
//! or a channel per record would cost more than the record (an allocation, a wake-up, two more cache lines).

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{DeliveryResult, ProducerContext};
use tokio::sync::Notify;

use crate::error::describe;

/// One record that was accepted and then given up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} ({code}), a record of {topic}, partition {partition}")]
pub struct Failure {
    /// Where it was to go.
    pub topic: String,
    /// Which partition, −1 if it had none yet.
    pub partition: i32,
    /// The error's name, as librdkafka has it.
    pub code: String,
    /// Its text.
    pub reason: String,
}

/// A producer's counters at one moment, all since it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Records accepted.
    pub enqueued: u64,
    /// Records acknowledged as the settings ask.
    pub acked: u64,
    /// Records given up.
    pub failed: u64,
    /// Records neither acknowledged nor given up.
    pub in_flight: u64,
    /// Bytes of keys and values acknowledged.
    pub bytes: u64,
    /// How often a caller had to wait because the queue was full.
    pub waits: u64,
    /// The first record given up, if any was.
    pub first_failure: Option<Failure>,
    /// The newest error of the connection to the brokers; most of them pass by themselves.
    pub last_error: Option<String>,
}

/// A counter alone on its cache lines: the caller's and the polling thread's must not wait for each other.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Apart(pub(crate) AtomicU64);

/// Shared by the callers and the polling thread.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    /// Records and bytes accepted: written by callers.
    pub(crate) enqueued: Apart,
    pub(crate) enqueued_bytes: Apart,
    /// Records and bytes decided, acknowledged or not: written by the polling thread.
    pub(crate) decided: Apart,
    pub(crate) decided_bytes: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) failed_bytes: AtomicU64,
    /// Callers that wait for `room`; below which backlog they are woken.
    pub(crate) waiting: AtomicUsize,
    pub(crate) waits: AtomicU64,
    pub(crate) low_records: u64,
    pub(crate) low_bytes: u64,
    pub(crate) room: Notify,
    pub(crate) first_failure: OnceLock<Failure>,
    last_error: std::sync::Mutex<Option<String>>,
}

impl Deliveries {
    /// Counters whose waiters are woken when the backlog is down to three quarters of the bounds: woken at the first free
    /// place, a caller would go back to sleep after every record.
    pub(crate) fn bounded(records: u64, bytes: u64) -> Self {
        Self {
            low_records: records - records / 4 - 1,
            low_bytes: bytes - bytes / 4 - 1,
            ..Self::default()
        }
    }

    /// Records and bytes accepted and not decided.
    pub(crate) fn backlog(&self) -> (u64, u64) {
        // `decided` first: read the other way round it could run ahead of `enqueued`.
        let (decided, decided_bytes) = (
            self.decided.0.load(Ordering::SeqCst),
            self.decided_bytes.load(Ordering::SeqCst),
        );
        (
            self.enqueued.0.load(Ordering::SeqCst).saturating_sub(decided),
            self.enqueued_bytes
                .0
                .load(Ordering::SeqCst)
                .saturating_sub(decided_bytes),
        )
    }

    pub(crate) fn stats(&self) -> Stats {
        let (decided, bytes) = (
            self.decided.0.load(Ordering::SeqCst),
            self.decided_bytes.load(Ordering::SeqCst),
        );
        let failed = self.failed.load(Ordering::SeqCst).min(decided);
        let enqueued = self.enqueued.0.load(Ordering::SeqCst);
        Stats {
            enqueued,
            acked: decided - failed,
            failed,
            in_flight: enqueued.saturating_sub(decided),
            bytes: bytes.saturating_sub(self.failed_bytes.load(Ordering::SeqCst)),
            waits: self.waits.load(Ordering::Relaxed),
            first_failure: self.first_failure.get().cloned(),
            last_error: self.last_error.lock().unwrap_or_else(|e| e.into_inner()).clone(),
        }
    }
}

impl ClientContext for Deliveries {
    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            // Nobody's record is coming back: those who wait must look (`Link::fatal`).
            self.room.notify_waiters();
            tracing::error!(reason, "the producer cannot go on");
        } else {
            tracing::debug!(%error, reason, "the connection to the brokers");
        }
        *self.last_error.lock().unwrap_or_else(|e| e.into_inner()) = Some(reason.to_owned());
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let record = match result {
            Ok(record) => record,
            Err((error, record)) => {
                let (code, reason) = describe(error);
                let first = Failure {
                    topic: record.topic().to_owned(),
                    partition: record.partition(),
                    code,
                    reason,
                };
                let _ = self.first_failure.set(first);
                self.failed_bytes
                    .fetch_add((record.key_len() + record.payload_len()) as u64, Ordering::SeqCst);
                self.failed.fetch_add(1, Ordering::SeqCst);
                record
            }
        };
        // Atomic additions wrap, they do not panic: nothing may unwind out of here, or the polling thread is gone.
        self.decided_bytes
            .fetch_add((record.key_len() + record.payload_len()) as u64, Ordering::SeqCst);
        self.decided.0.fetch_add(1, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) != 0 {
            let (records, bytes) = self.backlog();
            if records == 0 || (records <= self.low_records && bytes <= self.low_bytes) {
                self.room.notify_waiters();
            }
        }
    }
}
