//! Trades as the exchange's seeded generator makes them: Zipf over the markets, with bursts.

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use exchange::{Exchange, ExchangeConfig, Rate, Source};
use market::Trade;

use crate::run::{Run, until};

const LIMIT: Duration = Duration::from_secs(60);

/// The first `count` trades of an exchange with so many markets, in the order of their execution. It runs for a moment, and its
/// journal is read: that is what its own clients would have been sent.
pub(crate) fn generated(run: &Run, seed: u64, markets: usize, count: usize) -> anyhow::Result<Vec<Trade>> {
    let folder = tempfile::tempdir().context("a folder for the exchange's journal")?;
    let rate = Rate::PerSecond(count.clamp(20_000, 200_000) as f64);
    let source = Source::Generate { seed, markets, rate };
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
    // A few are published late. Given in the order of their execution, whatever is out of that order later was put out of it
    // on the way.
    trades.sort_by_key(|trade| (trade.event_time, trade.sequential_id));
    Ok(trades)
}

/// The record of a trade as JSON: a constant one would compress to nothing.
pub(crate) fn json(trade: &Trade, out: &mut Vec<u8>) {
    out.clear();
    // A vector takes all that is written to it.
    let _ = write!(
        out,
        r#"{{"market":"{}","sequential_id":{},"event_time":{},"sent_time":{},"price":{},"volume":{},"side":"{}"}}"#,
        trade.market,
        trade.sequential_id,
        trade.event_time.millis(),
        trade.sent_time.millis(),
        trade.price,
        trade.volume,
        trade.side.name(),
    );
}
