//! What the group tells a member, recorded where librdkafka's callback runs and answered later.
//!
//! The usual callback answers at once, from inside `poll`: whoever takes a partition over would have to fetch state, wait for
//! other servers and replay while the callback blocks the loop. Recorded, it is an event like any other.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Statistics, TopicPartitionList};

use crate::watch::Watch;

/// One message of the group, not yet answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) what: What,
    /// Whether the answer must use whole assignments instead of changes to it.
    pub(crate) eager: bool,
    pub(crate) partitions: Vec<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Assigned,
    Revoked,
    /// Revoked without being asked: others may have the partitions already.
    Lost,
}

/// The context of the native client: written by callbacks inside `poll`, read by the member and its committers.
#[derive(Debug, Default)]
pub(crate) struct Rebalances {
    told: Mutex<VecDeque<Told>>,
    pub(crate) pending: AtomicBool,
    /// Set when the member leaves: from then on every question is answered at once, by giving everything back.
    pub(crate) closing: AtomicBool,
    pub(crate) transient_errors: AtomicU64,
    last_error: Mutex<Option<String>>,
    pub(crate) watch: Watch,
}

impl Rebalances {
    pub(crate) fn next(&self) -> Option<Told> {
        let mut told = self.told.lock().unwrap_or_else(|e| e.into_inner());
        let first = told.pop_front();
        self.pending.store(!told.is_empty(), Ordering::Release);
        first
    }

    pub(crate) fn last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }
}

impl ClientContext for Rebalances {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "the consumer's connection");
        *self.last_error.lock().unwrap_or_else(|e| e.into_inner()) = Some(reason.to_owned());
    }

    fn stats(&self, statistics: Statistics) {
        self.watch.see(statistics.cgrp.is_some_and(|group| group.state == "up"));
    }
}

impl ConsumerContext for Rebalances {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, err: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let partitions: Vec<i32> = list.elements().iter().map(|e| e.partition()).collect();
        let what = match err {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => What::Assigned,
            _ if consumer.assignment_lost() => What::Lost,
            _ => What::Revoked,
        };
        if self.closing.load(Ordering::Acquire) {
            // While it closes, librdkafka takes any answer for "all given back".
            if let Err(error) = consumer.unassign() {
                tracing::warn!(%error, "giving partitions back on leaving");
            }
            return;
        }
        let eager = !matches!(consumer.rebalance_protocol(), RebalanceProtocol::Cooperative);
        tracing::debug!(?what, ?partitions, eager, "the group");
        let mut told = self.told.lock().unwrap_or_else(|e| e.into_inner());
        told.push_back(Told {
            what,
            eager,
            partitions,
        });
        self.pending.store(true, Ordering::Release);
    }
}
