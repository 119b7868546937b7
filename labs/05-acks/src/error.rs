//! Why a record was not taken, not delivered, or a transaction not committed, by what the caller can do about it.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::delivery::Failure;

/// Settings that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Two settings exclude each other.
    #[error("{0}")]
    Contradiction(&'static str),
    /// An extra setting that a field decides.
    #[error("the setting {0} follows from a field of the configuration: set that")]
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

/// Why a record was not taken. None of it can be cured by waiting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The producer can no longer promise its guarantee and takes nothing more: stop, and start anew from the source.
    #[error("the producer must stop, because it can no longer tell repeats from new records: {reason} ({code})")]
    Fatal {
        /// The error's name, as librdkafka has it.
        code: String,
        /// Its text.
        reason: String,
    },
    /// This record can never be taken (too large, no such partition …); others can.
    #[error("a record for {topic} was refused: {reason} ({code})")]
    Refused {
        /// Where it was to go.
        topic: String,
        /// The error's name.
        code: String,
        /// Its text.
        reason: String,
    },
}

impl SendError {
    pub(crate) fn refused(topic: &str, error: &KafkaError) -> Self {
        let (code, reason) = describe(error);
        Self::Refused {
            topic: topic.to_owned(),
            code,
            reason,
        }
    }
}

/// Why a record was not taken at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrySendError {
    /// The queue holds as much as it may: send it again when some of it has been acknowledged.
    #[error("the queue is full")]
    Full,
    /// It will never be taken.
    #[error(transparent)]
    Send(#[from] SendError),
}

/// Why a flush did not end with everything delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlushError {
    /// The time was over first. The records stay queued and are still tried.
    #[error("{n} records were not acknowledged in time")]
    Unflushed {
        /// Records neither acknowledged nor failed.
        n: u64,
    },
    /// All are decided, but not all are delivered. Counted since the producer was made.
    #[error("{n} records were not delivered, the first because of {first}")]
    Failed {
        /// Records that failed.
        n: u64,
        /// The first of them.
        first: Failure,
    },
    /// As [`SendError::Fatal`].
    #[error(transparent)]
    Fatal(SendError),
}

/// A topic's partitions could not be learnt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The cluster answered: there is no such topic.
    #[error("there is no topic {0}")]
    NoTopic(String),
    /// No broker answered in time, or with an error.
    #[error("the partitions of {topic} could not be learnt: {reason}")]
    Unreachable {
        /// The topic asked for.
        topic: String,
        /// librdkafka's text.
        reason: String,
    },
}

/// What came of a call of a transaction, by what must be done next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransactionError {
    /// Call the same again: the outcome is open (a timeout, a coordinator that moves).
    #[error("the transaction's outcome is open, call the same again: {reason} ({code})")]
    Retriable {
        /// The error's name.
        code: String,
        /// Its text.
        reason: String,
    },
    /// Abort this transaction, then begin a new one with the same records.
    #[error("the transaction must be aborted: {reason} ({code})")]
    Abortable {
        /// The error's name.
        code: String,
        /// Its text.
        reason: String,
    },
    /// Another producer with this transactional id took over, or the producer broke: stop.
    #[error("the transactional producer must stop: {reason} ({code})")]
    Fatal {
        /// The error's name.
        code: String,
        /// Its text.
        reason: String,
    },
}

impl From<KafkaError> for TransactionError {
    /// By what the client says of the error of a transaction ([`KafkaError::Transaction`]), asked in this order, because one error
    /// can be several of them:
    ///
    /// - `is_fatal`: [`Fatal`](Self::Fatal).
    /// - `txn_requires_abort`: [`Abortable`](Self::Abortable).
    /// - `is_retriable`: [`Retriable`](Self::Retriable).
    ///
    /// [`KafkaError::Flush`] with `OperationTimedOut` is [`Retriable`](Self::Retriable): the flush before a commit ran out of time
    /// and nothing is decided. Everything else is [`Fatal`](Self::Fatal): called in the wrong state, or of a kind unknown here,
    /// so that going on could only guess. Name and text are those of `describe`.
    fn from(error: KafkaError) -> Self {
        todo!("task 8: tell retriable, abortable and fatal errors apart")
    }
}

/// Name and text of an error. The debug form of the code is its name (`NotLeaderForPartition`), its display form the text.
pub(crate) fn describe(error: &KafkaError) -> (String, String) {
    match (error, error.rdkafka_error_code()) {
        (KafkaError::Transaction(e), Some(code)) => (format!("{code:?}"), e.string()),
        (_, Some(code)) => (format!("{code:?}"), error.to_string()),
        (_, None) => ("local".to_owned(), error.to_string()),
    }
}
