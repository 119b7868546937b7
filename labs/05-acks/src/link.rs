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
use crate::error::{ConfigError, FlushError, SendError, TrySendError, describe};
use crate::tail;

/// Headers of a record: name and value each, in this order.
pub type Headers<'a> = &'a [(&'a str, &'a [u8])];

/// A record as callers have it: nothing is copied before librdkafka does.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: Option<i32>,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) timestamp_ms: Option<i64>,
    pub(crate) headers: Headers<'a>,
}

impl<'a> Record<'a> {
    /// The bytes that it counts for: key and value.
    fn bytes(&self) -> u64 {
        (self.key.map_or(0, <[u8]>::len) + self.value.map_or(0, <[u8]>::len)) as u64
    }

    /// As librdkafka takes it; its report will carry `number`.
    fn numbered(&self, number: usize) -> BaseRecord<'a, [u8], [u8], usize> {
        BaseRecord {
            topic: self.topic,
            partition: self.partition,
            payload: self.value,
            key: self.key,
            timestamp: self.timestamp_ms,
            headers: (!self.headers.is_empty()).then(|| owned(self.headers)),
            delivery_opaque: number,
        }
    }
}

/// How long a client that stands still may take to give back what it holds.
const RETURN_LIMIT: Duration = Duration::from_secs(10);

/// How often, and with what pause, the log is asked for what a client that stood still has written.
const TAIL_TRIES: u32 = 30;
const TAIL_PAUSE: Duration = Duration::from_secs(2);

/// How long a waiter sleeps at most before it looks again by itself: for what no report tells, as librdkafka's own bound being met
/// or a client that is being replaced. Not how room is waited for: in 50 ms a near broker acknowledges dozens of batches.
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

    /// As [`native`](Self::native), but nothing while it is being replaced: that takes seconds, and callers must not stand still on
    /// their threads.
    fn native_now(&self) -> Option<RwLockReadGuard<'_, Native>> {
        match self.native.try_read() {
            Ok(native) => Some(native),
            Err(TryLockError::Poisoned(native)) => Some(native.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
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

    /// The counters now.
    pub(crate) fn stats(&self) -> Stats {
        self.deliveries.heed();
        self.deliveries.stats()
    }

    /// The error after which nothing is taken any more. Asked of the client each time: sending may meet it before its event
    /// is told.
    pub(crate) fn fatal(&self) -> Option<SendError> {
        let (code, reason) = self.native_now()?.client().fatal_error()?;
        Some(SendError::Fatal {
            code: format!("{code:?}"),
            reason,
        })
    }

    /// Hands a record to the client if there is room. Never waits.
    ///
    /// - A callback's panic is heard first ([`Deliveries::heed`]).
    /// - No room ([`Deliveries::has_room`]), or a client that is being replaced (`native_now`): [`TrySendError::Full`], and
    ///   nothing is counted.
    /// - Otherwise the record is accepted with its bytes, and then handed over under its number (`Record::numbered`,
    ///   `send` of the client). In that order: its report may come before `send` returns.
    /// - What the client refuses is not accepted: the count is taken back, and the answer is [`Link::refusal`]'s.
    #[inline]
    pub(crate) fn try_send(&self, record: &Record<'_>) -> Result<(), TrySendError> {
        todo!("task 4: take a record if there is room, or refuse it and count nothing")
    }

    /// What a refusal by the client means for the caller. The code stands in [`KafkaError::MessageProduction`]:
    ///
    /// - `QueueFull`: [`TrySendError::Full`], there will be room.
    /// - `Fatal`: the client's own fatal error ([`Link::fatal`]) says what broke; only if it has none, this error's name and text
    ///   (`describe`) as [`SendError::Fatal`].
    /// - Any other error is about this record alone: [`SendError::refused`].
    fn refusal(&self, topic: &str, error: &KafkaError) -> TrySendError {
        todo!("task 4: tell what passes, what stops everything, and what is wrong with one record")
    }

    /// Asks `look` until it has an answer.
    ///
    /// - Between two looks the caller sleeps until it is woken through `room` ([`Deliveries::decide`] and fatal errors do), or
    ///   [`LOOK_AGAIN`] has passed, whichever is first. It takes no processor time while it sleeps.
    /// - It counts as [`Waiting`] for as long as it is here, also when its future is dropped: reports wake nobody who does not.
    /// - No wake-up is missed: it counts as waiting, and asks to be woken, before it looks. `Notify::notify_waiters` wakes only
    ///   those who had asked (`enable` of a pinned `notified`) before it was called.
    async fn awaited<T>(&self, mut look: impl FnMut() -> Option<T>) -> T {
        todo!("task 6: look, and sleep until a report wakes")
    }

    /// Hands a record over, waiting while there is no room.
    ///
    /// - The first attempt is [`try_send`](Self::try_send) and nothing else: most records find room.
    /// - Only [`TrySendError::Full`] is waited for ([`awaited`](Self::awaited), each look being another attempt), and counted once
    ///   in `waits` for each record that has to.
    /// - A look that finds no room asks for a fatal error ([`Link::fatal`]): there will be no room any more.
    /// - Cancel safe: between the attempt that takes the record and the return there is no `.await`.
    pub(crate) async fn send(&self, record: &Record<'_>) -> Result<(), SendError> {
        todo!("task 6: wait for room, and for nothing else")
    }

    /// Waits until every accepted record is decided, at most for `within`. In this order of precedence:
    ///
    /// - A fatal error ends it at once with [`FlushError::Fatal`]: what is in flight may never be decided.
    /// - Records in flight are waited for; when the time is over first, [`FlushError::Unflushed`] says how many there are. A
    ///   failure that is known by then does not end it early: the others are still tried.
    /// - All decided: [`FlushError::Failed`] with the count and the first failure if there ever was one, else `Ok`.
    ///
    /// Looks at least once, also with no time at all, and once more when the time is over.
    pub(crate) async fn flush(&self, within: Duration) -> Result<(), FlushError> {
        todo!("task 7: wait until everything is decided, and say how it was")
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
