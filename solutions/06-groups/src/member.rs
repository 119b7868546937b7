//! A member of a consumer group, polled by one thread: what it may read, what it must give back, and the records.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerGroupMetadata};
use rdkafka::error::KafkaError;

use crate::assignment::{Assignment, position};
use crate::commit::Committer;
use crate::config::{EARLIEST, MemberConfig};
use crate::desk::Desk;
use crate::error::{AnswerError, ConfigError, LeaveError, PollError, passes, poll_error};
use crate::lag::cached_end;
use crate::rebalance::Rebalances;
use crate::record::Record;
use crate::watch;

/// What a poll brings.
#[derive(Debug)]
pub enum Event<'a> {
    /// The next record of some partition that was started.
    Record(Record<'a>),
    /// These partitions are this member's from now on. No record of them comes until [`Member::start`] says from where; the
    /// other partitions are read on meanwhile, and the group does not wait.
    Assigned(Vec<i32>),
    /// These partitions go to others once [`Member::release`] has answered for all of them. Until then they are still this
    /// member's, commits included, and no records come, of these or others.
    Revoked(Vec<i32>),
    /// These partitions may be others' already: drop their state, commit nothing, release them.
    Lost(Vec<i32>),
    /// Everything before `offset` has come; the partition had no more when it was last asked.
    End {
        /// The partition.
        partition: i32,
        /// The offset of the next record, whenever it comes.
        offset: i64,
    },
    /// Nothing within the time, or an error that passes by itself (counted in [`MemberStats`]).
    Idle,
}

/// What [`Member::poll_batch`] brought.
#[derive(Debug)]
pub struct Polled {
    /// How many records were handed over.
    pub records: usize,
    /// What ended the batch; never a record, and [`Event::Idle`] when it was full or nothing more was there.
    pub then: Event<'static>,
}

/// Counters of a member.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberStats {
    /// Errors that passed by themselves.
    pub transient_errors: u64,
    /// The newest of them.
    pub last_error: Option<String>,
}

/// A member. Dropped, it leaves as [`leave`](Self::leave) does, with five seconds for it.
pub struct Member {
    consumer: Arc<BaseConsumer<Rebalances>>,
    assignment: Assignment,
    desk: Arc<Desk>,
    closed: bool,
}

impl Member {
    /// Joins the group. Connects in the background: what is wrong with the brokers shows in [`poll`](Self::poll).
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn join(config: &MemberConfig) -> Result<Self, ConfigError> {
        let consumer: BaseConsumer<Rebalances> = config.client()?.create_with_context(Rebalances::default())?;
        consumer.subscribe(&[&config.topic])?;
        let consumer = Arc::new(consumer);
        let no_thread = |e| ConfigError::Refused(format!("no threads for commits and the watch: {e}"));
        let desk = Desk::open(Arc::clone(&consumer), config.commit_timeout).map_err(no_thread)?;
        watch::watch(Arc::downgrade(&consumer), config).map_err(no_thread)?;
        Ok(Self {
            consumer,
            assignment: Assignment::new(&config.topic),
            desk: Arc::new(desk),
            closed: false,
        })
    }

    /// Waits up to `timeout` for the next event. Must be called at least every `max_poll_interval`, also while nothing is
    /// expected: the group's messages come this way.
    ///
    /// # Errors
    /// [`PollError`].
    pub fn poll(&mut self, timeout: Duration) -> Result<Event<'_>, PollError> {
        let (consumer, context) = (&*self.consumer, self.consumer.context());
        if context.pending.load(Ordering::Acquire) {
            return self.assignment.tell(consumer);
        }
        if context.watch.is_still() {
            return Err(PollError::Still);
        }
        match consumer.poll(timeout) {
            Some(Ok(message)) => {
                let record = Record::new(message);
                let pass = self.assignment.pass(record.partition(), record.offset());
                Ok(if pass { Event::Record(record) } else { Event::Idle })
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                let offset = match self.assignment.next(partition) {
                    // Started at the earliest record, and there is none yet.
                    Some(EARLIEST) => cached_end(consumer, &self.assignment.topic, partition),
                    next => next,
                };
                Ok(offset.map_or(Event::Idle, |offset| Event::End { partition, offset }))
            }
            Some(Err(error)) => match error.rdkafka_error_code() {
                Some(code) if passes(code) && !matches!(error, KafkaError::MessageConsumptionFatal(_)) => {
                    context.transient_errors.fetch_add(1, Ordering::Relaxed);
                    Ok(Event::Idle)
                }
                _ => Err(poll_error(&error, context.last_error())),
            },
            None if context.pending.load(Ordering::Acquire) => self.assignment.tell(consumer),
            None => Ok(Event::Idle),
        }
    }

    /// Hands records to `each` until `max` of them came, none is there any more, or something else happens. Waits up to
    /// `timeout` for the first only.
    ///
    /// # Errors
    /// [`PollError`]; records handed over before it stay handed over.
    pub fn poll_batch(
        &mut self,
        max: usize,
        timeout: Duration,
        mut each: impl FnMut(&Record<'_>),
    ) -> Result<Polled, PollError> {
        let (mut records, mut wait) = (0, timeout);
        while records < max {
            let then = match self.poll(wait)? {
                Event::Record(record) => {
                    each(&record);
                    records += 1;
                    wait = Duration::ZERO;
                    continue;
                }
                Event::Assigned(p) => Event::Assigned(p),
                Event::Revoked(p) => Event::Revoked(p),
                Event::Lost(p) => Event::Lost(p),
                Event::End { partition, offset } => Event::End { partition, offset },
                Event::Idle => Event::Idle,
            };
            return Ok(Polled { records, then });
        }
        Ok(Polled {
            records,
            then: Event::Idle,
        })
    }

    /// Begins to read assigned partitions, each at its offset (or [`EARLIEST`]). In any number of calls, at any time
    /// after [`Event::Assigned`] (an eager assignment: all of it in one call).
    ///
    /// # Errors
    /// [`AnswerError`]: nothing was started.
    pub fn start(&mut self, from: &[(i32, i64)]) -> Result<(), AnswerError> {
        self.assignment.start(&self.consumer, from)
    }

    /// Gives partitions back, after [`Event::Revoked`] or [`Event::Lost`]. The group hears of it when all that were asked for
    /// have been released, in one call or several.
    ///
    /// # Errors
    /// [`AnswerError::NotAssigned`] for a partition that was not asked for.
    pub fn release(&mut self, partitions: &[i32]) -> Result<(), AnswerError> {
        self.assignment.release(&self.consumer, partitions)
    }

    /// Stops fetching partitions; what was fetched ahead is dropped and fetched again.
    ///
    /// # Errors
    /// [`AnswerError`].
    pub fn pause(&self, partitions: &[i32]) -> Result<(), AnswerError> {
        Ok(self.consumer.pause(&self.assignment.started(partitions)?)?)
    }

    /// Fetches paused partitions on, from the next record not yet handed over.
    ///
    /// # Errors
    /// [`AnswerError`].
    pub fn resume(&self, partitions: &[i32]) -> Result<(), AnswerError> {
        Ok(self.consumer.resume(&self.assignment.started(partitions)?)?)
    }

    /// Goes on reading a started partition elsewhere. Blocks until the client has turned round, up to `within`.
    ///
    /// # Errors
    /// [`AnswerError`]. Where the partition is read on is unknown then: a request that came too late may still be carried out.
    pub fn seek(&mut self, partition: i32, offset: i64, within: Duration) -> Result<(), AnswerError> {
        let mut list = self.assignment.started(&[partition])?;
        list.set_partition_offset(&self.assignment.topic, partition, position(offset)?)?;
        let sought = self.consumer.seek_partitions(list, within)?;
        for element in sought.elements() {
            element.error()?;
        }
        self.assignment.set_next(partition, offset);
        Ok(())
    }

    /// The next offset that will be handed over of a started partition; [`EARLIEST`] until its first record came.
    #[must_use]
    pub fn position(&self, partition: i32) -> Option<i64> {
        self.assignment.next(partition)
    }

    /// Where the partition ends, as the newest fetch said; none before the first. No request is made.
    #[must_use]
    pub fn end_offset(&self, partition: i32) -> Option<i64> {
        cached_end(&self.consumer, &self.assignment.topic, partition)
    }

    /// Partitions held: `(partition, started)`.
    pub fn held(&self) -> impl Iterator<Item = (i32, bool)> + '_ {
        self.assignment.held.iter().map(|(&p, &started)| (p, started))
    }

    /// Commits for this member, from any thread.
    #[must_use]
    pub fn committer(&self) -> Committer {
        Committer {
            consumer: Arc::clone(&self.consumer),
            holding: Arc::clone(&self.assignment.holding),
            desk: Arc::clone(&self.desk),
            topic: Arc::clone(&self.assignment.topic),
        }
    }

    /// The member's place in the group, for a transaction that carries its progress. None before it joined.
    #[must_use]
    pub fn group_metadata(&self) -> Option<ConsumerGroupMetadata> {
        self.consumer.group_metadata()
    }

    /// The counters now.
    #[must_use]
    pub fn stats(&self) -> MemberStats {
        let context = self.consumer.context();
        MemberStats {
            transient_errors: context.transient_errors.load(Ordering::Relaxed),
            last_error: context.last_error(),
        }
    }

    /// Gives everything back and leaves, so that others take over at once instead of after the session timeout. Nothing
    /// is committed.
    ///
    /// # Errors
    /// [`LeaveError`] when the group was not left in time; the member is gone all the same.
    pub fn leave(mut self, within: Duration) -> Result<(), LeaveError> {
        self.close(within)
    }

    fn close(&mut self, within: Duration) -> Result<(), LeaveError> {
        if std::mem::replace(&mut self.closed, true) {
            return Ok(());
        }
        let (consumer, deadline) = (&self.consumer, Instant::now() + within);
        let open = self.assignment.close();
        consumer.context().closing.store(true, Ordering::Release);
        if let Err(error) = consumer.close_queue() {
            tracing::warn!(%error, "leaving the group");
        }
        // A question still open, told or not, is answered here; while it closes any answer means "all given back".
        if open | consumer.context().next().is_some()
            && let Err(error) = consumer.unassign()
        {
            tracing::warn!(%error, "giving partitions back on leaving");
        }
        while !consumer.closed() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // The last owner blocks until the client is closed. Not here: the caller has a deadline.
                let owner = Arc::clone(consumer);
                let _ = std::thread::Builder::new()
                    .name("consumer close".to_owned())
                    .spawn(move || {
                        while !owner.closed() {
                            drop(owner.poll(Duration::from_millis(50)));
                        }
                    });
                return Err(LeaveError(within));
            }
            drop(consumer.poll(left.min(Duration::from_millis(50))));
        }
        Ok(())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Err(error) = self.close(Duration::from_secs(5)) {
            tracing::warn!(%error, "dropping a member");
        }
    }
}
