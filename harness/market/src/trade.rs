//! A trade, its identity, and where in the log it stands.

use crate::{Amount, Decimal, EventTime, Market};

/// Which side took the trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Side {
    /// A buyer took an offer.
    Bid,
    /// A seller took a bid.
    Ask,
}

impl Side {
    /// Its spelling on the wire: `BID` or `ASK`.
    #[inline]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bid => "BID",
            Self::Ask => "ASK",
        }
    }
}

/// What makes two trades of one exchange the same trade. The sequential id alone does not: it is unique per market only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Identity {
    /// The market.
    pub market: Market,
    /// The exchange's number of the trade. Seventeen digits: past what an `f64` holds exactly.
    pub sequential_id: u64,
}

/// One trade as the exchange reported it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Trade {
    /// The market it happened on.
    pub market: Market,
    /// The exchange's number of it, unique within the market, not always ascending.
    pub sequential_id: u64,
    /// When it was executed.
    pub event_time: EventTime,
    /// When the exchange sent it: milliseconds since 1970-01-01 UTC.
    pub sent_time: EventTime,
    /// Price in the quote currency.
    pub price: Decimal,
    /// Volume in the base currency.
    pub volume: Decimal,
    /// Which side took it.
    pub side: Side,
}

/// Why numbers make no trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TradeError {
    /// A price or a volume below zero.
    #[error("the {0} is negative")]
    Negative(&'static str),
    /// So large that a candle's sums could leave their columns.
    #[error("the {0} is too large to add up")]
    TooLarge(&'static str),
    /// A time that a `DateTime64(3)` column cannot hold: before 1970 or after 2299.
    #[error("the {0} lies outside 1970 to 2299")]
    OutOfTime(&'static str),
}

/// 10²⁹ units: a sum of 10⁹ such numbers still has at most 38 digits, so a candle's sums cannot leave their columns.
const ADDABLE: i128 = 10i128.pow(29);

/// 2299-12-31T23:59:59.999Z.
const LAST_TIME: i64 = 10_413_791_999_999;

impl Trade {
    /// Checks what every later stage relies on.
    ///
    /// # Errors
    /// See [`TradeError`].
    #[inline]
    pub fn validate(&self) -> Result<(), TradeError> {
        for (name, value) in [("price", self.price), ("volume", self.volume)] {
            if value.units() < 0 {
                return Err(TradeError::Negative(name));
            }
            if value.units() >= ADDABLE {
                return Err(TradeError::TooLarge(name));
            }
        }
        match self.price.checked_mul(self.volume) {
            Some(amount) if amount.units() < ADDABLE => {}
            _ => return Err(TradeError::TooLarge("amount")),
        }
        for (name, time) in [("execution time", self.event_time), ("send time", self.sent_time)] {
            if !(0..=LAST_TIME).contains(&time.millis()) {
                return Err(TradeError::OutOfTime(name));
            }
        }
        Ok(())
    }

    /// Price × volume, exactly. `None` only for a trade that [`Trade::validate`] refuses.
    #[inline]
    pub fn amount(&self) -> Option<Amount> {
        self.price.checked_mul(self.volume)
    }

    /// What makes it this trade and no other.
    #[inline]
    pub fn identity(&self) -> Identity {
        Identity {
            market: self.market,
            sequential_id: self.sequential_id,
        }
    }
}

/// Where a record stands in the log, and its trade: one record is one trade.
///
/// Were records to hold several, a trade's place would be (partition, offset, index). What counts in whole records stays as
/// it is then: commits, prepared ranges, snapshots, replay. What counts in trades gets the index as a third field here and as
/// a column `kafka_index` with the default 0 in both tables: rows and what is asked of them after a takeover, the versions of
/// candles, the order in which repeats are told apart, the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// The partition of the topic.
    pub partition: i32,
    /// The offset in the partition.
    pub offset: i64,
}
