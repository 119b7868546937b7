//! What a failed write has done: surely nothing, something, or nobody knows; and what to do next.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use rdkafka::types::RDKafkaErrorCode as Code;

use crate::Acks;

/// What one attempt to write a record has done to the leader's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It is not there, and will not be.
    NotWritten,
    /// It is there, or not, or will be: a request may still be in the socket of a broker that stands still.
    MayBeWritten,
    /// It is there. How long it stays is what [`Topic::promise`](crate::Topic::promise) says.
    Written,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it is done.
    Done,
    /// The same request again, after a pause: nothing can be doubled by it.
    Again,
    /// Look into the log before anything is sent again.
    ReadBack,
    /// Nothing makes this record acceptable: to the dead letters with it.
    Refuse,
    /// This producer is over: somebody else has its id, or its sequence has a hole. Who follows it looks into the log first.
    Stop,
}

/// Answers after which the producer cannot go on, whatever becomes of the record.
const OVER: [Code; 8] = [
    Code::Fatal,
    Code::Fenced,
    Code::ProducerFenced,
    Code::InvalidProducerEpoch,
    Code::InvalidProducerIdMapping,
    Code::OutOfOrderSequenceNumber,
    Code::UnknownProducerId,
    Code::ClusterAuthorizationFailed,
];

/// Refusals that pass, given before anything is appended.
const PASSES: [Code; 9] = [
    Code::NotEnoughReplicas,
    Code::LeaderNotAvailable,
    Code::UnknownTopicOrPartition,
    Code::BrokerNotAvailable,
    Code::ThrottlingQuotaExceeded,
    Code::QueueFull,
    Code::TimedOutQueue,
    Code::PurgeQueue,
    Code::InvalidMessage,
];

/// Refusals that stay: the record, or who sends it, is at fault.
const STAYS: [Code; 10] = [
    Code::MessageSizeTooLarge,
    Code::MessageBatchTooLarge,
    Code::InvalidRecord,
    Code::InvalidTimestamp,
    Code::InvalidTopic,
    Code::InvalidRequiredAcks,
    Code::TopicAuthorizationFailed,
    Code::PolicyViolation,
    Code::UnsupportedForMessageFormat,
    Code::UnsupportedCompressionType,
];

/// What an attempt has done that was answered with `code`, or ended with it in the client. An attempt is one request: a client that
/// repeats by itself tells of its last one alone, and one before it may have been in doubt.
///
/// - [`Code::NoError`] is worth what the acks are: with [`Acks::None`] nobody answered. A [`Code::DuplicateSequenceNumber`] says that
///   an earlier attempt is in the log.
/// - What is in `OVER`, `PASSES` or `STAYS` was refused before anything was appended; but [`Code::Fatal`] tells of the producer
///   and nothing of the record.
/// - [`Code::NotLeaderForPartition`]: with [`Acks::All`] it also comes when the leader has appended, waits for its followers and is deposed.
///   With less it is a refusal.
/// - Everything else is a doubt, what nobody has thought of before all: timeouts, broken connections,
///   [`Code::NotEnoughReplicasAfterAppend`], an error of the disk in the middle of an append.
pub fn fate(code: Code, acks: Acks) -> Fate {
    todo!("task 2: what an attempt has done")
}

/// What to do after an attempt that ended with `code`. `recognised`: the broker would recognise a repeat, because it comes with the same producer
/// id, epoch and sequence number; that is so only for repeats that an idempotent client makes by itself, while it holds the record and keeps
/// its epoch (librdkafka takes a new one when any of its records times out).
///
/// Written, it is done; after an answer in `OVER` it is over, whatever the fate. Not written: again, if the refusal passes (of those that
/// were not written, [`Code::NotLeaderForPartition`] does), else refused. In doubt: again if a repeat is recognised, else read back. But
/// after [`Code::MessageTimedOut`] and [`Code::PurgeInflight`] the client holds the record no longer: what is sent next is a new record to the
/// broker, and `recognised` counts for nothing. [`Code::NoError`] without acknowledgements is done: who asked for no answer gets none.
pub fn next(code: Code, acks: Acks, recognised: bool) -> Next {
    todo!("task 2: what to do next")
}

/// How often a record may stand in the log after all its attempts.
#[derive(Clone, Debug, Default)]
pub struct Doubt {
    /// By identity: the best that is known of any of its attempts.
    recognised: BTreeMap<u64, Fate>,
    /// One for each attempt that no broker can tell from a new record.
    alone: Vec<Fate>,
}

impl Doubt {
    /// Notes an attempt. `identity` stands for producer id, epoch and sequence number: attempts with the same one are one record to the
    /// broker, which appends it once. `None`: a client without idempotence; each of its attempts is a record of its own.
    pub fn attempt(&mut self, identity: Option<u64>, fate: Fate) {
        todo!("task 2: note an attempt")
    }

    /// How often the record is in the log, at least and at most. Of attempts with one identity only one counts: at most once, and surely
    /// if any of them was written.
    pub fn copies(&self) -> RangeInclusive<usize> {
        todo!("task 2: count the copies, at least and at most")
    }
}
