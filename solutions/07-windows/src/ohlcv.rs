//! What a candle is made of, trade by trade: open, high, low, close, volume.

use market::{Amount, Decimal};

use crate::{Aggregate, Overflow};

/// A trade as a candle takes it: what all four lengths need is worked out once.
#[derive(Clone, Copy, Debug)]
pub struct Tick {
    /// When it happened, and its number: open and close go by both, so that the order of arrival does not matter.
    pub rank: (i64, u64),
    /// Its price.
    pub price: Decimal,
    /// Its volume.
    pub volume: Decimal,
    /// Price × volume.
    pub amount: Amount,
    /// Its offset in the log.
    pub offset: i64,
}

/// A candle that is being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Ohlcv {
    first: (i64, u64),
    last: (i64, u64),
    pub(crate) open: Decimal,
    pub(crate) high: Decimal,
    pub(crate) low: Decimal,
    pub(crate) close: Decimal,
    pub(crate) volume: Decimal,
    pub(crate) quote_volume: Amount,
    pub(crate) trades: u64,
    pub(crate) version: i64,
}

impl Aggregate for Ohlcv {
    type Value = Tick;

    #[inline]
    fn first(tick: &Tick) -> Self {
        Self {
            first: tick.rank,
            last: tick.rank,
            open: tick.price,
            high: tick.price,
            low: tick.price,
            close: tick.price,
            volume: tick.volume,
            quote_volume: tick.amount,
            trades: 1,
            version: tick.offset,
        }
    }

    #[inline]
    fn add(&mut self, tick: &Tick) -> Result<(), Overflow> {
        if tick.rank >= self.last {
            self.last = tick.rank;
            self.close = tick.price;
        }
        // Not `else`: a trade of the same rank as both is first and last.
        if tick.rank < self.first {
            self.first = tick.rank;
            self.open = tick.price;
        }
        if tick.price > self.high {
            self.high = tick.price;
        }
        if tick.price < self.low {
            self.low = tick.price;
        }
        self.volume = self.volume.checked_add(tick.volume).ok_or(Overflow("volume"))?;
        self.quote_volume = self
            .quote_volume
            .checked_add(tick.amount)
            .ok_or(Overflow("quote volume"))?;
        self.trades += 1;
        self.version = tick.offset;
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        if other.last >= self.last {
            (self.last, self.close) = (other.last, other.close);
        }
        if other.first < self.first {
            (self.first, self.open) = (other.first, other.open);
        }
        self.high = self.high.max(other.high);
        self.low = self.low.min(other.low);
        self.volume = self.volume.checked_add(other.volume).ok_or(Overflow("volume"))?;
        self.quote_volume = self
            .quote_volume
            .checked_add(other.quote_volume)
            .ok_or(Overflow("quote volume"))?;
        self.trades += other.trades;
        self.version = self.version.max(other.version);
        Ok(())
    }
}
