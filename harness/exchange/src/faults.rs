//! The faults an exchange can be told to commit while it runs.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

/// A frame that is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BadFrame {
    /// Bytes that are no UTF-8. An added frame.
    Garbage,
    /// A trade's JSON, cut in the middle. An added frame.
    Truncated,
    /// A trade whose price is `true`. An added frame.
    WrongType,
    /// A trade without `sequential_id`. An added frame.
    MissingField,
    /// A trade with padding up to 70,000 bytes, more than the 64 KiB a client should take. An added frame.
    Oversized,
    /// No bad frame: a trade that is sent once, with a key nobody has heard of. A client must ignore the key, so it is
    /// neither listed as bad nor counted.
    UnknownKey,
}

impl BadFrame {
    /// Every kind that cannot be read.
    pub const UNREADABLE: [Self; 5] = [
        Self::Garbage,
        Self::Truncated,
        Self::WrongType,
        Self::MissingField,
        Self::Oversized,
    ];

    /// Its name: `garbage`, `truncated`, `wrong-type`, `missing-field`, `oversized`, `unknown-key`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Garbage => "garbage",
            Self::Truncated => "truncated",
            Self::WrongType => "wrong-type",
            Self::MissingField => "missing-field",
            Self::Oversized => "oversized",
            Self::UnknownKey => "unknown-key",
        }
    }
}

impl fmt::Display for BadFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no kind of bad frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no bad frame is called {0:?}; there are garbage, truncated, wrong-type, missing-field, oversized, unknown-key"
)]
pub struct UnknownBadFrame(String);

impl FromStr for BadFrame {
    type Err = UnknownBadFrame;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::UNREADABLE
            .into_iter()
            .chain([Self::UnknownKey])
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownBadFrame(name.into()))
    }
}

/// A fault of whole connections; those that open later are spared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blow {
    Drop,
    HalfOpen(Duration),
    Stall(Instant),
}

/// Switches of the faults. Every fault adds or breaks; none takes a trade out of the exchange's history, so that whatever
/// the client misses it can get back over REST.
pub struct Faults {
    blows: broadcast::Sender<Blow>,
    /// Frames to send twice.
    duplicate: AtomicU64,
    /// Pairs of neighbours to swap.
    reorder: AtomicU64,
    /// Frames to send with an additional key.
    unknown_key: AtomicU64,
    /// Bad frames to add, in order.
    bad: Mutex<VecDeque<(BadFrame, u64)>>,
    /// Set while any of the four above is.
    frames_pending: AtomicBool,
    /// Bumped when there is something to add to a quiet connection.
    wake: watch::Sender<u64>,
    rest: Mutex<RestFaults>,
}

#[derive(Clone, Copy, Default)]
struct RestFaults {
    refuse_until: Option<Instant>,
    unavailable_until: Option<Instant>,
    truncate: u64,
}

/// What a REST request should get instead of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RestFault {
    TooMany,
    Unavailable,
    Truncate,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self {
            blows: broadcast::Sender::new(64),
            duplicate: AtomicU64::new(0),
            reorder: AtomicU64::new(0),
            unknown_key: AtomicU64::new(0),
            bad: Mutex::new(VecDeque::new()),
            frames_pending: AtomicBool::new(false),
            wake: watch::Sender::new(0),
            rest: Mutex::new(RestFaults::default()),
        }
    }

    fn strike(&self, blow: Blow) {
        // An error says that no connection is open: then the fault strikes nobody, as the counters show.
        let _ = self.blows.send(blow);
    }

    fn pending(&self) {
        {
            // Under the lock that `settle` holds, or it could clear the mark of a fault that was switched on meanwhile.
            let _bad = self.bad.lock().unwrap_or_else(PoisonError::into_inner);
            self.frames_pending.store(true, Ordering::Release);
        }
        self.wake.send_modify(|n| *n += 1);
    }

    /// Resets every open WebSocket: no close frame, and what the client has not received yet is gone.
    pub fn drop_sockets(&self) {
        self.strike(Blow::Drop);
    }

    /// Every open WebSocket goes dead for `duration`: the socket stays, nothing is read from it or written to it, trades
    /// meant for it are lost to it. Then the socket is reset. Connections that open meanwhile are well.
    pub fn half_open(&self, duration: Duration) {
        self.strike(Blow::HalfOpen(duration));
    }

    /// Every open WebSocket stops being written for `duration`; then everything follows, in order.
    pub fn stall(&self, duration: Duration) {
        self.strike(Blow::Stall(Instant::now() + duration));
    }

    /// The next `n` trade frames are sent twice.
    pub fn duplicate(&self, n: u64) {
        self.duplicate.fetch_add(n, Ordering::Relaxed);
        self.pending();
    }

    /// The next `n` pairs of neighbouring trade frames are swapped.
    pub fn reorder(&self, n: u64) {
        self.reorder.fetch_add(n, Ordering::Relaxed);
        self.pending();
    }

    /// Adds `n` bad frames between the trades of a subscribed connection, or as soon as there is one; behind each a ping,
    /// whose answer proves to the journal that the client has read the frame (the real exchange never pings). For
    /// [`BadFrame::UnknownKey`] the next `n` trades are sent with an additional key instead.
    pub fn inject(&self, kind: BadFrame, n: u64) {
        if n == 0 {
            return;
        }
        if kind == BadFrame::UnknownKey {
            self.unknown_key.fetch_add(n, Ordering::Relaxed);
        } else {
            self.bad
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push_back((kind, n));
        }
        self.pending();
    }

    /// Every REST request is answered 429 for `duration`.
    pub fn rate_limit(&self, duration: Duration) {
        self.rest().refuse_until = Some(Instant::now() + duration);
    }

    /// Every REST request is answered 503 for `duration`.
    pub fn unavailable(&self, duration: Duration) {
        self.rest().unavailable_until = Some(Instant::now() + duration);
    }

    /// The next `n` REST answers break off in the middle of the body.
    pub fn truncate_rest(&self, n: u64) {
        self.rest().truncate += n;
    }

    fn rest(&self) -> std::sync::MutexGuard<'_, RestFaults> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn rest_fault(&self) -> Option<RestFault> {
        let now = Instant::now();
        let mut rest = self.rest();
        if rest.refuse_until.is_some_and(|until| now < until) {
            Some(RestFault::TooMany)
        } else if rest.unavailable_until.is_some_and(|until| now < until) {
            Some(RestFault::Unavailable)
        } else if rest.truncate > 0 {
            rest.truncate -= 1;
            Some(RestFault::Truncate)
        } else {
            None
        }
    }

    pub(crate) fn blows(&self) -> broadcast::Receiver<Blow> {
        self.blows.subscribe()
    }

    pub(crate) fn wakes(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }

    /// Whether frames need a closer look: one relaxed load per batch while no fault is on.
    #[inline]
    pub(crate) fn frames_pending(&self) -> bool {
        self.frames_pending.load(Ordering::Acquire)
    }

    /// Clears the mark if nothing is left to do.
    pub(crate) fn settle(&self) {
        let bad = self.bad.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = [&self.duplicate, &self.reorder, &self.unknown_key];
        if bad.is_empty() && rest.iter().all(|n| n.load(Ordering::Relaxed) == 0) {
            self.frames_pending.store(false, Ordering::Release);
        }
    }

    pub(crate) fn take_duplicate(&self) -> bool {
        take(&self.duplicate)
    }

    pub(crate) fn take_reorder(&self) -> bool {
        take(&self.reorder)
    }

    pub(crate) fn take_unknown_key(&self) -> bool {
        take(&self.unknown_key)
    }

    pub(crate) fn take_bad(&self) -> Option<BadFrame> {
        let mut bad = self.bad.lock().unwrap_or_else(PoisonError::into_inner);
        let (kind, n) = bad.front_mut()?;
        let kind = *kind;
        *n -= 1;
        if *n == 0 {
            bad.pop_front();
        }
        Some(kind)
    }
}

fn take(n: &AtomicU64) -> bool {
    n.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
        .is_ok()
}
