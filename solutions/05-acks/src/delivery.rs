//! What becomes of accepted records: counters that the delivery reports move, and who is woken by them.
//!
//! One report runs per record, on the polling thread, so it must cost next to nothing: three additions and a load. A future
//! or a channel per record would cost more than the record (an allocation, a wake-up, two more cache lines).

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Message, OwnedMessage};
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
    /// How often the client stood still and was replaced by a new one; see [`Producer`](crate::Producer).
    pub revived: u64,
    /// Bytes of keys and values acknowledged.
    pub bytes: u64,
    /// How often a caller had to wait because the queue was full.
    pub waits: u64,
    /// The first record given up, if any was.
    pub first_failure: Option<Failure>,
    /// The newest error of the connection to the brokers; most of them pass by themselves.
    pub last_error: Option<String>,
}

/// What callers write, alone on its cache lines: were the polling thread's counters on them too, each side would wait for the
/// other's core at every record.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Callers {
    enqueued: AtomicU64,
    enqueued_bytes: AtomicU64,
    /// The polling thread's counters as last looked at, which is only done when the queue seems to be full.
    seen: AtomicU64,
    seen_bytes: AtomicU64,
}

/// What the polling thread writes: records and bytes decided, acknowledged or not.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Reports {
    decided: AtomicU64,
    decided_bytes: AtomicU64,
    failed: AtomicU64,
    failed_bytes: AtomicU64,
}

/// Shared by the callers and the polling thread.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    callers: Callers,
    reports: Reports,
    max_records: u64,
    max_bytes: u64,
    /// Callers that wait for `room`; the backlogs at which they are woken.
    pub(crate) waiting: AtomicUsize,
    pub(crate) waits: AtomicU64,
    low_records: u64,
    low_bytes: u64,
    pub(crate) room: Notify,
    first_failure: OnceLock<Failure>,
    last_error: Mutex<Option<String>>,
    /// The number of the next record: its place when a new client has to send it again.
    next: AtomicUsize,
    /// Whether records that the client gives up go back into the queue and are not failures.
    returning: AtomicBool,
    returned: Mutex<Vec<(usize, OwnedMessage)>>,
    pub(crate) revived: AtomicU64,
}

impl Deliveries {
    /// Counters whose waiters are woken when the backlog is down to three quarters of the bounds: woken at the first free
    /// place, a caller would go back to sleep after every record.
    pub(crate) fn bounded(max_records: u64, max_bytes: u64) -> Self {
        Self {
            max_records,
            max_bytes,
            low_records: max_records - max_records / 4 - 1,
            low_bytes: max_bytes - max_bytes / 4 - 1,
            ..Self::default()
        }
    }

    /// Whether another record may be accepted. Callers that ask at the same moment may each be let in: the bound is exceeded
    /// by less than one record per caller.
    pub(crate) fn has_room(&self) -> bool {
        let within = |c: &Callers| {
            c.enqueued
                .load(Ordering::SeqCst)
                .saturating_sub(c.seen.load(Ordering::Relaxed))
                < self.max_records
                && c.enqueued_bytes
                    .load(Ordering::SeqCst)
                    .saturating_sub(c.seen_bytes.load(Ordering::Relaxed))
                    < self.max_bytes
        };
        if within(&self.callers) {
            return true;
        }
        // Sequentially consistent with `waiting`: who is counted as waiting and then sees no room is woken by a later report.
        self.callers
            .seen
            .store(self.reports.decided.load(Ordering::SeqCst), Ordering::Relaxed);
        self.callers
            .seen_bytes
            .store(self.reports.decided_bytes.load(Ordering::SeqCst), Ordering::Relaxed);
        within(&self.callers)
    }

    /// Counts a record before it is handed over: its report may come before the call returns. Returns its number.
    pub(crate) fn accept(&self, bytes: u64) -> usize {
        self.callers.enqueued_bytes.fetch_add(bytes, Ordering::SeqCst);
        self.callers.enqueued.fetch_add(1, Ordering::SeqCst);
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes [`accept`](Self::accept) back: the record was refused, no report will come.
    pub(crate) fn refuse(&self, bytes: u64) {
        self.callers.enqueued_bytes.fetch_sub(bytes, Ordering::SeqCst);
        self.callers.enqueued.fetch_sub(1, Ordering::SeqCst);
    }

    pub(crate) fn stats(&self) -> Stats {
        // What is decided first: read the other way round it could run ahead of what is accepted.
        let (r, c) = (&self.reports, &self.callers);
        let (decided, bytes) = (r.decided.load(Ordering::SeqCst), r.decided_bytes.load(Ordering::SeqCst));
        let failed = r.failed.load(Ordering::SeqCst).min(decided);
        let enqueued = c.enqueued.load(Ordering::SeqCst).max(decided);
        Stats {
            enqueued,
            acked: decided - failed,
            failed,
            in_flight: enqueued - decided,
            bytes: bytes.saturating_sub(r.failed_bytes.load(Ordering::SeqCst)),
            waits: self.waits.load(Ordering::Relaxed),
            revived: self.revived.load(Ordering::Relaxed),
            first_failure: self.first_failure.get().cloned(),
            last_error: self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Records that have been decided, one way or the other.
    pub(crate) fn decided(&self) -> u64 {
        self.reports.decided.load(Ordering::SeqCst)
    }

    /// From now on what the client gives up comes back.
    pub(crate) fn begin_return(&self) {
        self.returning.store(true, Ordering::SeqCst);
    }

    /// What has come back, in the order in which it was accepted.
    pub(crate) fn end_return(&self) -> Vec<(usize, OwnedMessage)> {
        self.returning.store(false, Ordering::SeqCst);
        let mut returned = std::mem::take(&mut *self.returned.lock().unwrap_or_else(PoisonError::into_inner));
        returned.sort_by_key(|(number, _)| *number);
        returned
    }

    /// Counts a record as decided.
    fn decide(&self, bytes: u64, failure: Option<Failure>) {
        let reports = &self.reports;
        // Atomic additions wrap, they do not panic: nothing may unwind out of here, or the polling thread is gone.
        if let Some(failure) = failure {
            let _ = self.first_failure.set(failure);
            reports.failed_bytes.fetch_add(bytes, Ordering::SeqCst);
            reports.failed.fetch_add(1, Ordering::SeqCst);
        }
        reports.decided_bytes.fetch_add(bytes, Ordering::SeqCst);
        reports.decided.fetch_add(1, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) != 0 && self.eased() {
            self.room.notify_waiters();
        }
    }

    /// Counts a record as acknowledged that came back and was found in the log.
    pub(crate) fn found(&self, record: &OwnedMessage) {
        self.decide(size(record), None);
    }

    /// Counts a record as given up that came back and that no client takes.
    pub(crate) fn give_up(&self, record: &OwnedMessage, error: &KafkaError) {
        self.decide(size(record), Some(failure(record, error)));
    }

    /// Whether those who wait for room (or for everything to be decided) should look.
    fn eased(&self) -> bool {
        let (r, c) = (&self.reports, &self.callers);
        let records = c
            .enqueued
            .load(Ordering::SeqCst)
            .saturating_sub(r.decided.load(Ordering::SeqCst));
        let bytes = c
            .enqueued_bytes
            .load(Ordering::SeqCst)
            .saturating_sub(r.decided_bytes.load(Ordering::SeqCst));
        records == 0 || (records <= self.low_records && bytes <= self.low_bytes)
    }
}

/// How a client reports: clients come and go, the counters stay.
#[derive(Clone, Debug)]
pub(crate) struct Reporter(pub(crate) Arc<Deliveries>);

impl ClientContext for Reporter {
    fn error(&self, error: KafkaError, reason: &str) {
        let deliveries = &self.0;
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            // Nobody's record is coming back: those who wait must look (`Link::fatal`).
            deliveries.room.notify_waiters();
            tracing::error!(reason, "the producer cannot go on");
        } else {
            tracing::debug!(%error, reason, "the connection to the brokers");
        }
        *deliveries.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
    }
}

impl ProducerContext for Reporter {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let deliveries = &self.0;
        match result {
            Ok(record) => deliveries.decide(size(record), None),
            Err((error, record)) if is_purge(error) && deliveries.returning.load(Ordering::SeqCst) => {
                let mut returned = deliveries.returned.lock().unwrap_or_else(PoisonError::into_inner);
                returned.push((number, record.detach()));
            }
            Err((error, record)) => deliveries.decide(size(record), Some(failure(record, error))),
        }
    }
}

fn is_purge(error: &KafkaError) -> bool {
    let code = error.rdkafka_error_code();
    matches!(
        code,
        Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight)
    )
}

fn failure(record: &impl Message, error: &KafkaError) -> Failure {
    let (code, reason) = describe(error);
    Failure {
        topic: record.topic().to_owned(),
        partition: record.partition(),
        code,
        reason,
    }
}

fn size(record: &impl Message) -> u64 {
    (record.key().map_or(0, <[u8]>::len) + record.payload().map_or(0, <[u8]>::len)) as u64
}
