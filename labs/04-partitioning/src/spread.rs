//! How evenly keys fill partitions, and what another number of partitions would move.

use crate::{NoPartitions, Partitioner};

/// What one partition gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Load {
    /// How many keys.
    pub keys: usize,
    /// How many records.
    pub records: u64,
}

/// What adding partitions moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Moved {
    /// Keys that change their partition: their order is broken at the switch, and their state is elsewhere.
    pub keys: usize,
    /// Keys in all.
    pub of_keys: usize,
    /// Records of the moved keys.
    pub records: u64,
    /// Records in all.
    pub of_records: u64,
}

/// Counted keys over partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spread {
    loads: Vec<Load>,
}

impl Spread {
    /// Places every key with its count of records.
    ///
    /// # Errors
    /// [`NoPartitions`].
    pub fn of<'a>(
        partitioner: Partitioner,
        partitions: i32,
        counts: impl IntoIterator<Item = (&'a [u8], u64)>,
    ) -> Result<Self, NoPartitions> {
        partitioner.partition(None, partitions)?;
        let mut loads = vec![Load::default(); partitions.unsigned_abs() as usize];
        for (key, records) in counts {
            let load = &mut loads[partitioner.partition(Some(key), partitions)? as usize];
            load.keys += 1;
            load.records = load.records.saturating_add(records);
        }
        Ok(Self { loads })
    }

    /// What each partition gets.
    pub fn loads(&self) -> &[Load] {
        &self.loads
    }

    /// The share of records of each partition; all zero if there are none.
    pub fn shares(&self) -> impl Iterator<Item = f64> + '_ {
        let total: u64 = self.loads.iter().map(|load| load.records).sum();
        self.loads.iter().map(move |load| {
            if total == 0 {
                0.0
            } else {
                load.records as f64 / total as f64
            }
        })
    }

    /// How many times its fair share the fullest partition gets: 1 is even. With one hot key it is the number of
    /// partitions times that key's share, and no number of partitions makes it better.
    pub fn skew(&self) -> f64 {
        self.shares().fold(0.0, f64::max) * self.loads.len() as f64
    }

    /// What going from one number of partitions to another moves. It is nearly everything: `hash % n` keeps about one
    /// key in n.
    ///
    /// # Errors
    /// [`NoPartitions`].
    pub fn moved<'a>(
        partitioner: Partitioner,
        from: i32,
        to: i32,
        counts: impl IntoIterator<Item = (&'a [u8], u64)>,
    ) -> Result<Moved, NoPartitions> {
        let mut moved = Moved::default();
        for (key, records) in counts {
            let moves = partitioner.partition(Some(key), from)? != partitioner.partition(Some(key), to)?;
            moved.of_keys += 1;
            moved.of_records = moved.of_records.saturating_add(records);
            if moves {
                moved.keys += 1;
                moved.records = moved.records.saturating_add(records);
            }
        }
        Ok(moved)
    }
}
