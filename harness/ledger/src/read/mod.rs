//! Reads the copies where they are: a topic from start to end, the tables, the exchange's lists.

pub(crate) mod tables;
pub(crate) mod topic;

use market::EventTime;

use crate::letters::{BadFrame, Hash};

/// A line of the exchange's list of bad frames. `None` when its hash is none.
pub(crate) fn bad_frame(entry: &exchange::journal::BadFrameEntry) -> Option<BadFrame> {
    Some(BadFrame {
        hash: hex(&entry.sha256)?,
        sent: EventTime::from_millis(entry.sent_us / 1_000),
        cut: entry.maybe_lost,
        what: format!(
            "bad frame {} ({}, {} bytes, connection {})",
            entry.n, entry.kind, entry.bytes, entry.connection
        ),
    })
}

fn hex(text: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    if text.len() != 2 * hash.len() {
        return None;
    }
    for (i, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(hash)
}
