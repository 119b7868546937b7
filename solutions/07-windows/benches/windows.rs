//! Events per second of one core: the bare floor, one length of candle, the pipeline's four, and the dropping of repeats.
//!
//! The floor is what cannot be had for less: one hash map from market to open, high, low, close and volume in `i64`, with
//! no windows, no lateness, no exact decimals. What the operators cost above it is the price of being right.

use std::collections::HashMap;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use market::{Decimal, EventTime, Market, Side, Trade};
use windows::{Assigner, CandleConfig, CandleOperator, Config, Ohlcv, Repeats, Tick, WindowOperator};

const EVENTS: usize = 1 << 19;

/// Trades of `markets` markets, `per_ms` in each millisecond, one in ten up to a second late; always the same ones.
fn trades(markets: usize, per_ms: usize) -> Vec<Trade> {
    let codes: Vec<Market> = (0..markets)
        .map(|i| format!("KRW-C{i}").parse().expect("a market code"))
        .collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    (0..EVENTS)
        .map(|i| {
            let late = if next() % 10 == 0 { next() % 1000 } else { 0 };
            let time = EventTime::from_millis(1_700_000_000_000 + (i / per_ms) as i64 - late as i64);
            Trade {
                market: codes[(next() % markets as u64) as usize],
                sequential_id: i as u64,
                event_time: time,
                sent_time: time,
                price: Decimal::from_units(i128::from(next() % 1_000_000) * 100_000_000).expect("in range"),
                volume: Decimal::from_units(i128::from(next() % 100_000_000)).expect("in range"),
                side: Side::Bid,
            }
        })
        .collect()
}

fn watermark(newest: &mut i64, trade: &Trade) -> i64 {
    *newest = trade.event_time.millis().max(*newest);
    *newest - 1_001
}

/// Open, high, low, close, volume of a market: the floor.
fn bare(trades: &[Trade]) -> usize {
    let mut candles: HashMap<Market, [i64; 5], foldhash::fast::FixedState> = HashMap::default();
    for trade in trades {
        let (price, volume) = (trade.price.units() as i64, trade.volume.units() as i64);
        let candle = candles.entry(trade.market).or_insert([price, price, price, price, 0]);
        candle[1] = candle[1].max(price);
        candle[2] = candle[2].min(price);
        candle[3] = price;
        candle[4] += volume;
    }
    black_box(candles).len()
}

fn one_minute(trades: &[Trade]) -> usize {
    let mut operator: WindowOperator<Market, Ohlcv> =
        WindowOperator::new(Config::new(Assigner::tumbling(60_000, 0).expect("valid"))).expect("valid");
    let (mut newest, mut fired) = (i64::MIN, 0);
    for (offset, trade) in trades.iter().enumerate() {
        let time = trade.event_time.millis();
        let tick = Tick {
            rank: (time, trade.sequential_id),
            price: trade.price,
            volume: trade.volume,
            amount: trade.amount().expect("in range"),
            offset: offset as i64,
        };
        let placed = operator.on_event(&trade.market, &tick, time, |_| fired += 1);
        black_box(placed.expect("no overflow"));
        operator.on_watermark(watermark(&mut newest, trade), |_| fired += 1);
    }
    fired + operator.open_windows()
}

fn candles(trades: &[Trade]) -> usize {
    let mut operator = CandleOperator::new(0, CandleConfig::default()).expect("valid");
    let (mut newest, mut fired) = (i64::MIN, 0);
    for (offset, trade) in trades.iter().enumerate() {
        black_box(operator.on_trade(trade, offset as i64).expect("no overflow"));
        operator.on_watermark(EventTime::from_millis(watermark(&mut newest, trade)));
        if operator.fired() >= 4_096 {
            operator.drain(|candle| fired += usize::from(black_box(candle).trades > 0));
        }
    }
    fired + operator.open_windows()
}

fn repeats(trades: &[Trade]) -> usize {
    let mut repeats = Repeats::new(Repeats::DEFAULT_SPAN_S);
    let judged = trades
        .iter()
        .enumerate()
        .filter(|(offset, trade)| repeats.is_repeat(trade.identity(), trade.event_time, *offset as i64));
    judged.count()
}

fn events(c: &mut Criterion) {
    type Run = fn(&[Trade]) -> usize;
    let runs: [(&str, Run); 4] = [
        ("bare i64 hash map", bare),
        ("one minute", one_minute),
        ("four lengths", candles),
        ("repeats", repeats),
    ];
    let mut group = c.benchmark_group("windows");
    group.throughput(Throughput::Elements(EVENTS as u64)).sample_size(10);
    for markets in [10, 100, 1_000] {
        let trades = trades(markets, 100);
        for (name, run) in runs {
            group.bench_with_input(BenchmarkId::new(name, markets), &trades, |b, trades| {
                b.iter(|| run(trades))
            });
        }
    }
    // One trade per millisecond: about every second trade makes a candle of its own, so firing is what counts.
    let sparse = trades(1_000, 1);
    group.bench_with_input(BenchmarkId::new("four lengths, sparse", 1_000), &sparse, |b, trades| {
        b.iter(|| candles(trades));
    });
    group.finish();
}

criterion_group!(benches, events);
criterion_main!(benches);
