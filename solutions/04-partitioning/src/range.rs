//! Ranges of keys, as stores split them: HBase's regions, Bigtable's tablets, the ranges of CockroachDB and TiKV.

use std::ops::Range;

/// Split points that make no ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("split point {0} is not above the one before it")]
pub struct RangeError(pub usize);

/// Shards by split points: shard 0 holds the keys below the first one, and each split point begins the next shard.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Ranges {
    splits: Vec<Vec<u8>>,
}

impl Ranges {
    /// With these split points.
    ///
    /// # Errors
    /// [`RangeError`] with the place of the first one that is not above the one before it. The empty key cannot be a split point: nothing
    /// is below it.
    pub fn new(splits: Vec<Vec<u8>>) -> Result<Self, RangeError> {
        // TASK 6: split points that ascend
        let mut before: &[u8] = &[];
        for (at, split) in splits.iter().enumerate() {
            if split.as_slice() <= before {
                return Err(RangeError(at));
            }
            before = split;
        }
        Ok(Self { splits })
        // END TASK 6
    }

    /// For counted keys, ascending: at most `shards` shards that are as even as can be from left to right. A shard is cut before the
    /// first key before which its end is reached: of T records on n shards, the end of shard i (from 0) is (i + 1) · T / n, a fraction that
    /// is not rounded. Where a hot key reaches over several ends, there are fewer shards: no split point parts one key. Without records,
    /// and with `shards` of 0 or 1, all is one shard.
    ///
    /// No cut is made before the empty key, nor before one that is not above the last split point: keys that do not ascend may make fewer
    /// shards than could be, and never split points that [`Ranges::new`] would refuse.
    #[must_use]
    pub fn even<'a>(counts: impl IntoIterator<Item = (&'a [u8], u64)>, shards: usize) -> Self {
        // TASK 6: even shards
        let counts: Vec<(&[u8], u64)> = counts.into_iter().collect();
        let total: u128 = counts.iter().map(|(_, records)| u128::from(*records)).sum();
        let (mut seen, mut ended, mut splits) = (0u128, 0, Vec::<Vec<u8>>::new());
        for (key, records) in counts {
            // How many ends lie at or before this key. The last shard's is not one to cut at.
            let ends = (seen * shards as u128).checked_div(total).unwrap_or_default();
            let ends = ends.min(shards.saturating_sub(1) as u128);
            if ends > ended && splits.last().map_or(!key.is_empty(), |last| last.as_slice() < key) {
                splits.push(key.to_vec());
                ended = ends;
            }
            seen += u128::from(records);
        }
        Self { splits }
        // END TASK 6
    }

    /// How many shards there are.
    #[must_use]
    pub fn shards(&self) -> usize {
        self.splits.len() + 1
    }

    /// The split points.
    #[must_use]
    pub fn splits(&self) -> &[Vec<u8>] {
        &self.splits
    }

    /// The shard of a key.
    #[inline]
    #[must_use]
    pub fn shard(&self, key: &[u8]) -> usize {
        // TASK 6: the shard of a key
        self.splits.partition_point(|split| split.as_slice() <= key)
        // END TASK 6
    }

    /// The shards that a scan over the keys from `from` on and before `to` has to ask. None for an empty scan. It is what ranges are for:
    /// hashed, a scan asks all shards.
    #[must_use]
    pub fn scan(&self, from: &[u8], to: &[u8]) -> Range<usize> {
        // TASK 6: the shards of a scan
        if from >= to {
            return 0..0;
        }
        let last = self.splits.partition_point(|split| split.as_slice() < to);
        self.shard(from)..last + 1
        // END TASK 6
    }

    /// The same with one shard split in two at `at`; `None` where a shard begins already, and for the empty key.
    #[must_use]
    pub fn split(&self, at: &[u8]) -> Option<Self> {
        let mut splits = self.splits.clone();
        let place = splits.binary_search_by(|split| split.as_slice().cmp(at)).err()?;
        splits.insert(place, at.to_vec());
        Self::new(splits).ok()
    }
}
