//! What a frame costs to read, and a record to write and to read, beside a floor and the alternatives that were tried.
#![allow(clippy::print_stdout)] // bytes per record belong beside the times

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use market::{Decimal, Decode, Encoding, Frame, Market, Side, Trade};
use serde::Deserialize;
use serde_json::value::RawValue;
use wire::FrameDecoder;

#[path = "../tests/common/mod.rs"]
mod common;
use common::{DEFAULT, SIMPLE, trade};

/// The floor: `serde_json` into a struct of borrowed texts and `f64`, which is not exact and checks no range.
#[derive(Deserialize)]
struct Floats<'a> {
    #[serde(alias = "cd")]
    code: &'a str,
    #[serde(alias = "tms")]
    timestamp: i64,
    #[serde(alias = "ttms")]
    trade_timestamp: i64,
    #[serde(alias = "tp")]
    trade_price: f64,
    #[serde(alias = "tv")]
    trade_volume: f64,
    #[serde(alias = "ab")]
    ask_bid: &'a str,
    #[serde(alias = "sid")]
    sequential_id: u64,
    #[serde(alias = "st")]
    stream_type: &'a str,
}

/// The alternative: the same with the numbers kept as text, then read exactly.
#[derive(Deserialize)]
struct Texts<'a> {
    #[serde(alias = "ty", rename = "type")]
    kind: &'a str,
    #[serde(alias = "cd")]
    code: &'a str,
    #[serde(alias = "tms")]
    timestamp: i64,
    #[serde(alias = "ttms")]
    trade_timestamp: i64,
    #[serde(borrow, alias = "tp")]
    trade_price: &'a RawValue,
    #[serde(borrow, alias = "tv")]
    trade_volume: &'a RawValue,
    #[serde(alias = "ab")]
    ask_bid: &'a str,
    #[serde(alias = "sid")]
    sequential_id: u64,
    #[serde(alias = "st")]
    stream_type: &'a str,
}

fn by_serde(bytes: &[u8]) -> Option<Frame> {
    let texts: Texts<'_> = serde_json::from_slice(bytes).ok()?;
    let trade = Trade {
        market: Market::new(texts.code.as_bytes()).ok()?,
        sequential_id: texts.sequential_id,
        event_time: market::EventTime::from_millis(texts.trade_timestamp),
        sent_time: market::EventTime::from_millis(texts.timestamp),
        price: Decimal::parse(texts.trade_price.get().as_bytes()).ok()?,
        volume: Decimal::parse(texts.trade_volume.get().as_bytes()).ok()?,
        side: if texts.ask_bid == "BID" { Side::Bid } else { Side::Ask },
    };
    trade.validate().ok()?;
    (texts.kind == "trade").then_some(Frame::Trade {
        trade,
        snapshot: texts.stream_type == "SNAPSHOT",
    })
}

fn frames(criterion: &mut Criterion) {
    for (name, frame) in [("default", DEFAULT), ("simple", SIMPLE)] {
        let bytes = frame.as_bytes();
        assert_eq!(
            FrameDecoder.frame(bytes).ok(),
            by_serde(bytes),
            "equal outputs before any timing"
        );
        let mut group = criterion.benchmark_group(format!("solution-02-wire/frame-{name}"));
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("scanner", |bencher| {
            bencher.iter(|| FrameDecoder.frame(black_box(bytes)))
        });
        group.bench_function("serde-exact", |bencher| bencher.iter(|| by_serde(black_box(bytes))));
        group.bench_function("floor-serde-f64", |bencher| {
            bencher.iter(|| {
                let floats: Floats<'_> = serde_json::from_slice(black_box(bytes)).ok()?;
                Some((
                    (
                        floats.code.len(),
                        floats.timestamp,
                        floats.trade_timestamp,
                        floats.trade_price,
                    ),
                    (
                        floats.trade_volume,
                        floats.ask_bid.len(),
                        floats.sequential_id,
                        floats.stream_type.len(),
                    ),
                ))
            });
        });
        group.bench_function("floor-utf8", |bencher| {
            bencher.iter(|| std::str::from_utf8(black_box(bytes)).is_ok())
        });
        group.finish();
    }
}

fn records(criterion: &mut Criterion) {
    let trade = trade();
    for encoding in [Encoding::Json, Encoding::Protobuf] {
        let mut record = Vec::with_capacity(256);
        wire::encode(encoding, &trade, &mut record);
        assert_eq!(
            wire::decode(encoding, &record),
            Ok(trade),
            "equal outputs before any timing"
        );
        println!("{encoding}: {} bytes per record", record.len());
        let mut group = criterion.benchmark_group(format!("solution-02-wire/record-{encoding}"));
        group.throughput(Throughput::Bytes(record.len() as u64));
        let mut out = Vec::with_capacity(256);
        group.bench_function("encode", |bencher| {
            bencher.iter(|| {
                out.clear();
                wire::encode(encoding, black_box(&trade), &mut out);
                out.len()
            });
        });
        group.bench_function("decode", |bencher| {
            bencher.iter(|| wire::decode(encoding, black_box(&record)))
        });
        group.bench_function("floor-copy", |bencher| {
            bencher.iter(|| {
                out.clear();
                out.extend_from_slice(black_box(&record));
                out.len()
            });
        });
        group.finish();
    }
}

criterion_group!(benches, frames, records);
criterion_main!(benches);
