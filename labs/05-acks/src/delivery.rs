//! What becomes of accepted records: counters that the delivery reports move, and who is woken by them.
//!
//! One report runs per record, on the polling thread, so it must cost next to nothing: two additions and a load. A future
//! or a channel per record would cost more than the record (an allocation, a wake-up, two more cache lines).

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
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
    /// The text of the first panic in a callback.
    panicked: OnceLock<String>,
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

    /// Whether another record may be accepted: fewer records than `max_records` *and* fewer bytes than `max_bytes` are accepted
    /// and not decided. The size of the next record does not matter, so one record may overshoot the bound of bytes: a record
    /// larger than the whole bound would never fit otherwise. Callers that ask at the same moment may each be let in.
    ///
    /// Any count here may run ahead of another for a moment: subtract without wrapping. `Callers::seen` and `seen_bytes` are
    /// what was last read of `Reports`: asked first, they spare the line of the polling thread at every record. They are brought
    /// up to date when the queue seems full, and only then.
    ///
    /// Sequentially consistent where `waiting` is: who is counted as waiting and then sees no room is woken by a later report.
    pub(crate) fn has_room(&self) -> bool {
        todo!("task 4: say whether fewer records and fewer bytes than the bounds are undecided")
    }

    /// Counts a record and its bytes as accepted, before it is handed over: its report may come before the call returns. Returns
    /// its number, which is `next` before this record: 0, 1, 2 … and never given out again.
    pub(crate) fn accept(&self, bytes: u64) -> usize {
        todo!("task 4: count an accepted record")
    }

    /// Takes the counts of [`accept`](Self::accept) back: the record was refused, no report will come.
    pub(crate) fn refuse(&self, bytes: u64) {
        todo!("task 4: take the count of a refused record back")
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

    /// Counts a record of `bytes` as decided, and wakes all who wait for `room` if that is worth it. Nobody is woken, and nothing
    /// is worked out, while nobody waits.
    fn decide(&self, bytes: u64, failure: Option<Failure>) {
        self.count(bytes, failure);
        if self.waiting.load(Ordering::SeqCst) != 0 && self.eased() {
            self.room.notify_waiters();
        }
    }

    /// Counts a record of `bytes` as decided: acknowledged, or given up because of `failure`.
    ///
    /// - `Reports::decided` and `decided_bytes` count every record, `failed` and `failed_bytes` those given up as well.
    /// - `first_failure` keeps the first failure: later ones are mostly its consequences.
    /// - What was counted before must be seen by whoever reads `decided`, so that comes last, and with it everything that
    ///   is read by callers on other threads is sequentially consistent.
    ///
    /// Runs once per record on the polling thread: no lock, no allocation.
    fn count(&self, bytes: u64, failure: Option<Failure>) {
        todo!("task 5: count a decided record")
    }

    /// Counts a record as acknowledged that came back and was found in the log.
    pub(crate) fn found(&self, record: &OwnedMessage) {
        self.decide(size(record), None);
    }

    /// Counts a record as given up that came back and that no client takes.
    pub(crate) fn give_up(&self, record: &OwnedMessage, error: &KafkaError) {
        self.decide(size(record), Some(failure(record, error)));
    }

    /// Whether those who wait (for room, or for everything to be decided) should look: the backlog is empty, or it is down to the
    /// low marks, `low_records` *and* `low_bytes`. Both are three quarters of the bounds. Woken at the first free place, a caller
    /// would go back to sleep after every record; woken only when nothing is left, the connection would stand idle meanwhile.
    ///
    /// Exact, and never from `seen`: that is only as new as the last look of a caller, and all of them may be asleep.
    fn eased(&self) -> bool {
        todo!("task 6: say whether the backlog is empty or down to the low marks")
    }

    /// Whether the report is of a record purged from a client that is being replaced. Such a record is not decided: its copy
    /// waits in `returned` under its `number`, and is sent again from there.
    fn comes_back(&self, result: &DeliveryResult<'_>, number: usize) -> bool {
        match result {
            Err((error, record)) if is_purge(error) && self.returning.load(Ordering::SeqCst) => {
                let mut returned = self.returned.lock().unwrap_or_else(PoisonError::into_inner);
                returned.push((number, record.detach()));
                true
            }
            _ => false,
        }
    }

    /// Decides the record of a delivery report ([`decide`](Self::decide)) with its `size`: acknowledged, or given up with its
    /// [`Failure`] (`failure` makes it). Records that come back are not told here.
    fn report(&self, result: &DeliveryResult<'_>) {
        todo!("task 5: tell acknowledged and failed records apart")
    }

    /// The client met a fatal error: no report will come for what it holds, so all who wait for `room` must look now, whatever
    /// the backlog is. What they find is [`Link::fatal`](crate::link::Link::fatal).
    fn stopped(&self) {
        self.room.notify_waiters();
    }

    /// Keeps what a callback panicked with, and wakes everybody to hear of it.
    fn broke(&self, panic: &(dyn Any + Send)) {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        let _ = self
            .panicked
            .set(text.unwrap_or("a delivery callback panicked").to_owned());
        self.room.notify_waiters();
    }

    /// Panics with what a callback panicked with, if one did: from then on no count can be relied on.
    pub(crate) fn heed(&self) {
        if let Some(text) = self.panicked.get() {
            panic!("{text}");
        }
    }
}

/// How a client reports: clients come and go, the counters stay.
#[derive(Clone, Debug)]
pub(crate) struct Reporter(pub(crate) Arc<Deliveries>);

impl Reporter {
    /// Runs a callback's work and keeps its panic. Unwinding out of a callback ends the client's polling thread without a word, or
    /// is undefined where C has called: nothing would be counted any more, and callers would wait for ever. Kept here, the
    /// next call of each caller panics with the same text, on the caller's own thread.
    fn guarded(&self, work: impl FnOnce(&Deliveries)) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(&self.0))) {
            self.0.broke(&*panic);
        }
    }
}

impl ClientContext for Reporter {
    fn error(&self, error: KafkaError, reason: &str) {
        self.guarded(|deliveries| {
            if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
                tracing::error!(reason, "the producer cannot go on");
                deliveries.stopped();
            } else {
                tracing::debug!(%error, reason, "the connection to the brokers");
            }
            *deliveries.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
        });
    }
}

impl ProducerContext for Reporter {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        self.guarded(|deliveries| {
            if !deliveries.comes_back(result, number) {
                deliveries.report(result);
            }
        });
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
