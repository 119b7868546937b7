//! Dropping records that are in the log twice.
//!
//! A producer that reconnects, or a gap that is filled from two sources, writes a trade again. A record is a repeat when
//! its market has had the same sequential id in the same second of event time, no further than a span behind the newest
//! second of that market. Older ones are never judged, so what must be remembered is bounded by the span, not by the
//! log. The verdict depends on the log's order alone.
//!
//! Ids of a market mostly ascend. So a second's ids are a list to which nearly every id is just appended; only an id
//! that comes out of order is looked up, and only those are hashed.

use std::collections::VecDeque;

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet};
use market::{EventTime, Identity, Market};

use crate::encoding::{self, SnapshotError};

/// The ids of one market in one second.
#[derive(Clone, Debug, Default)]
struct Bucket {
    second: i64,
    /// Offset of the first record in it.
    first: i64,
    ascending: Vec<u64>,
    strays: HashSet<u64, FixedState>,
}

impl Bucket {
    /// Takes an id. Says whether it was not there yet.
    #[inline]
    fn insert(&mut self, id: u64) -> bool {
        if self.ascending.last().is_none_or(|last| *last < id) {
            // A stray is below the last of the list when it comes in, so an id above the last is none of them.
            self.ascending.push(id);
            return true;
        }
        self.ascending.binary_search(&id).is_err() && self.strays.insert(id)
    }

    fn len(&self) -> usize {
        self.ascending.len() + self.strays.len()
    }

    fn sorted(&self) -> Vec<u64> {
        let mut ids = self.ascending.clone();
        ids.extend(&self.strays);
        ids.sort_unstable();
        ids
    }
}

impl PartialEq for Bucket {
    /// Whether both hold the same ids; which of them came out of order does not matter.
    fn eq(&self, other: &Self) -> bool {
        (self.second, self.first) == (other.second, other.first) && self.sorted() == other.sorted()
    }
}

/// What is remembered of one market.
#[derive(Clone, Debug, PartialEq)]
struct Recent {
    newest: i64,
    /// By second.
    buckets: VecDeque<Bucket>,
}

/// The identities of the last seconds, by market.
#[derive(Clone, Debug)]
pub struct Repeats {
    span_s: i64,
    markets: HashMap<Market, Recent, FixedState>,
    spare: Vec<Bucket>,
}

impl PartialEq for Repeats {
    /// Whether both hold the same, and so decide alike from now on.
    fn eq(&self, other: &Self) -> bool {
        self.span_s == other.span_s && self.markets == other.markets
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Snapshot {
    span_s: i64,
    /// With the newest second of each.
    markets: Vec<(Market, i64, Vec<Second>)>,
}

/// A second, the offset of its first record, its ids in order.
type Second = (i64, i64, Vec<u64>);

const VERSION: u8 = 1;

impl Repeats {
    /// The span the pipeline uses: longer than a reconnect with its repairs of the last seconds takes.
    pub const DEFAULT_SPAN_S: u32 = 10;

    /// Nothing remembered; `span_s` whole seconds of event time behind the newest of a market are.
    pub fn new(span_s: u32) -> Self {
        Self {
            span_s: i64::from(span_s),
            markets: HashMap::default(),
            spare: Vec::new(),
        }
    }

    /// Judges the record at `offset`, and remembers it. Call it for every record, in log order. A repeat changes nothing.
    #[inline]
    pub fn is_repeat(&mut self, identity: Identity, event_time: EventTime, offset: i64) -> bool {
        let second = event_time.millis().div_euclid(1000);
        let recent = self.markets.entry(identity.market).or_insert_with(|| Recent {
            newest: second,
            buckets: VecDeque::new(),
        });
        if second > recent.newest {
            recent.newest = second;
            forget(recent, self.span_s, &mut self.spare);
        } else if second < recent.newest.saturating_sub(self.span_s) {
            return false;
        }
        !insert(recent, second, identity.sequential_id, offset, &mut self.spare)
    }

    /// How many identities are remembered.
    pub fn len(&self) -> usize {
        self.markets
            .values()
            .flat_map(|recent| &recent.buckets)
            .map(Bucket::len)
            .sum()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a restart cannot learn by reading the log again from `replay_from`: the newest second of each market, and
    /// the seconds that began before that offset. Everything else is in the records from there on, which
    /// [`Repeats::rebuild`] takes.
    ///
    /// # Errors
    /// [`SnapshotError::Unencodable`].
    pub fn snapshot(&self, replay_from: i64) -> Result<Vec<u8>, SnapshotError> {
        let market = |(market, recent): (&Market, &Recent)| {
            let kept = recent.buckets.iter().filter(|bucket| bucket.first < replay_from);
            let buckets = kept.map(|bucket| (bucket.second, bucket.first, bucket.sorted()));
            (*market, recent.newest, buckets.collect())
        };
        let mut markets: Vec<_> = self.markets.iter().map(market).collect();
        markets.sort_unstable_by_key(|(market, ..)| *market);
        let snapshot = Snapshot {
            span_s: self.span_s,
            markets,
        };
        encoding::encode(VERSION, &snapshot)
    }

    /// What the snapshot holds. Give [`Repeats::rebuild`] every record from its `replay_from` up to the offset at which
    /// it was taken; then it decides as the original would have.
    ///
    /// # Errors
    /// [`SnapshotError`] for anything but a snapshot with this span.
    pub fn restore(span_s: u32, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let snapshot: Snapshot = encoding::decode(VERSION, bytes)?;
        let mut repeats = Self::new(span_s);
        if snapshot.span_s != repeats.span_s {
            return Err(SnapshotError::OtherConfiguration);
        }
        for (market, newest, seconds) in snapshot.markets {
            let mut buckets = VecDeque::with_capacity(seconds.len());
            for (second, first, ids) in seconds {
                let follows = buckets.back().is_none_or(|last: &Bucket| last.second < second);
                if !follows || second > newest || !ids.is_sorted() {
                    return Err(SnapshotError::Garbage("seconds or ids out of order".into()));
                }
                buckets.push_back(Bucket {
                    second,
                    first,
                    ascending: ids,
                    strays: HashSet::default(),
                });
            }
            if repeats.markets.insert(market, Recent { newest, buckets }).is_some() {
                return Err(SnapshotError::Garbage("a market stands in it twice".into()));
            }
        }
        Ok(repeats)
    }

    /// Takes again a record that was judged before the snapshot: without a verdict, and in any second that the original
    /// still remembered when the snapshot was taken.
    pub fn rebuild(&mut self, identity: Identity, event_time: EventTime, offset: i64) {
        let second = event_time.millis().div_euclid(1000);
        // A market without an entry is one that the snapshot had not seen: the record is not from before it.
        if let Some(recent) = self.markets.get_mut(&identity.market)
            && second <= recent.newest
            && second >= recent.newest.saturating_sub(self.span_s)
        {
            insert(recent, second, identity.sequential_id, offset, &mut self.spare);
        }
    }
}

/// Drops the seconds that are more than `span_s` behind the newest one of the market: the oldest stand in front. Emptied
/// buckets may be kept in `spare`, 64 at most, for their allocations: whoever takes one must find no ids in it.
#[cold]
fn forget(recent: &mut Recent, span_s: i64, spare: &mut Vec<Bucket>) {
    todo!("task 4: drop the seconds that have fallen behind the span")
}

#[inline]
fn insert(recent: &mut Recent, second: i64, id: u64, offset: i64, spare: &mut Vec<Bucket>) -> bool {
    if let Some(newest) = recent.buckets.back_mut()
        && newest.second == second
    {
        return newest.insert(id);
    }
    let at = recent.buckets.partition_point(|bucket| bucket.second < second);
    if recent.buckets.get(at).is_none_or(|bucket| bucket.second != second) {
        let mut bucket = spare.pop().unwrap_or_default();
        bucket.second = second;
        bucket.first = offset;
        recent.buckets.insert(at, bucket);
    }
    recent.buckets[at].insert(id)
}
