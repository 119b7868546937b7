//! Trades as the exchange's seeded generator makes them: a constant row would compress to nothing.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use clickhouse::Row;
use exchange::{Exchange, ExchangeConfig, Rate, Source};
use market::{EventTime, Market, Side, Trade};
use serde::Serialize;

use crate::run::{Run, until};

/// As many as the busiest third of what Upbit lists in won.
pub(crate) const MARKETS: usize = 40;
/// Partitions of the topic that the trades would have come from.
const PARTITIONS: usize = 6;
/// 2024-01-01 00:00:00 UTC.
pub(crate) const BEGIN: i64 = 1_704_067_200_000;
/// A trade every 10 ms: 1 M of them are 2.8 hours.
pub(crate) const EVERY_MS: i64 = 10;
const LIMIT: Duration = Duration::from_secs(60);

/// A row of `trades`.
#[derive(Clone, Copy, Debug, Row, Serialize)]
pub(crate) struct Stored<'a> {
    pub(crate) market: &'a str,
    pub(crate) sequential_id: u64,
    pub(crate) event_time: i64,
    pub(crate) sent_time: i64,
    pub(crate) price: i128,
    pub(crate) volume: i128,
    pub(crate) side: i8,
    pub(crate) kafka_partition: i32,
    pub(crate) kafka_offset: i64,
}

/// Trades in the order of their execution, and where each stands in the log.
pub(crate) struct Trades {
    pub(crate) trades: Vec<Trade>,
    /// The number of each trade's market.
    pub(crate) markets: Vec<u16>,
    pub(crate) names: Vec<Market>,
    offsets: Vec<i64>,
}

impl Trades {
    /// Markets, prices, volumes and sides are the first `count` of the generator; the exchange runs for a moment, and its journal
    /// is read. It runs too fast for its times to be anybody's, so these are made here: one trade every 10 ms, give or take.
    pub(crate) fn make(run: &Run, count: usize) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("a folder for the exchange's journal")?;
        let source = Source::Generate {
            seed: 9,
            markets: MARKETS,
            rate: Rate::PerSecond((count as f64).clamp(20_000.0, 400_000.0)),
        };
        let exchange = run.wait(Exchange::start(ExchangeConfig::new(source, folder.path())))?;
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
        for (n, trade) in trades.iter_mut().enumerate() {
            // Scattered and the same in every run: Fibonacci hashing.
            let scatter = (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
            let event = BEGIN + EVERY_MS * n as i64 + (scatter % EVERY_MS as u64) as i64;
            trade.event_time = EventTime::from_millis(event);
            trade.sent_time = EventTime::from_millis(event + 2 + (scatter % 32) as i64);
            trade.sequential_id = event as u64 * 10_000;
        }
        Ok(Self::of(trades))
    }

    /// Of any trades, each market in a partition of the topic.
    pub(crate) fn of(trades: Vec<Trade>) -> Self {
        let mut made = Self {
            markets: Vec::with_capacity(trades.len()),
            offsets: Vec::with_capacity(trades.len()),
            names: Vec::new(),
            trades,
        };
        let mut next = [0; PARTITIONS];
        for trade in &made.trades {
            let market = made
                .names
                .iter()
                .position(|name| *name == trade.market)
                .unwrap_or_else(|| {
                    made.names.push(trade.market);
                    made.names.len() - 1
                });
            made.markets.push(market as u16);
            made.offsets.push(next[market % PARTITIONS]);
            next[market % PARTITIONS] += 1;
        }
        made
    }

    pub(crate) fn len(&self) -> usize {
        self.trades.len()
    }

    pub(crate) fn stored(&self, n: usize) -> Stored<'_> {
        let trade = &self.trades[n];
        Stored {
            market: trade.market.as_str(),
            sequential_id: trade.sequential_id,
            event_time: trade.event_time.millis(),
            sent_time: trade.sent_time.millis(),
            price: trade.price.units(),
            volume: trade.volume.units(),
            side: if trade.side == Side::Bid { 1 } else { 2 },
            kafka_partition: i32::from(self.markets[n]) % PARTITIONS as i32,
            kafka_offset: self.offsets[n],
        }
    }
}
