//! What a key is made of, and what follows from it.

use std::collections::{HashMap, HashSet};

use market::{Identity, Market};

use crate::{NoPartitions, Partitioner};

/// What of a trade becomes the key of its record, from the coarsest to the finest.
///
/// State is kept per market, so all trades of a market must be in one partition. The key may hold less than the market does,
/// then several markets go together; it must not hold more, or one market's trades part. Of those that hold, the finest
/// spreads best: the market itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyOf {
    /// The exchange. Right, and all in one partition.
    Exchange,
    /// The market's quote currency: `KRW`, `BTC`, `USDT`. Right, and as many partitions as there are currencies at most.
    Quote,
    /// The market's code.
    Market,
    /// Market and number of the trade. Even, and no market has an order any more.
    Trade,
}

impl KeyOf {
    /// Puts the key of a trade into `key`, in place of what is in there.
    ///
    /// - Of the exchange: `exchange`.
    /// - Of the quote currency: the market's code up to its dash, without it.
    /// - Of the market: its code, as the pipeline's records have it.
    /// - Of the trade: the code, a slash, and the number in decimal digits. The slash is in no code, so no two trades have one
    ///   key.
    pub fn write(self, exchange: &str, trade: &Identity, key: &mut Vec<u8>) {
        todo!("task 2: the key of a trade")
    }
}

/// What a key comes to, counted over trades.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Consequences {
    /// Trades.
    pub records: u64,
    /// Different keys: what a compacted topic would keep.
    pub keys: usize,
    /// Markets.
    pub markets: usize,
    /// Markets with trades in more than one partition. Each has its state in several places.
    pub split: usize,
    /// Trades in another partition than the trade before them of their market: no log has the two in their order.
    pub parted: u64,
    /// Trades in each partition.
    pub loads: Vec<u64>,
}

impl Consequences {
    /// Counts them over trades in their order.
    ///
    /// # Errors
    /// [`NoPartitions`], also where there is no trade.
    pub fn count<'a>(
        of: KeyOf,
        exchange: &str,
        partitioner: Partitioner,
        partitions: i32,
        trades: impl IntoIterator<Item = &'a Identity>,
    ) -> Result<Self, NoPartitions> {
        todo!("task 2: what a key comes to")
    }

    /// Whether every market is whole: its trades in one log, in their order.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.split == 0
    }

    /// Partitions that got any trade: more readers than these have nothing to do.
    #[must_use]
    pub fn used(&self) -> usize {
        self.loads.iter().filter(|load| **load > 0).count()
    }

    /// How many times its fair share the fullest partition gets; 0 of no trades.
    #[must_use]
    pub fn skew(&self) -> f64 {
        let most = self.loads.iter().max().copied().unwrap_or_default();
        most as f64 * self.loads.len() as f64 / self.records.max(1) as f64
    }
}
