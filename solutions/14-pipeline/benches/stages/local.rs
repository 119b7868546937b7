//! What needs no server: reading a frame, writing and reading a record, the windows.

use std::collections::HashMap;
use std::hint::black_box;

use market::{Decode, Encoding, EventTime, Frame, Market, Trade};
use measure::{Cost, Stage, Whose};
use ref_07::{Assigner, CandleConfig, CandleOperator, Config, Ohlcv, Repeats, Tick, WindowOperator};
use serde::Deserialize;
use wire::FrameDecoder;

use crate::Size;
use crate::trades::{frame, trades};

pub(crate) fn costs(size: Size) -> Vec<Cost> {
    let mut costs = decode(size);
    costs.extend(records(size));
    for markets in [10, 100, 1_000] {
        costs.extend(windows(size, markets));
    }
    costs.extend(open_windows(size));
    costs
}

/// Into borrowed texts and `f64`, which is not exact and checks no range.
#[derive(Deserialize)]
#[allow(dead_code)]
struct Floats<'a> {
    cd: &'a str,
    tms: i64,
    ttms: i64,
    tp: f64,
    tv: f64,
    ab: &'a str,
    sid: u64,
    st: &'a str,
}

fn decode(size: Size) -> Vec<Cost> {
    let all = trades(size.of(1_000_000), 100);
    let frames: Vec<String> = all.iter().map(frame).collect();
    for (trade, frame) in all.iter().zip(&frames).take(1_000) {
        let read = FrameDecoder.frame(frame.as_bytes()).unwrap();
        let wanted = Frame::Trade {
            trade: *trade,
            snapshot: false,
        };
        assert_eq!(read, wanted, "{frame}");
    }
    let bytes = frames.iter().map(String::len).sum::<usize>() as f64 / frames.len() as f64;
    Stage::new("decode a frame", frames.len() as u64, bytes)
        .counting(Whose::Thread)
        .floor("serde_json into f64", || {
            for frame in &frames {
                black_box(serde_json::from_slice::<Floats<'_>>(frame.as_bytes()).unwrap());
            }
        })
        .floor("sonic-rs into f64", || {
            for frame in &frames {
                black_box(sonic_rs::from_slice::<Floats<'_>>(frame.as_bytes()).unwrap());
            }
        })
        .way("exact", || {
            for frame in &frames {
                black_box(FrameDecoder.frame(frame.as_bytes()).unwrap());
            }
        })
        .run(size.rounds)
}

fn records(size: Size) -> Vec<Cost> {
    let all = trades(size.of(1_000_000), 100);
    let mut costs = Vec::new();
    for encoding in [Encoding::Json, Encoding::Protobuf] {
        let encoded: Vec<Vec<u8>> = all
            .iter()
            .map(|trade| {
                let mut record = Vec::new();
                wire::encode(encoding, trade, &mut record);
                assert_eq!(wire::decode(encoding, &record).unwrap(), *trade, "{encoding}");
                record
            })
            .collect();
        let bytes = encoded.iter().map(Vec::len).sum::<usize>() as f64 / encoded.len() as f64;
        let mut buffer = Vec::with_capacity(512);
        let mut copy = Vec::with_capacity(512);
        let encode = Stage::new("encode a record", all.len() as u64, bytes)
            .counting(Whose::Thread)
            .floor(format!("copying it, {encoding}"), || {
                for record in &encoded {
                    copy.clear();
                    copy.extend_from_slice(black_box(record));
                    black_box(copy.len());
                }
            })
            .way(encoding.to_string(), || {
                for trade in &all {
                    buffer.clear();
                    wire::encode(encoding, trade, &mut buffer);
                    black_box(buffer.len());
                }
            });
        costs.extend(encode.run(size.rounds));
        let decode = Stage::new("decode a record", all.len() as u64, bytes)
            .counting(Whose::Thread)
            .way(encoding.to_string(), || {
                for record in &encoded {
                    black_box(wire::decode(encoding, record).unwrap());
                }
            });
        costs.extend(decode.run(size.rounds));
    }
    costs
}

fn windows(size: Size, markets: usize) -> Vec<Cost> {
    let all = trades(size.of(1 << 20), markets);
    let of = |what: &str| format!("{what}, {markets} markets");
    Stage::new("windows", all.len() as u64, size_of::<Trade>() as f64)
        .counting(Whose::Thread)
        .floor(of("hash map of i64"), || {
            black_box(bare(&all));
        })
        .way(of("one minute"), || {
            black_box(one_minute(&all));
        })
        .way(of("1 s, 1 m, 5 m, 15 m"), || {
            black_box(candles(&all));
        })
        .way(of("repeats"), || {
            black_box(repeats(&all));
        })
        .run(size.rounds)
}

/// Windows of a second, of which so many stay open in each market because the watermark is so far behind.
fn open_windows(size: Size) -> Vec<Cost> {
    let mut all = trades(size.of(1 << 20), 100);
    // None is late: with one open window it would be dropped, which is less work.
    for (i, trade) in all.iter_mut().enumerate() {
        trade.event_time = EventTime::from_millis(1_790_000_000_000 + i as i64 / 100);
    }
    let all = &all;
    let mut stage = Stage::new("open windows", all.len() as u64, size_of::<Trade>() as f64).counting(Whose::Thread);
    for open in [1, 4, 16] {
        stage = stage.way(format!("{open} open in each of 100 markets"), move || {
            let mut windows = Windows::new(1_000, (open - 1) * 1_000);
            for (offset, trade) in all.iter().enumerate() {
                windows.take(trade, offset as i64);
            }
            black_box(windows.done());
        });
    }
    stage.run(size.rounds)
}

/// Disorder that is waited for.
const BEHIND_MS: i64 = 2_000;

fn watermark(newest: &mut i64, trade: &Trade, behind_ms: i64) -> i64 {
    *newest = trade.event_time.millis().max(*newest);
    *newest - behind_ms - 1
}

/// Open, high, low, close, volume of a market and nothing else.
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

/// One length of candles: disorder, ties, lateness, timers, exact decimals.
pub(crate) struct Windows {
    operator: WindowOperator<Market, Ohlcv>,
    behind_ms: i64,
    newest: i64,
    fired: usize,
}

impl Windows {
    pub(crate) fn minute() -> Self {
        Self::new(60_000, BEHIND_MS)
    }

    fn new(size_ms: i64, behind_ms: i64) -> Self {
        let config = Config::new(Assigner::tumbling(size_ms, 0).unwrap());
        Self {
            operator: WindowOperator::new(config).unwrap(),
            behind_ms,
            newest: i64::MIN,
            fired: 0,
        }
    }

    #[inline]
    pub(crate) fn take(&mut self, trade: &Trade, offset: i64) {
        let time = trade.event_time.millis();
        let tick = Tick {
            rank: (time, trade.sequential_id),
            price: trade.price,
            volume: trade.volume,
            amount: trade.amount().unwrap(),
            offset,
        };
        let fired = &mut self.fired;
        self.operator
            .on_event(&trade.market, &tick, time, |_| *fired += 1)
            .unwrap();
        let fired = &mut self.fired;
        self.operator
            .on_watermark(watermark(&mut self.newest, trade, self.behind_ms), |_| *fired += 1);
    }

    /// Windows that there were.
    pub(crate) fn done(&self) -> usize {
        self.fired + self.operator.open_windows()
    }
}

fn one_minute(trades: &[Trade]) -> usize {
    let mut minute = Windows::minute();
    for (offset, trade) in trades.iter().enumerate() {
        minute.take(trade, offset as i64);
    }
    minute.done()
}

/// The pipeline's four lengths.
fn candles(trades: &[Trade]) -> usize {
    let mut operator = CandleOperator::new(0, CandleConfig::default()).unwrap();
    let (mut newest, mut fired) = (i64::MIN, 0);
    for (offset, trade) in trades.iter().enumerate() {
        operator.on_trade(trade, offset as i64).unwrap();
        operator.on_watermark(EventTime::from_millis(watermark(&mut newest, trade, BEHIND_MS)));
        if operator.fired() >= 4_096 {
            operator.drain(|candle| fired += usize::from(black_box(candle).trades > 0));
        }
    }
    fired + operator.open_windows()
}

fn repeats(trades: &[Trade]) -> usize {
    let mut repeats = Repeats::new(Repeats::DEFAULT_SPAN_S);
    trades
        .iter()
        .enumerate()
        .filter(|(offset, trade)| repeats.is_repeat(trade.identity(), trade.event_time, *offset as i64))
        .count()
}
