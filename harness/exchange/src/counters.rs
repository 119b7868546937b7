//! What the exchange has done so far.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

/// What the exchange has done since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counters {
    /// Trades executed: what the journal holds.
    pub executed: u64,
    /// Data frames handed to sockets, over all connections: trades, snapshots, repeats and bad frames.
    pub frames: u64,
    /// Bytes handed to sockets, frame headers included.
    pub bytes: u64,
    /// WebSocket connections ever opened.
    pub connections: u64,
    /// WebSocket connections open now, also half-open ones.
    pub open: u64,
    /// Connections that have a subscription and are well.
    pub subscribed: u64,
    /// Trades that wait in queues for their connections.
    pub queued: u64,
    /// How far execution is behind its timetable because clients are slow, in milliseconds.
    pub behind_ms: u64,
    /// Bad frames written to sockets.
    pub bad_frames: u64,
    /// Frames that were sent twice.
    pub duplicated: u64,
    /// Pairs of frames that were swapped.
    pub reordered: u64,
    /// Frames that were sent with an unknown key.
    pub unknown_keys: u64,
    /// Connections that a fault reset, at once or after having been half-open.
    pub cut: u64,
    /// Connections that were stalled.
    pub stalled: u64,
    /// REST requests answered, whatever the answer.
    pub requests: u64,
    /// REST requests answered 429, by the limit or by a fault.
    pub refused: u64,
    /// Whether a capture that is not looped has come to its end.
    pub at_end: bool,
}

/// The same, while it is counted.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) executed: AtomicU64,
    pub(crate) frames: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) connections: AtomicU64,
    /// When the next trade is due, in microseconds since 1970; 0 where there is no timetable.
    pub(crate) due_us: AtomicI64,
    pub(crate) bad_frames: AtomicU64,
    pub(crate) duplicated: AtomicU64,
    pub(crate) reordered: AtomicU64,
    pub(crate) unknown_keys: AtomicU64,
    pub(crate) cut: AtomicU64,
    pub(crate) stalled: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) refused: AtomicU64,
}

impl Counts {
    pub(crate) fn read(&self) -> Counters {
        Counters {
            executed: self.executed.load(Relaxed),
            frames: self.frames.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            connections: self.connections.load(Relaxed),
            behind_ms: match self.due_us.load(Relaxed) {
                0 => 0,
                due_us => crate::now_us().saturating_sub(due_us).max(0).unsigned_abs() / 1000,
            },
            bad_frames: self.bad_frames.load(Relaxed),
            duplicated: self.duplicated.load(Relaxed),
            reordered: self.reordered.load(Relaxed),
            unknown_keys: self.unknown_keys.load(Relaxed),
            cut: self.cut.load(Relaxed),
            stalled: self.stalled.load(Relaxed),
            requests: self.requests.load(Relaxed),
            refused: self.refused.load(Relaxed),
            ..Counters::default()
        }
    }
}

#[inline]
pub(crate) fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Relaxed);
}
