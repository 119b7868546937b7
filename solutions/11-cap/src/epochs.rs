//! The loss report by leader epoch: where two logs part, and which acknowledged records the healed one does not have.

use std::collections::BTreeMap;

/// Where a leader's epoch begins in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochStart {
    /// The leader's epoch: each election has a new one, above all before.
    pub epoch: i32,
    /// The offset of its first record.
    pub start: i64,
}

/// A log as its leader epochs describe it: what a broker keeps in `leader-epoch-checkpoint`. One leader writes one epoch, so a record is
/// named by its offset and its epoch: two logs that hold the same pair are equal up to there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lineage {
    /// Ascending in both.
    starts: Vec<EpochStart>,
    begin: i64,
    end: i64,
}

/// No log has such epochs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineageError {
    /// Epochs and their starts must ascend, and lie in the log.
    #[error(
        "epoch {epoch} cannot start at offset {start} here: epochs ascend, with their starts, between the log's begin and end"
    )]
    Order {
        /// The epoch.
        epoch: i32,
        /// Where it is said to start.
        start: i64,
    },
    /// The log begins after its end.
    #[error("a log cannot begin at {begin} and end at {end}")]
    Bounds {
        /// Its first offset.
        begin: i64,
        /// The offset after its last.
        end: i64,
    },
    /// Not a checkpoint: its version, the number of entries, then an epoch and its start in each line.
    #[error("no checkpoint of leader epochs: {0:?}")]
    NoCheckpoint(String),
}

impl Lineage {
    /// A log from `begin` (what is before it was deleted) to `end`, the offset that the next record gets.
    ///
    /// # Errors
    /// [`LineageError::Bounds`], [`LineageError::Order`]. The first epoch starts at `begin`; a log without any is taken as it is.
    pub fn new(starts: Vec<EpochStart>, begin: i64, end: i64) -> Result<Self, LineageError> {
        if begin < 0 || begin > end {
            return Err(LineageError::Bounds { begin, end });
        }
        let mut before = EpochStart {
            epoch: -1,
            start: begin - 1,
        };
        for EpochStart { epoch, start } in starts.iter().copied() {
            if epoch <= before.epoch || start <= before.start || start > end || (before.epoch < 0 && start != begin) {
                return Err(LineageError::Order { epoch, start });
            }
            before = EpochStart { epoch, start };
        }
        Ok(Self { starts, begin, end })
    }

    /// From the text of a broker's `leader-epoch-checkpoint`. It says nothing of the log's ends; entries at or after `end` are left out, and the
    /// first one starts at `begin` if retention has deleted what was before it.
    ///
    /// # Errors
    /// [`LineageError::NoCheckpoint`] for other text, else as [`Lineage::new`].
    pub fn of_checkpoint(text: &str, begin: i64, end: i64) -> Result<Self, LineageError> {
        let wrong = || LineageError::NoCheckpoint(text.chars().take(80).collect());
        let mut lines = text.lines();
        let (version, count) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
        let count: usize = count.trim().parse().map_err(|_| wrong())?;
        let entries = lines.map(|line| {
            let (epoch, start) = line.trim().split_once(' ')?;
            Some(EpochStart {
                epoch: epoch.parse().ok()?,
                start: start.parse().ok()?,
            })
        });
        let starts: Vec<EpochStart> = entries.collect::<Option<_>>().ok_or_else(wrong)?;
        if version.trim() != "0" || starts.len() != count {
            return Err(wrong());
        }
        let mut kept: Vec<EpochStart> = Vec::with_capacity(count);
        for entry in starts.into_iter().filter(|entry| entry.start < end) {
            let start = entry.start.max(begin);
            if kept.last().is_some_and(|last| last.start >= start) {
                kept.pop();
            }
            kept.push(EpochStart { start, ..entry });
        }
        Self::new(kept, begin, end)
    }

    /// The epoch of the record at `offset`; `None` if it is not in the log.
    pub fn epoch_at(&self, offset: i64) -> Option<i32> {
        let inside = (self.begin..self.end).contains(&offset);
        let at = self.starts.partition_point(|entry| entry.start <= offset);
        inside.then(|| self.starts.get(at.checked_sub(1)?).map(|entry| entry.epoch))?
    }

    /// The first offset that is still there.
    pub fn begin(&self) -> i64 {
        self.begin
    }

    /// The offset after the last one.
    pub fn end(&self) -> i64 {
        self.end
    }

    /// What a leader with this log answers to OffsetForLeaderEpoch: the largest epoch up to `epoch` that it has, and the offset where that ends.
    ///
    /// The newest epoch ends with the log, every other one where the next one starts. An epoch that the log does not have is answered with the one
    /// below it. Below the oldest there is nothing: then `epoch` itself and the start of the oldest. `None` for an epoch above the newest: this
    /// log cannot know of it.
    pub fn end_of(&self, epoch: i32) -> Option<(i32, i64)> {
        // TASK 4: the largest epoch up to this one, and where it ends
        let newest = self.starts.last()?;
        if epoch > newest.epoch {
            return None;
        }
        let above = self.starts.partition_point(|entry| entry.epoch <= epoch);
        let end = self.starts.get(above).map_or(self.end, |next| next.start);
        let known = above.checked_sub(1).map_or(epoch, |at| self.starts[at].epoch);
        Some((known, end))
        // END TASK 4
    }

    /// Where this log, a follower's, parts from its leader's: what it has at or after that offset it must truncate. `None` if they have no
    /// epoch in common; then it begins anew.
    ///
    /// It asks for the end of its newest epoch. If the leader has that epoch, they part at the smaller of both ends. If the leader answers
    /// with an older one, the follower looks whether it has that itself, and asks for the next older of its own otherwise: one question is
    /// not enough where both logs have epochs that the other lacks (KIP-279). A follower whose newest epoch is above the leader's newest goes on with its next older
    /// one. The high watermark is not asked: it may lag behind what was committed (KIP-101).
    pub fn parts_from(&self, leader: &Self) -> Option<i64> {
        // TASK 4: where a follower's log parts from its leader's
        let mut epochs = self.starts.iter().rev().map(|entry| entry.epoch);
        epochs.find_map(|epoch| {
            let (known, end) = leader.end_of(epoch)?;
            let (_, own) = self.end_of(epoch)?;
            let both_have_it = known == epoch && leader.starts.iter().any(|entry| entry.epoch == epoch);
            both_have_it.then(|| own.min(end))
        })
        // END TASK 4
    }
}

/// An acknowledged record: the leader of `epoch` said that it stands at `offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acked {
    /// The offset in the acknowledgement.
    pub offset: i64,
    /// The epoch of the leader that gave it.
    pub epoch: i32,
    /// What the caller knows the record by.
    pub identity: u64,
}

/// What became of the records of one epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Acknowledged in it.
    pub acked: u64,
    /// Still there.
    pub kept: u64,
    /// Before the log's begin: deleted by age, or lost earlier. Nobody can say any more.
    pub expired: u64,
    /// The identities of those that were truncated, in the order of their offsets.
    pub truncated: Vec<u64>,
}

/// A [`Row`] for each epoch in which something was acknowledged.
pub type Report = BTreeMap<i32, Row>;

/// Says of each acknowledged record what became of it. It is kept if the healed log has its epoch and that epoch reaches beyond its offset.
/// That another record stands at its offset says nothing for it: the next leader filled the place. What is before the log's begin has expired.
///
/// The acknowledged records come in any order; two with one identity are two.
pub fn report(acked: &[Acked], healed: &Lineage) -> Report {
    // TASK 4: what became of each acknowledged record, by epoch
    let mut sorted = acked.to_vec();
    sorted.sort_by_key(|record| (record.epoch, record.offset));
    let mut report = Report::new();
    for record in sorted {
        let row = report.entry(record.epoch).or_default();
        row.acked += 1;
        let ends = healed.end_of(record.epoch);
        if record.offset < healed.begin {
            row.expired += 1;
        } else if ends.is_some_and(|(epoch, end)| epoch == record.epoch && record.offset < end) {
            row.kept += 1;
        } else {
            row.truncated.push(record.identity);
        }
    }
    report
    // END TASK 4
}
