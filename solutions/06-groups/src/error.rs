//! Why a member cannot be, read, answer, commit or leave, by what the caller can do about it.

use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// Settings that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Two settings exclude each other.
    #[error("{0}")]
    Contradiction(&'static str),
    /// An extra setting that the member's rules rest on.
    #[error("the setting {0} is decided by the consumer itself")]
    Decided(String),
    /// librdkafka refuses a setting.
    #[error("the Kafka client refuses its configuration: {0}")]
    Refused(String),
}

impl From<KafkaError> for ConfigError {
    fn from(error: KafkaError) -> Self {
        Self::Refused(error.to_string())
    }
}

/// Why polling cannot go on. What passes by itself (a broker away, a leader that moves) is no error but an idle poll.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PollError {
    /// An offset to start from, or to read next, is not in the log: deleted by retention, or cut off.
    #[error("an offset to read is not in the log any more: {0}")]
    OffsetOutOfRange(String),
    /// The client broke, or the cluster refuses it (no such group allowed, fenced …).
    #[error("the consumer must stop: {reason} ({code})")]
    Fatal {
        /// The error's name.
        code: String,
        /// Its text.
        reason: String,
    },
    /// The client has been without its group's coordinator for [`still_limit`](crate::MemberConfig::still_limit) though the
    /// cluster is well: it does not come back by itself. A new member does.
    #[error("the Kafka client has lost its group for good though every partition has a leader; join anew")]
    Still,
    /// An error of a kind that neither passes by itself nor is known to be fatal.
    #[error("reading failed: {reason} ({code})")]
    Other {
        /// The error's name.
        code: String,
        /// Its text.
        reason: String,
    },
}

/// Why an answer to an assignment was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The partition is not this member's (any more): nothing was started or released. Poll: the event that says so comes.
    #[error("partition {0} is not assigned to this member")]
    NotAssigned(i32),
    /// It is being read already.
    #[error("partition {0} has been started already")]
    Started(i32),
    /// The assignment was lost just now. Poll: `Lost` comes.
    #[error("the assignment was lost just now")]
    Lost,
    /// An eager assignment is answered for all its partitions at once.
    #[error("an eager assignment must be started as a whole")]
    Whole,
    /// librdkafka refuses.
    #[error("the client refuses: {0}")]
    Refused(String),
}

impl From<KafkaError> for AnswerError {
    fn from(error: KafkaError) -> Self {
        Self::Refused(error.to_string())
    }
}

/// What came of a commit, by what must be done next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The member has lost its place, or the partition: others may have taken over. Write nothing more for it.
    #[error("the commit was refused, because the partition may be another member's by now: {reason}")]
    Fenced {
        /// Who refused, and how.
        reason: String,
    },
    /// The outcome is open: it may have been written. Committing the same again is harmless.
    #[error("the outcome of the commit is open, commit the same again: {reason}")]
    Retriable {
        /// librdkafka's text.
        reason: String,
    },
    /// Trying again cannot help.
    #[error("the commit failed: {reason}")]
    Fatal {
        /// librdkafka's text.
        reason: String,
    },
}

impl CommitError {
    pub(crate) fn from_code(code: Code) -> Self {
        let reason = format!("{code} ({code:?})");
        match code {
            Code::IllegalGeneration
            | Code::UnknownMemberId
            | Code::FencedInstanceId
            | Code::FencedMemberEpoch
            | Code::StaleMemberEpoch
            | Code::AssignmentLost
            | Code::Fenced => Self::Fenced { reason },
            Code::RebalanceInProgress
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::RequestTimedOut
            | Code::NotEnoughReplicas
            | Code::NotEnoughReplicasAfterAppend
            | Code::NetworkException
            | Code::BrokerTransportFailure
            | Code::OperationTimedOut
            | Code::MessageTimedOut
            | Code::TimedOutQueue
            | Code::WaitingForCoordinator
            | Code::AllBrokersDown
            | Code::InProgress
            | Code::PreviousInProgress
            | Code::UnstableOffsetCommit
            | Code::ThrottlingQuotaExceeded
            | Code::KafkaStorageError
            // Metadata that has not arrived yet; a topic that is truly gone shows in the loop.
            | Code::UnknownTopicOrPartition => Self::Retriable { reason },
            _ => Self::Fatal { reason },
        }
    }
}

/// A question to the cluster that was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Not answered in time, or with an error that passes: ask again.
    #[error("the cluster did not answer: {0}")]
    Unanswered(String),
    /// No such topic or partition.
    #[error("there is no {0}")]
    Missing(String),
    /// Answered with an error that stays.
    #[error("the cluster refused: {0}")]
    Refused(String),
}

impl FetchError {
    pub(crate) fn from_kafka(what: &str, error: &KafkaError) -> Self {
        match error
            .rdkafka_error_code()
            .map(|code| (code, CommitError::from_code(code)))
        {
            Some((Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition, _)) => {
                Self::Missing(what.to_owned())
            }
            Some((_, CommitError::Retriable { reason })) => Self::Unanswered(format!("{what}: {reason}")),
            _ => Self::Refused(format!("{what}: {error}")),
        }
    }
}

/// Why a bounded read ended early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Settings or the client.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The start is not in the log, or the client broke.
    #[error(transparent)]
    Poll(#[from] PollError),
    /// Nothing came for that long, and the end was not reached.
    #[error(
        "{topic}, partition {partition}: nothing came for {silence:?} at offset {at}, and {to} was asked for ({last_error})"
    )]
    Stalled {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The next offset it waited for.
        at: i64,
        /// The end asked for, exclusive.
        to: i64,
        /// How long nothing came.
        silence: Duration,
        /// The newest error of the connection, if there was one.
        last_error: String,
    },
}

/// The member did not get out of its group in time. The group takes it for dead after the session timeout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the group was not left within {0:?}; it will notice after the session timeout")]
pub struct LeaveError(pub Duration);

/// Whether an error passes by itself: librdkafka goes on trying.
pub(crate) fn passes(code: Code) -> bool {
    matches!(
        code,
        Code::AllBrokersDown
            | Code::BrokerTransportFailure
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::TimedOutQueue
            | Code::NetworkException
            | Code::NotLeaderForPartition
            | Code::LeaderNotAvailable
            | Code::ReplicaNotAvailable
            | Code::BrokerNotAvailable
            | Code::RequestTimedOut
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::RebalanceInProgress
            | Code::IllegalGeneration
            | Code::UnknownMemberId
            | Code::PollExceeded // `Lost` follows
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::OffsetNotAvailable
            | Code::KafkaStorageError
            | Code::UnknownTopicOrPartition // a topic just made is not known everywhere at once
            | Code::Retry
            | Code::WaitingForCoordinator
            | Code::FetchSessionIdNotFound
            | Code::InvalidFetchSessionEpoch
    )
}

pub(crate) fn poll_error(error: &KafkaError, last_reason: Option<String>) -> PollError {
    let code = error.rdkafka_error_code();
    let reason = last_reason.unwrap_or_else(|| error.to_string());
    let name = code.map_or_else(|| "local".to_owned(), |c| format!("{c:?}"));
    match (error, code) {
        (_, Some(Code::OffsetOutOfRange | Code::AutoOffsetReset)) => PollError::OffsetOutOfRange(reason),
        (KafkaError::MessageConsumptionFatal(_), _)
        | (
            _,
            Some(
                Code::Fatal
                | Code::FencedInstanceId
                | Code::GroupAuthorizationFailed
                | Code::TopicAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::SaslAuthenticationFailed
                | Code::UnsupportedVersion
                | Code::InconsistentGroupProtocol
                | Code::InvalidSessionTimeout
                | Code::InvalidGroupId,
            ),
        ) => PollError::Fatal { code: name, reason },
        _ => PollError::Other { code: name, reason },
    }
}
