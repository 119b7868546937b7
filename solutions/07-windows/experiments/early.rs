//! How many rows an open candle costs, and how soon a trade is seen in it, by when windows speak early.

use std::collections::HashMap;

use measure::{Effort, Teller};
use windows::{Assigner, Config, Early, Sum, WindowOperator};

use crate::figures::{Figures, Random, pick};

const MINUTE_MS: i64 = 60_000;
/// How far the watermark is behind the newest time, less 1 ms.
const BOUND_MS: i64 = 1_000;
/// Two markets of one partition, and one in how many milliseconds has a trade of theirs.
const MARKETS: [(&str, i64); 2] = [("busy", 20), ("quiet", 10_000)];
const CADENCES_MS: [i64; 4] = [100, 1_000, 10_000, 30_000];

/// A trade: its market, its time.
type Trade = (usize, i64);

/// In the order of their times: nothing is late here.
fn trades(minutes: i64, seed: u64) -> Vec<Trade> {
    let mut random = Random::new(seed);
    let mut trades = Vec::new();
    for now in 0..minutes * MINUTE_MS {
        for (market, (_, one_in)) in MARKETS.iter().enumerate() {
            if random.below(*one_in) == 0 {
                trades.push((market, now));
            }
        }
    }
    trades
}

/// What became of a market's trades.
#[derive(Default)]
struct Seen {
    candles: u64,
    rows: u64,
    /// Rows that said what the one before it had said.
    repeats: u64,
    /// From each trade's time to the newest time of the stream when a row first held it, added up.
    waited_ms: i64,
    trades: u64,
}

/// The last row of a candle, and the times of the trades that it does not hold.
#[derive(Default)]
struct Candle {
    said: Option<i64>,
    unseen: Vec<i64>,
}

fn seen(trades: &[Trade], early: Early) -> [Seen; MARKETS.len()] {
    let mut config = Config::new(Assigner::tumbling(MINUTE_MS, 0).expect("a size"));
    config.trigger.early = early;
    let mut operator: WindowOperator<usize, Sum> = WindowOperator::new(config).expect("a cadence");
    let mut seen: [Seen; MARKETS.len()] = Default::default();
    let mut candles: HashMap<(usize, i64), Candle> = HashMap::new();
    let mut advance = |operator: &mut WindowOperator<usize, Sum>, now: i64, unseen: Option<(usize, i64)>| {
        if let Some((market, time)) = unseen {
            let candle = candles.entry((market, time - time % MINUTE_MS)).or_insert_with(|| {
                seen[market].candles += 1;
                Candle::default()
            });
            candle.unseen.push(time);
        }
        operator.on_watermark(now - BOUND_MS - 1, |row| {
            let candle = candles.entry((*row.key, row.window.start)).or_default();
            let seen = &mut seen[*row.key];
            seen.rows += 1;
            seen.repeats += u64::from(candle.said.replace(row.state.0) == Some(row.state.0));
            for time in candle.unseen.drain(..) {
                seen.trades += 1;
                seen.waited_ms += now - time;
            }
        });
    };
    for (market, time) in trades {
        operator.on_event(market, &1, *time, |_| {}).expect("no overflow");
        advance(&mut operator, *time, Some((*market, *time)));
    }
    let last = trades
        .last()
        .map_or(0, |(_, time)| time - time % MINUTE_MS + MINUTE_MS + BOUND_MS);
    advance(&mut operator, last, None);
    assert_eq!(
        operator.open_windows(),
        0,
        "the stream is over, and a window is still open"
    );
    let shown: u64 = seen.iter().map(|seen| seen.trades).sum();
    assert_eq!(shown, trades.len() as u64, "a trade was never shown");
    seen
}

pub(crate) fn run(effort: Effort) {
    let repetitions = pick(effort, 9, 3, 1);
    let minutes = pick(effort, 60, 20, 2);
    let mut teller = Teller::new(repetitions as usize);
    let mut figures = Figures::default();
    for seed in 1..=repetitions {
        teller.step(&format!("{minutes} min, {seed} of {repetitions}"));
        let trades = trades(minutes, seed);
        let changed = CADENCES_MS.map(|ms| ("changed", ms.to_string(), Early::ChangedEvery(ms)));
        let each = CADENCES_MS.map(|ms| ("continuous", ms.to_string(), Early::ContinuousEvery(ms)));
        let never = [("never", "none".to_owned(), Early::Never)];
        for (early, every_ms, trigger) in never.into_iter().chain(changed).chain(each) {
            for ((market, _), seen) in MARKETS.iter().zip(seen(&trades, trigger)) {
                let arm = format!("early={early} every_ms={every_ms} market={market}");
                figures.add(&arm, "rows", seen.rows as f64 / seen.candles as f64, seen.candles);
                figures.share(&arm, "repeats", seen.repeats, seen.rows);
                figures.add(
                    &arm,
                    "seen_after",
                    seen.waited_ms as f64 / seen.trades as f64,
                    seen.trades,
                );
            }
        }
        // A row with each record, as Kafka Streams without a cache: counted, for comparison.
        for (market, (name, _)) in MARKETS.iter().enumerate() {
            let rows = trades.iter().filter(|trade| trade.0 == market).count() as f64;
            let arm = format!("early=each every_ms=none market={name}");
            figures.add(&arm, "rows", rows / minutes as f64, minutes as u64);
        }
    }
    figures.tell(&teller);
}
