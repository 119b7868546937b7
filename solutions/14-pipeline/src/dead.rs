//! Dead letters: what could not be read, kept whole, with the reason.

use market::Undecodable;
use market::record::{HEADER_DETAIL, HEADER_REASON, HEADER_SOURCE};

use crate::parts::producer::{Producer, SendError};

/// A record of the usual broker's limit, and what is said about it. The topic must take as much.
pub(crate) const MOST_BYTES: u32 = 2 << 20;

/// Sends one dead letter; waits while the producer is full.
pub(crate) async fn send(
    producer: &Producer,
    topic: &str,
    bytes: &[u8],
    why: &Undecodable,
    source: &str,
    at_ms: i64,
) -> Result<(), SendError> {
    let headers = [
        (HEADER_REASON, why.reason.name().as_bytes()),
        (HEADER_DETAIL, why.detail.as_bytes()),
        (HEADER_SOURCE, source.as_bytes()),
    ];
    producer
        .send_to(topic, None, None, Some(bytes), &headers, Some(at_ms))
        .await
}
