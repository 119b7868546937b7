//! Trades as the exchange's seeded generator makes them, as records of JSON: a constant record would compress to nothing.

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use exchange::{Exchange, ExchangeConfig, Rate, Source};
use market::Trade;

use crate::run::{Run, until};

/// As many as the busiest third of what Upbit lists in won.
const MARKETS: usize = 40;
const LIMIT: Duration = Duration::from_secs(60);

/// Trades with their records, in the order of their execution.
pub(crate) struct Trades {
    trades: Vec<Trade>,
    /// The number of each trade's market: where it is placed follows from it.
    markets: Vec<u16>,
    values: Vec<u8>,
    ends: Vec<usize>,
}

impl Trades {
    /// The first `count` trades of an exchange that executes so many a second. It runs for a moment, and its journal is read:
    /// that is what its own clients would have been sent.
    pub(crate) fn make(run: &Run, count: usize) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("a folder for the exchange's journal")?;
        let (seed, rate) = (5, Rate::PerSecond(count.max(20_000) as f64));
        let source = Source::Generate {
            seed,
            markets: MARKETS,
            rate,
        };
        let exchange = run.wait(Exchange::start(ExchangeConfig::new(source, folder.path())))?;
        let names = exchange.markets().to_vec();
        run.wait(async { exchange.begin() });
        until("the exchange executes trades", LIMIT, || {
            exchange.counters().executed >= count as u64 || exchange.failure().is_some()
        })?;
        run.wait(exchange.finish());
        let mut trades = Vec::with_capacity(count);
        for entry in exchange::journal::Reader::open(folder.path())?.take(count) {
            trades.push(entry?.trade);
        }
        ensure!(
            trades.len() == count,
            "the exchange's journal holds {} of {count} trades",
            trades.len()
        );
        // A few are published late. Given in the order of their execution, whatever is out of that order later was put out of it
        // on the way.
        trades.sort_by_key(|trade| (trade.event_time, trade.sequential_id));
        let mut made = Self {
            markets: Vec::with_capacity(count),
            values: Vec::with_capacity(count * 180),
            ends: Vec::with_capacity(count),
            trades,
        };
        for trade in &made.trades {
            let number = names.iter().position(|name| *name == trade.market).unwrap_or(0);
            made.markets.push(number as u16);
            write!(
                made.values,
                r#"{{"market":"{}","sequential_id":{},"event_time":{},"sent_time":{},"price":{},"volume":{},"side":"{}"}}"#,
                trade.market,
                trade.sequential_id,
                trade.event_time.millis(),
                trade.sent_time.millis(),
                trade.price,
                trade.volume,
                trade.side.name(),
            )?;
            made.ends.push(made.values.len());
        }
        Ok(made)
    }

    pub(crate) fn len(&self) -> usize {
        self.trades.len()
    }

    pub(crate) fn trade(&self, n: usize) -> &Trade {
        &self.trades[n]
    }

    /// The record of a trade; numbers beyond the last begin again.
    pub(crate) fn value(&self, n: usize) -> &[u8] {
        let n = n % self.len();
        let start = n.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.values[start..self.ends[n]]
    }

    pub(crate) fn key(&self, n: usize) -> &[u8] {
        self.trades[n % self.len()].market.as_bytes()
    }

    /// A market's trades share a partition.
    pub(crate) fn partition(&self, n: usize, partitions: i32) -> i32 {
        i32::from(self.markets[n % self.len()]) % partitions
    }
}
