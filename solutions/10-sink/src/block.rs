//! What is delivered in one go: the rows of one epoch, and the ranges of the log that they come from.

use market::{Candle, Position, Trade};

use crate::SinkError;

/// A trade and where in the log it stands: one row of `trades`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TradeRow {
    /// The trade.
    pub trade: Trade,
    /// Its record's partition and offset: what the read-back asks for.
    pub position: Position,
}

/// A stretch of one partition's log, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The partition.
    pub partition: i32,
    /// Its first offset.
    pub first: i64,
    /// Its last offset; not below `first`.
    pub last: i64,
}

/// The rows of one epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// What the epoch read: one range per partition, in any order. Every trade of the block stands in one of them; a
    /// range may hold offsets without a row (repeats, records that could not be read).
    pub ranges: Vec<Range>,
    /// Rows of `trades`, each position at most once.
    pub trades: Vec<TradeRow>,
    /// Rows of `candles`, each version of a candle at most once. A version may stand before its partition's range: a
    /// candle that changed in an earlier epoch and fired in this one.
    pub candles: Vec<Candle>,
    /// Partitions of which a former owner may have written these very rows: the epoch that was prepared when the
    /// partition was taken over. Their rows are looked up before they are inserted.
    pub recover: Vec<i32>,
}

impl Block {
    /// Whether there is no row in it.
    pub fn is_empty(&self) -> bool {
        self.trades.is_empty() && self.candles.is_empty()
    }

    /// Every partition that the block speaks of, ascending, each once.
    pub fn partitions(&self) -> Vec<i32> {
        let mut all: Vec<i32> = self.ranges.iter().map(|range| range.partition).collect();
        all.extend_from_slice(&self.recover);
        // Rows come in runs of one partition, so comparing with the last one spares nearly every push.
        for partition in self
            .trades
            .iter()
            .map(|row| row.position.partition)
            .chain(self.candles.iter().map(|candle| candle.version.partition))
        {
            if all.last() != Some(&partition) {
                all.push(partition);
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Refuses what would be written twice after a crash: a trade outside the ranges that its successor would look up.
    pub(crate) fn check(&self) -> Result<(), SinkError> {
        let mut here: Option<&Range> = None;
        for row in &self.trades {
            let Position { partition, offset } = row.position;
            let holds = |range: &Range| range.partition == partition && (range.first..=range.last).contains(&offset);
            if !here.is_some_and(holds) {
                here = self.ranges.iter().find(|range| holds(range));
                if here.is_none() {
                    return Err(SinkError::Block(format!(
                        "the trade at {partition}@{offset} stands in none of its ranges"
                    )));
                }
            }
        }
        Ok(())
    }
}
