//! Consistent hashing, for stores that get and lose nodes: a ring, jump, and the highest of random weights.
//!
//! All take a hash of 64 bits, such as [`hash64`](crate::hash64). With one node more than n, each moves about one key in n + 1, which is
//! what must move; `hash % n` moves nearly all.

use crate::mix;

/// The bucket of a hash among `buckets`: jump consistent hash (Lamping and Veach, 2014). `None` without buckets.
///
/// Nothing is stored, and the load is as even as chance makes it. The price: buckets are numbers from 0 on, and only the last one can go.
///
/// For a hash that has jumped to bucket b, the next jump is drawn from the hash itself: hash = hash · 2862933555777941757 + 1 modulo
/// 2⁶⁴, and the bucket it jumps to is (b + 1) · 2³¹ / ((hash >> 33) + 1), first the division by the hash, in doubles, then rounded down. The first
/// bucket is 0, and before each jump the hash steps on; the last one that is below `buckets` counts.
#[inline]
#[must_use]
pub fn jump(mut hash: u64, buckets: u32) -> Option<u32> {
    todo!("task 7: jump until the next bucket is beyond the last")
}

/// The place in `nodes` of the node for a hash: rendezvous hashing, or highest random weight (Thaler and Ravishankar, 1996). `None`
/// without nodes.
///
/// Each node's weight for a key is the [`mix`] of the hash ⊕ the mixed node; the highest one gets it. Any node may go, and its keys are
/// spread over all others. The price: every node is looked at for every key.
#[inline]
#[must_use]
pub fn rendezvous(hash: u64, nodes: &[u64]) -> Option<usize> {
    todo!("task 7: the node of the highest weight")
}

/// A ring of hashes on which each node has so many points; a key belongs to the node of the first point at or after its hash, and
/// behind the last point comes the first (Karger and others, 1997).
///
/// With one point a node the load is as uneven as the gaps between the points. With v of them a node's load differs by about 1/√v.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Ascending.
    points: Vec<(u64, u32)>,
    each: u32,
}

impl Ring {
    /// Without nodes yet; each will have so many points, at least one.
    #[must_use]
    pub fn new(points_each: u32) -> Self {
        Self {
            points: Vec::new(),
            each: points_each.max(1),
        }
    }

    /// Point number `number` of a node. No two are the same: [`mix`] keeps different numbers different.
    fn point(node: u32, number: u32) -> u64 {
        mix(u64::from(node) << 32 | u64::from(number))
    }

    /// Puts a node on the ring, with its points 0, 1, … (`Ring::point`); `false` if it is there already, which changes nothing.
    pub fn add(&mut self, node: u32) -> bool {
        todo!("task 7: a node's points")
    }

    /// Takes a node off the ring; `false` if it is not there. Its keys go to the next points, and no other key moves.
    pub fn remove(&mut self, node: u32) -> bool {
        todo!("task 7: without a node's points")
    }

    /// The node for a hash; `None` on an empty ring.
    #[inline]
    #[must_use]
    pub fn node(&self, hash: u64) -> Option<u32> {
        todo!("task 7: the first point at or after the hash")
    }
}
