//! Dead letters: what is kept of bytes that could not be read.

use bytes::Bytes;
use market::Undecodable;
use market::record::{HEADER_DETAIL, HEADER_REASON, HEADER_SOURCE};

/// Bytes that could not be read, with everything needed to find out why later. The record's value is the bytes as they
/// came, its Kafka timestamp the time, its headers the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The bytes, unchanged.
    pub bytes: Bytes,
    /// Why they could not be read.
    pub why: Undecodable,
    /// Where they came from: `websocket`, or `TOPIC-PARTITION@OFFSET`.
    pub source: String,
    /// When they were received: milliseconds since 1970-01-01 UTC.
    pub received_ms: i64,
}

impl DeadLetter {
    /// The source of a record.
    pub fn source_of_record(topic: &str, partition: i32, offset: i64) -> String {
        format!("{topic}-{partition}@{offset}")
    }

    /// The record's headers, UTF-8. Not JSON in the value: the bytes need not be text, and wrapping them would change them.
    pub fn headers(&self) -> [(&'static str, &[u8]); 3] {
        [
            (HEADER_REASON, self.why.reason.name().as_bytes()),
            (HEADER_DETAIL, self.why.detail.as_bytes()),
            (HEADER_SOURCE, self.source.as_bytes()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use market::Reason;

    #[test]
    fn a_dead_letter_says_why_and_whence_in_its_headers_and_leaves_its_bytes_alone() {
        let letter = DeadLetter {
            bytes: Bytes::from_static(b"\xff{\"ty"),
            why: Undecodable {
                reason: Reason::Malformed,
                detail: "not UTF-8 at byte 0".into(),
            },
            source: DeadLetter::source_of_record("trades", 3, 128),
            received_ms: 1,
        };
        assert_eq!(
            letter.headers(),
            [
                ("reason", &b"malformed"[..]),
                ("detail", &b"not UTF-8 at byte 0"[..]),
                ("source", &b"trades-3@128"[..]),
            ]
        );
    }
}
