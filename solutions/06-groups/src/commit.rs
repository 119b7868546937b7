//! Group commits with metadata, from any thread, refused as soon as the member may have lost its place.
//!
//! A commit names the member and its generation, and the coordinator refuses those it no longer knows. That alone is not
//! enough on this side: after a loss librdkafka joins again by itself, and what is committed then carries the new generation,
//! whoever owns the partition; and a group without any members takes commits without a generation. So a commit is only sent for
//! partitions that the member holds, and only believed if it still held them afterwards.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};

use crate::desk::Desk;
use crate::error::{CommitError, FetchError};
use crate::lag::cached_end;
use crate::rebalance::Rebalances;

/// Metadata longer than this is refused by brokers with default settings (`offset.metadata.max.bytes`).
const METADATA_MAX: usize = 4_096;

/// What to commit for one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The partition.
    pub partition: i32,
    /// The next offset to read: everything before it is done.
    pub offset: i64,
    /// Free text kept with the offset, up to 4,096 bytes.
    pub metadata: String,
}

/// What is committed for one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The partition.
    pub partition: i32,
    /// The next offset to read, none if the group never committed one.
    pub offset: Option<i64>,
    /// The text kept with it.
    pub metadata: String,
}

/// Which partitions a member holds: written by its thread, read by committers.
#[derive(Debug, Default)]
pub(crate) struct Holding {
    held: Mutex<BTreeSet<i32>>,
    losses: AtomicU64,
}

impl Holding {
    pub(crate) fn grant(&self, partitions: &[i32]) {
        self.held.lock().unwrap_or_else(|e| e.into_inner()).extend(partitions);
    }

    pub(crate) fn give_back(&self, partitions: &[i32]) {
        self.held
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .retain(|p| !partitions.contains(p));
    }

    pub(crate) fn lose(&self, partitions: &[i32]) {
        self.give_back(partitions);
        self.losses.fetch_add(1, Ordering::SeqCst);
    }

    fn missing(&self, commits: &[Commit]) -> Option<i32> {
        let held = self.held.lock().unwrap_or_else(|e| e.into_inner());
        commits.iter().map(|c| c.partition).find(|p| !held.contains(p))
    }
}

/// Commits for the member it came from. Clones share it; every call blocks its thread, none needs the member to be polled.
#[derive(Clone)]
pub struct Committer {
    pub(crate) consumer: Arc<BaseConsumer<Rebalances>>,
    pub(crate) holding: Arc<Holding>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) topic: Arc<str>,
}

impl Committer {
    /// Commits all of these in one request and waits for the answer, at most `commit_timeout`. After that the outcome is open,
    /// and the next commit waits until it is known.
    ///
    /// # Errors
    /// [`CommitError`]. On [`Fenced`](CommitError::Fenced) none of them counts, even if the broker took some.
    pub fn commit_sync(&self, commits: &[Commit]) -> Result<(), CommitError> {
        if commits.is_empty() {
            return Ok(());
        }
        let losses = self.holding.losses.load(Ordering::SeqCst);
        self.check(commits)?;
        let list = self.list(commits)?;
        self.desk.commit(list)?;
        self.check(commits)?;
        if self.holding.losses.load(Ordering::SeqCst) != losses {
            return Err(CommitError::Fenced {
                reason: "the assignment was lost during the commit".to_owned(),
            });
        }
        Ok(())
    }

    /// What the group has committed, asked of the coordinator.
    ///
    /// # Errors
    /// [`FetchError`].
    pub fn committed(&self, partitions: &[i32], within: Duration) -> Result<Vec<Committed>, FetchError> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for &partition in partitions {
            list.add_partition(&self.topic, partition);
        }
        let what = format!("committed offsets of {}", self.topic);
        let list = self
            .consumer
            .committed_offsets(list, within)
            .map_err(|e| FetchError::from_kafka(&what, &e))?;
        list.elements()
            .iter()
            .map(|e| {
                e.error().map_err(|error| FetchError::from_kafka(&what, &error))?;
                Ok(Committed {
                    partition: e.partition(),
                    // librdkafka says "invalid" where nothing was committed.
                    offset: match e.offset() {
                        Offset::Offset(offset) => Some(offset),
                        _ => None,
                    },
                    metadata: e.metadata().to_owned(),
                })
            })
            .collect()
    }

    /// Where the partition ends, as the newest fetch said; none before the first. No request is made.
    #[must_use]
    pub fn end_offset(&self, partition: i32) -> Option<i64> {
        cached_end(&self.consumer, &self.topic, partition)
    }

    fn check(&self, commits: &[Commit]) -> Result<(), CommitError> {
        if let Some(partition) = self.holding.missing(commits) {
            return Err(CommitError::Fenced {
                reason: format!("partition {partition} is not held by this member"),
            });
        }
        if self.consumer.assignment_lost() {
            return Err(CommitError::Fenced {
                reason: "the assignment has been lost".to_owned(),
            });
        }
        Ok(())
    }

    fn list(&self, commits: &[Commit]) -> Result<TopicPartitionList, CommitError> {
        let mut list = TopicPartitionList::with_capacity(commits.len());
        for c in commits {
            // A negative offset is a logical one to librdkafka, which would leave the partition out without a word.
            if c.offset < 0 {
                return Err(CommitError::Fatal {
                    reason: format!("{} is no offset", c.offset),
                });
            }
            if c.metadata.len() > METADATA_MAX {
                let reason = format!("{} bytes of metadata, brokers take {METADATA_MAX}", c.metadata.len());
                return Err(CommitError::Fatal { reason });
            }
            let mut element = list.add_partition(&self.topic, c.partition);
            let set = element.set_offset(Offset::Offset(c.offset));
            set.map_err(|e| CommitError::Fatal { reason: e.to_string() })?;
            element.set_metadata(&c.metadata);
        }
        Ok(list)
    }
}
