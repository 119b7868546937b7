//! How large the blocks are that rows are inserted in.
//!
//! Each insert makes a part for every table partition that it touches, and parts are merged, again and again. So what an insert costs is
//! paid per part and hardly per row, and a table that gets parts faster than it can merge them first slows its inserts down and
//! then refuses them: error 252, too many parts.

use std::collections::BTreeSet;

/// The server's error of a table that has too many parts.
const TOO_MANY_PARTS: &str = "Code: 252.";

/// When a block is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Rows of a block; one is cut when it has so many.
    pub rows: u64,
    /// How long its oldest row may wait, milliseconds.
    pub delay_ms: i64,
    /// From one cut to the next at least, for each part that the first one made, milliseconds.
    pub part_ms: i64,
    /// The most that is waited after a refusal, milliseconds.
    pub refused_ms: i64,
}

/// A block as it is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Its rows.
    pub rows: u64,
    /// The parts that it makes: one for each table partition of its rows.
    pub parts: u64,
}

/// Collects rows, by a clock that is handed in, and says when they are a block. It counts and does not hold them.
#[derive(Clone, Debug)]
pub struct Batcher {
    bounds: Bounds,
    rows: u64,
    /// The table partitions of the rows.
    partitions: BTreeSet<u32>,
    /// When the oldest row came.
    oldest: i64,
    /// Nothing is cut before.
    not_before: i64,
    /// What the next refusal adds, milliseconds.
    back_off_ms: i64,
}

impl Batcher {
    /// With nothing in it.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            rows: 0,
            partitions: BTreeSet::new(),
            oldest: i64::MAX,
            not_before: i64::MIN,
            back_off_ms: bounds.part_ms.max(1),
        }
    }

    /// A row has come, for a table partition (as `20240131`). Rows may come in with times that go back; the oldest counts.
    pub fn push(&mut self, now: i64, partition: u32) {
        todo!("task 7: count it")
    }

    /// The time from which on there is a block to cut, if nothing more comes; `None` without rows.
    ///
    /// With at least `rows` rows that is at once, otherwise when the oldest has waited for `delay_ms`; but never before the pause after
    /// the last cut or refusal is over. "At once" is the time at which the oldest row came, or the end of that pause.
    #[must_use]
    pub fn due(&self) -> Option<i64> {
        todo!("task 7: when full, or when old, and not before the pause is over")
    }

    /// Cuts the block, all rows of it, if it is due by `now`. The next cut is `part_ms` later for each part that this one makes: a
    /// block that spans two days costs the server two.
    pub fn cut(&mut self, now: i64) -> Option<Cut> {
        todo!("task 7: take what is due, and pause for what it costs")
    }

    /// The server refused a block because of too many parts: nothing is cut for a while from `now` on, so that merges catch up and the
    /// next block is larger. The first refusal waits for `part_ms` (at least 1 ms), and each one in a row for twice as long as the
    /// one before, at most `refused_ms`. A longer pause that already runs is not shortened.
    pub fn refused(&mut self, now: i64) {
        todo!("task 7: a pause that doubles")
    }

    /// The server took a block: the next refusal is a first one again.
    pub fn taken(&mut self) {
        self.back_off_ms = self.bounds.part_ms.max(1);
    }
}

/// Whether the server refused an insert because its table has too many parts: the one refusal that goes away by waiting.
#[must_use]
pub fn too_many_parts(error: &clickhouse::error::Error) -> bool {
    matches!(error, clickhouse::error::Error::BadResponse(text) if text.starts_with(TOO_MANY_PARTS))
}
