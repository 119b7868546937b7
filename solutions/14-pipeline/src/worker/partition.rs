//! The state of one partition: a pure function of its log, with no clock and no I/O.
//!
//! Offsets decide what a record is for: before the snapshot it only makes its identity known again; from there to the
//! committed start it restores windows in silence; up to the committed end it is a block that may partly be written
//! already; from there on it is new.

use std::collections::VecDeque;

use consumer::EARLIEST;
use market::{Candle, EventTime, Position, Trade};
use sink::{Range, TradeRow};

use super::snapshot::Snapshot;
use crate::parts::watermarks::{BoundedOutOfOrderness, NegativeBound};
use crate::parts::windows::{CandleConfig, CandleOperator, OperatorError, Repeats, SnapshotError};

/// What decides the state besides the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) bound_ms: i64,
    pub(crate) lateness_ms: i64,
    pub(crate) repeat_span_s: u32,
}

/// Where a worker begins with a partition.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) partition: i32,
    /// The newest snapshot at or before `first`.
    pub(crate) snapshot: Option<Snapshot>,
    /// Everything before this offset is in the tables; [`EARLIEST`] when nothing was ever committed.
    pub(crate) first: i64,
    /// The prepared range ends here (inclusive); its rows may be in the tables or not.
    pub(crate) prepared: Option<i64>,
}

/// Why a partition cannot begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    /// The snapshot is of no use.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The rules are of no use.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The rules are of no use.
    #[error(transparent)]
    Bound(#[from] NegativeBound),
}

/// Why a record cannot be applied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    /// A sum left its column.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The client went back; nothing is missing, and nothing may be applied twice.
    #[error(
        "partition {partition} gave offset {found} again where {expected} was due; start the worker again, it goes on from there"
    )]
    Again {
        /// The partition.
        partition: i32,
        /// The offset that should have come.
        expected: i64,
        /// The one that came.
        found: i64,
    },
    /// A topic that is neither compacted nor written in transactions has no holes: going on would lose what is in it.
    #[error(
        "partition {partition} has no record from offset {expected} to {found}; if retention has deleted them, begin anew \
         with another --group and another --database, and keep records for longer"
    )]
    Hole {
        /// The partition.
        partition: i32,
        /// The offset that should have come.
        expected: i64,
        /// The one that came.
        found: i64,
    },
}

/// The rows of one partition in one block.
#[derive(Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) range: Range,
    pub(crate) trades: Vec<TradeRow>,
    pub(crate) candles: Vec<Candle>,
    /// Some of the rows may be in the tables already.
    pub(crate) recover: bool,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// It only restored state.
    Replayed,
    /// Its identity is known: dropped.
    Repeat,
    /// Applied; behind the watermark or not, too late for a candle or not.
    Trade { late: bool, too_late: bool },
    /// It could not be read.
    Unreadable,
}

/// Candles that fire during a long replay are thrown away this often, in records.
const SILENT_RUN: i64 = 4_096;

#[derive(Debug)]
pub(crate) struct Partition {
    id: i32,
    watermark: BoundedOutOfOrderness,
    candles: CandleOperator,
    repeats: Repeats,
    /// The next offset to apply.
    next: i64,
    /// Records before this one only make identities known.
    rebuilt_at: i64,
    /// Records before this one are in the tables.
    first: i64,
    /// The taken-over range ends here and must be cut exactly here, as it was when it was prepared.
    recover_to: Option<i64>,
    /// Where the next part starts.
    cut_at: i64,
    trades: Vec<TradeRow>,
    ready: VecDeque<Part>,
    /// (offset, newest event time before it), oldest first: candidates for a snapshot's `replay_from`.
    marks: VecDeque<(i64, i64)>,
    newest: i64,
    span_ms: i64,
}

impl Partition {
    /// Restores what is known; the caller reads the log from [`Partition::next`].
    pub(crate) fn restore(start: Start, rules: Rules) -> Result<Self, RestoreError> {
        let config = CandleConfig {
            allowed_lateness_ms: rules.lateness_ms,
            ..CandleConfig::default()
        };
        let span_ms = (i64::from(rules.repeat_span_s) + 1) * 1_000;
        Ok(match start.snapshot {
            Some(snapshot) => Self {
                id: start.partition,
                candles: CandleOperator::restore(start.partition, config, &snapshot.candles)?,
                repeats: Repeats::restore(rules.repeat_span_s, &snapshot.repeats)?,
                watermark: snapshot.watermark,
                next: snapshot.replay_from,
                rebuilt_at: snapshot.offset,
                first: start.first,
                recover_to: start.prepared,
                cut_at: start.first,
                trades: Vec::new(),
                ready: VecDeque::new(),
                marks: VecDeque::from([(snapshot.replay_from, snapshot.newest)]),
                newest: snapshot.newest,
                span_ms,
            },
            None => Self {
                id: start.partition,
                candles: CandleOperator::new(start.partition, config)?,
                repeats: Repeats::new(rules.repeat_span_s),
                watermark: BoundedOutOfOrderness::new(rules.bound_ms)?,
                next: EARLIEST,
                rebuilt_at: EARLIEST,
                first: start.first,
                recover_to: start.prepared,
                cut_at: start.first,
                trades: Vec::new(),
                ready: VecDeque::new(),
                marks: VecDeque::from([(EARLIEST, i64::MIN)]),
                newest: i64::MIN,
                span_ms,
            },
        })
    }

    /// Applies the record at `offset`; `None` when it could not be read.
    pub(crate) fn apply(&mut self, offset: i64, trade: Option<&Trade>) -> Result<Applied, ApplyError> {
        // The log may begin anywhere up to what a snapshot holds; without one, up to what is delivered.
        let begins_by = match self.rebuilt_at {
            EARLIEST => self.first,
            snapshot => snapshot,
        };
        let (expected, hole) = match self.next {
            EARLIEST => (begins_by, begins_by != EARLIEST && offset > begins_by),
            next => (next, offset != next),
        };
        let (partition, found) = (self.id, offset);
        if hole && found < expected {
            return Err(ApplyError::Again {
                partition,
                expected,
                found,
            });
        }
        if hole {
            return Err(ApplyError::Hole {
                partition,
                expected,
                found,
            });
        }
        if self.next == EARLIEST && self.rebuilt_at == EARLIEST && 0 < offset && offset < self.first {
            tracing::warn!(
                partition = self.id,
                offset,
                "the log begins here and there is no snapshot: candles that began before it will be short of trades"
            );
        }
        if self.cut_at == EARLIEST {
            (self.first, self.cut_at) = (offset, offset);
        }
        if offset >= self.first && self.next < self.first {
            self.end_of_silence();
        }
        if self.recover_to.is_some_and(|last| offset > last) {
            self.cut_recovered();
        }
        self.next = offset + 1;
        let applied = match trade {
            None => Applied::Unreadable,
            Some(trade) if offset < self.rebuilt_at => {
                self.newest = self.newest.max(trade.event_time.millis());
                self.repeats.rebuild(trade.identity(), trade.event_time, offset);
                Applied::Replayed
            }
            Some(trade) => self.apply_trade(offset, trade)?,
        };
        if self.next == self.first {
            self.end_of_silence();
        }
        if self.recover_to.is_some_and(|last| self.next > last) {
            self.cut_recovered();
        }
        Ok(if offset < self.first {
            Applied::Replayed
        } else {
            applied
        })
    }

    fn apply_trade(&mut self, offset: i64, trade: &Trade) -> Result<Applied, OperatorError> {
        if self.repeats.is_repeat(trade.identity(), trade.event_time, offset) {
            return Ok(Applied::Repeat);
        }
        self.newest = self.newest.max(trade.event_time.millis());
        let outcome = self.candles.on_trade(trade, offset)?;
        self.candles.on_watermark(self.watermark.observe(trade.event_time));
        if offset >= self.first {
            self.trades.push(TradeRow {
                trade: *trade,
                position: Position {
                    partition: self.id,
                    offset,
                },
            });
        } else if offset % SILENT_RUN == 0 {
            self.candles.discard_fired();
        }
        Ok(Applied::Trade {
            late: outcome.late,
            too_late: !outcome.too_late.is_empty(),
        })
    }

    /// What fired during the replay was written by whoever wrote the ranges before `first`.
    fn end_of_silence(&mut self) {
        self.candles.discard_fired();
    }

    fn cut_recovered(&mut self) {
        if let Some(last) = self.recover_to.take() {
            let mut part = self.take_part(last + 1);
            part.recover = true;
            self.ready.push_back(part);
        }
    }

    /// The rows since the last cut, if there is a record among them; not while a taken-over range is being read.
    pub(crate) fn cut(&mut self) -> Option<Part> {
        if let Some(part) = self.ready.pop_front() {
            return Some(part);
        }
        (self.recover_to.is_none() && self.next > self.cut_at).then(|| self.take_part(self.next))
    }

    fn take_part(&mut self, end: i64) -> Part {
        let range = Range {
            partition: self.id,
            first: self.cut_at,
            last: end - 1,
        };
        self.cut_at = end;
        let mut candles = Vec::new();
        self.candles.drain(|candle| candles.push(candle));
        Part {
            range,
            trades: std::mem::take(&mut self.trades),
            candles,
            recover: false,
        }
    }

    /// The state right after a cut, encoded; `None` while there are uncut records or the replay is not over.
    pub(crate) fn snapshot(&mut self) -> Result<Option<Snapshot>, SnapshotError> {
        if self.next != self.cut_at || !self.ready.is_empty() || self.next <= self.rebuilt_at {
            return Ok(None);
        }
        // The newest mark that is a span older than the newest trade: all younger identities lie behind it in the log.
        while self
            .marks
            .get(1)
            .is_some_and(|(_, newest)| newest.saturating_add(self.span_ms) <= self.newest)
        {
            self.marks.pop_front();
        }
        let (replay_from, newest) = self.marks.front().copied().unwrap_or((self.next, self.newest));
        if self.marks.back().is_none_or(|(offset, _)| *offset < self.next) {
            self.marks.push_back((self.next, self.newest));
        }
        Ok(Some(Snapshot {
            partition: self.id,
            offset: self.next,
            replay_from,
            newest,
            watermark: self.watermark,
            candles: self.candles.snapshot()?,
            repeats: self.repeats.snapshot(replay_from)?,
        }))
    }

    pub(crate) fn id(&self) -> i32 {
        self.id
    }

    pub(crate) fn next(&self) -> i64 {
        self.next
    }

    /// Rows that wait for a cut.
    pub(crate) fn waiting(&self) -> usize {
        self.trades.len() + self.ready.iter().map(|part| part.trades.len()).sum::<usize>()
    }

    /// Whether the offset to begin with has not been reached yet, or the taken-over range not read to its end.
    pub(crate) fn is_replaying(&self) -> bool {
        self.next < self.first || self.recover_to.is_some()
    }

    /// Whether every applied record is cut.
    pub(crate) fn is_cut(&self) -> bool {
        self.next == self.cut_at && self.ready.is_empty()
    }

    pub(crate) fn watermark(&self) -> EventTime {
        self.watermark.watermark()
    }

    pub(crate) fn open_windows(&self) -> usize {
        self.candles.open_windows()
    }
}

#[cfg(test)]
mod tests;
