//! What a simulation is made of: replicas of one register, who asks them, and what happens to them.

use std::ops::Range;

use crate::{Quorum, Reads};

/// A value of the register, and its age: the writer counts its writes. 0 is what is there before the first.
pub type Version = u64;

/// The network is cut in two for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// From when to when.
    pub during: Range<u64>,
    /// How many of the replicas are on the far side: the last ones.
    pub away: usize,
    /// How many of the clients are: the last ones. The writer is client 0.
    pub clients_away: usize,
}

impl Cut {
    /// Whether a message that is sent now between two sides is swallowed.
    pub(crate) fn swallows(&self, now: u64, from_far: bool, to_far: bool) -> bool {
        from_far != to_far && self.during.contains(&now)
    }
}

/// Each node in turn stands still for a while and swallows what reaches it; it keeps what it has stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crashes {
    /// From one crash of a node to its next.
    pub every: u64,
    /// How long it stands still.
    pub down: u64,
}

/// What is simulated. Times are ticks of one clock; call them microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many replicas, and how many answers a read and a write need.
    pub quorum: Quorum,
    /// What a reader does with what it learns.
    pub reads: Reads,
    /// Sloppy quorum: after half its timeout a client asks spares as well, one for each replica and on the other side of a cut, and what they say
    /// counts. When the cut is over, they hand on what they hold.
    pub sloppy: bool,
    /// Clients that read. One more writes.
    pub readers: usize,
    /// Of each client, one after another.
    pub operations: usize,
    /// How long a message takes; one in eight takes eight times as long.
    pub delay: Range<u64>,
    /// How long a client waits before each operation.
    pub pause: Range<u64>,
    /// After this an operation is given up: a read is refused, a write is of unknown outcome.
    pub timeout: u64,
    /// A cut, if any.
    pub cut: Option<Cut>,
    /// Crashes, if any.
    pub crashes: Option<Crashes>,
}

impl Plan {
    /// Three readers and a writer of 20 operations each; messages of 100 to 1,000 ticks, pauses of up to 2,000, a timeout of
    /// 30,000; nothing fails.
    pub fn new(quorum: Quorum, reads: Reads) -> Self {
        Self {
            quorum,
            reads,
            sloppy: false,
            readers: 3,
            operations: 20,
            delay: 100..1_000,
            pause: 0..2_000,
            timeout: 30_000,
            cut: None,
            crashes: None,
        }
    }

    /// Home replicas and spares.
    pub(crate) fn nodes(&self) -> usize {
        self.quorum.n() * if self.sloppy { 2 } else { 1 }
    }

    pub(crate) fn node_is_far(&self, node: usize) -> bool {
        let (n, away) = (self.quorum.n(), self.cut.as_ref().map_or(0, |cut| cut.away));
        let home_is_far = node % n >= n.saturating_sub(away);
        home_is_far != (node >= n)
    }

    pub(crate) fn client_is_far(&self, client: usize) -> bool {
        let away = self.cut.as_ref().map_or(0, |cut| cut.clients_away);
        client >= (self.readers + 1).saturating_sub(away)
    }
}

/// Chance that is the same for the same seed, on every machine and in every version of every library (splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of a range, evenly enough; its start if it is empty.
    pub(crate) fn within(&mut self, range: &Range<u64>) -> u64 {
        range.start + self.next() % (range.end.saturating_sub(range.start)).max(1)
    }
}
