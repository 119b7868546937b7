//! What the feed has done so far.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Counters since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Whether a socket is open and subscribed.
    pub connected: bool,
    /// Connections made; more than one means that the socket was lost.
    pub connections: u64,
    /// Frames received, control frames not counted.
    pub frames: u64,
    /// Bytes of those frames.
    pub bytes: u64,
    /// Trades handed over, repaired ones included.
    pub trades: u64,
    /// Trades that were known already (snapshots and overlap after a reconnect) and were not handed over again.
    pub repeats: u64,
    /// Frames that could not be read.
    pub bad_frames: u64,
    /// Well-formed frames that are no trade of a subscribed market.
    pub ignored: u64,
    /// Gaps: intervals without a connection, after the first one.
    pub gaps: u64,
    /// Trades repaired over REST.
    pub repaired: u64,
    /// Markets whose gap is still being repaired.
    pub repairing: u64,
    /// Of those: markets whose repair failed so often that it is tried only now and then.
    pub unrepaired: u64,
    /// Time during which something was being repaired, milliseconds.
    pub repair_ms: u64,
    /// REST requests sent.
    pub rest_requests: u64,
    /// Errors that the exchange reported over the socket.
    pub server_errors: u64,
    /// Times that a full channel stopped the reading of the socket.
    pub stalls: u64,
    /// The last failure of a connection or a repair, for a person.
    pub last_error: Option<String>,
}

/// The same, while it is counted.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connected: AtomicBool,
    pub(crate) connections: AtomicU64,
    pub(crate) frames: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) trades: AtomicU64,
    pub(crate) repeats: AtomicU64,
    pub(crate) bad_frames: AtomicU64,
    pub(crate) ignored: AtomicU64,
    pub(crate) gaps: AtomicU64,
    pub(crate) repaired: AtomicU64,
    pub(crate) repairing: AtomicU64,
    pub(crate) unrepaired: AtomicU64,
    pub(crate) repair_ms: AtomicU64,
    pub(crate) rest_requests: AtomicU64,
    pub(crate) server_errors: AtomicU64,
    pub(crate) stalls: AtomicU64,
    last_error: Mutex<Option<String>>,
}

impl Counters {
    /// Adds to a counter. Each has one writer or does not care for order.
    pub(crate) fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Relaxed);
    }

    /// Adds one and tells what that makes.
    pub(crate) fn bump(counter: &AtomicU64) -> u64 {
        counter.fetch_add(1, Relaxed) + 1
    }

    pub(crate) fn failed(&self, error: &dyn std::fmt::Display) {
        *self.last_error.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(error.to_string());
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            connected: self.connected.load(Relaxed),
            connections: self.connections.load(Relaxed),
            frames: self.frames.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            trades: self.trades.load(Relaxed),
            repeats: self.repeats.load(Relaxed),
            bad_frames: self.bad_frames.load(Relaxed),
            ignored: self.ignored.load(Relaxed),
            gaps: self.gaps.load(Relaxed),
            repaired: self.repaired.load(Relaxed),
            repairing: self.repairing.load(Relaxed),
            unrepaired: self.unrepaired.load(Relaxed),
            repair_ms: self.repair_ms.load(Relaxed),
            rest_requests: self.rest_requests.load(Relaxed),
            server_errors: self.server_errors.load(Relaxed),
            stalls: self.stalls.load(Relaxed),
            last_error: self
                .last_error
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .clone(),
        }
    }
}
