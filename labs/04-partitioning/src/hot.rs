//! A hot key: dealt out over sub-keys, and put together again.

use std::collections::VecDeque;

use market::{EventTime, Identity};

use crate::{NoPartitions, mix, partition_for};

/// By what a record of a hot key gets its sub-key: always something of its own. A counter of the producer's or a random number
/// would give a repeat of a trade another sub-key than the trade had, and no partition would see both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Salt {
    /// By the trade's number. All sub-keys are busy at any time, and neighbours part.
    Number,
    /// By its event time, a span after another. Within a span the order holds and one sub-key is busy; a window of that length
    /// and offset 0 has all its trades in one partition, so it needs no merge.
    Span {
        /// How long a span is, in milliseconds.
        ms: i64,
    },
}

/// Why something is no way to deal out a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HotError {
    /// No sub-keys.
    #[error("a hot key is dealt out over at least 1 sub-key, not 0")]
    NoWays,
    /// Spans without length.
    #[error("a span is at least 1 ms long, not {0}")]
    NoSpan(i64),
    /// A record of a sub-key that does not exist.
    #[error("there is no sub-key {0}")]
    NoSubKey(usize),
}

/// A hot key's sub-keys, from 0 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SubKeys {
    salt: Salt,
    ways: u16,
}

impl SubKeys {
    /// So many sub-keys.
    ///
    /// # Errors
    /// [`HotError::NoWays`] for none; else [`HotError::NoSpan`] for a span of 0 ms or less.
    pub fn new(salt: Salt, ways: u16) -> Result<Self, HotError> {
        match salt {
            _ if ways == 0 => Err(HotError::NoWays),
            Salt::Span { ms } if ms < 1 => Err(HotError::NoSpan(ms)),
            _ => Ok(Self { salt, ways }),
        }
    }

    /// The sub-key of a trade.
    ///
    /// - [`Salt::Number`]: the remainder of its mixed number (see [`mix`]). Not of the number itself: this exchange's are a time
    ///   in milliseconds with four digits behind it that are nearly always 0, so of two sub-keys one would get nearly all.
    /// - [`Salt::Span`]: the spans are counted from 1970 on, the first one with sub-key 0, and their sub-keys follow one another, also
    ///   from before 1970 into it.
    #[inline]
    #[must_use]
    pub fn of(&self, trade: &Identity, time: EventTime) -> u16 {
        todo!("task 4: the sub-key of a trade")
    }

    /// The partition of a sub-key: so many behind that of the key itself, and behind the last one comes the first. So sub-keys share
    /// no partition unless there are more of them than partitions. Hashed under names of their own (`KRW-BTC#3`), some would.
    ///
    /// # Errors
    /// [`NoPartitions`].
    #[inline]
    pub fn partition(key: &[u8], sub: u16, partitions: i32) -> Result<i32, NoPartitions> {
        todo!("task 4: where a sub-key lies")
    }

    /// How many sub-keys are enough: the smallest number, at most one a partition, with which no partition that has one gets more than
    /// `capacity`. `None` if no number is.
    ///
    /// `rate` is the hot key's, `others` what each partition gets of other keys, all in the same unit. The largest of the sub-keys'
    /// shares counts: `rate` divided by their number, rounded up. More sub-keys than that may again be too many, where they reach a
    /// partition that is full already; so each number is looked at by itself.
    ///
    /// # Errors
    /// [`NoPartitions`] where `others` is empty.
    pub fn enough(key: &[u8], rate: u64, others: &[u64], capacity: u64) -> Result<Option<u16>, NoPartitions> {
        todo!("task 4: the smallest number of sub-keys that is enough")
    }
}

/// Puts the records of sub-keys in one order again: by `K`, which each sub-key's own records come in.
///
/// That is the price of the split. A record waits until every other sub-key has shown that it has nothing before it, and one that
/// falls silent holds all others back.
#[derive(Clone, Debug)]
pub struct Merge<K, T> {
    /// What waits of each sub-key, and whether it has ended.
    inputs: Vec<(VecDeque<(K, T)>, bool)>,
}

impl<K: Ord, T> Merge<K, T> {
    /// For so many sub-keys.
    #[must_use]
    pub fn new(ways: u16) -> Self {
        Self {
            inputs: (0..ways).map(|_| (VecDeque::new(), false)).collect(),
        }
    }

    /// A record of a sub-key came.
    ///
    /// # Errors
    /// [`HotError::NoSubKey`].
    pub fn push(&mut self, sub: usize, order: K, record: T) -> Result<(), HotError> {
        let (waiting, _) = self.inputs.get_mut(sub).ok_or(HotError::NoSubKey(sub))?;
        waiting.push_back((order, record));
        Ok(())
    }

    /// Nothing more comes of a sub-key: nobody waits for it once its records are out.
    ///
    /// # Errors
    /// [`HotError::NoSubKey`].
    pub fn end(&mut self, sub: usize) -> Result<(), HotError> {
        let (_, ended) = self.inputs.get_mut(sub).ok_or(HotError::NoSubKey(sub))?;
        *ended = true;
        Ok(())
    }

    /// How many records wait.
    #[must_use]
    pub fn held(&self) -> usize {
        self.inputs.iter().map(|(waiting, _)| waiting.len()).sum()
    }

    /// The next record of all, if it is certain which that is: the smallest of those at the head of their sub-keys, once each sub-key
    /// has one or has ended. Of equal ones the lower sub-key's.
    pub fn pop(&mut self) -> Option<(K, T)> {
        todo!("task 4: the next one, if it is certain")
    }
}
