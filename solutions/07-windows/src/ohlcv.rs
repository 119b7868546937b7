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
    /// The rank of the trade that gave `open`.
    first: (i64, u64),
    /// The rank of the trade that gave `close`.
    last: (i64, u64),
    /// Price of the trade of the lowest rank; of several, the one that came first.
    pub open: Decimal,
    /// Highest price.
    pub high: Decimal,
    /// Lowest price.
    pub low: Decimal,
    /// Price of the trade of the highest rank; of several, the one that came last.
    pub close: Decimal,
    /// Sum of the volumes.
    pub volume: Decimal,
    /// Sum of price × volume.
    pub quote_volume: Amount,
    /// How many trades.
    pub trades: u64,
    /// Offset of the trade that came last, whatever its rank: of two versions of a candle the one with more in it is newer.
    pub version: i64,
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

    /// Takes one more trade, in whatever order they come. A sum that leaves its type is an [`Overflow`], of `"volume"` or
    /// `"quote volume"`.
    #[inline]
    fn add(&mut self, tick: &Tick) -> Result<(), Overflow> {
        // TASK 2: take one more trade
        if tick.rank >= self.last {
            self.last = tick.rank;
            self.close = tick.price;
        }
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
        // END TASK 2
    }

    /// Takes the trades of a candle that began later, as if each had been added here: their ranks may overlap. Where two
    /// ranks are equal, what is here came first, and the other last. `version` is the larger one.
    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        // TASK 2: take the trades of another candle
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
        // END TASK 2
    }
}
