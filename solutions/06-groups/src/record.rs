//! One record as the client holds it: borrowed, never copied.

use rdkafka::message::{BorrowedMessage, Message as _, Timestamp};

/// A record. Its bytes live in the client's fetch buffer for as long as the view does.
pub struct Record<'a> {
    message: BorrowedMessage<'a>,
}

impl<'a> Record<'a> {
    pub(crate) fn new(message: BorrowedMessage<'a>) -> Self {
        Self { message }
    }

    /// The partition.
    #[must_use]
    pub fn partition(&self) -> i32 {
        self.message.partition()
    }

    /// The offset. Offsets of a partition rise, but may skip (compaction, transactions).
    #[must_use]
    pub fn offset(&self) -> i64 {
        self.message.offset()
    }

    /// The key, if there is one.
    #[must_use]
    pub fn key(&self) -> Option<&[u8]> {
        self.message.key()
    }

    /// The value; none is a tombstone in a compacted topic.
    #[must_use]
    pub fn payload(&self) -> Option<&[u8]> {
        self.message.payload()
    }

    /// Kafka's timestamp, milliseconds since 1970, if there is one.
    #[must_use]
    pub fn timestamp_ms(&self) -> Option<i64> {
        match self.message.timestamp() {
            Timestamp::NotAvailable => None,
            Timestamp::CreateTime(ms) | Timestamp::LogAppendTime(ms) => Some(ms),
        }
    }
}

impl std::fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.payload().map(<[u8]>::len);
        write!(
            f,
            "Record {{ partition: {}, offset: {}, bytes: {bytes:?} }}",
            self.partition(),
            self.offset()
        )
    }
}
