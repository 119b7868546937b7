//! What an audit costs: time per trade, memory and scratch space, over synthetic trades that never touch a server.
//!
//! `cargo bench -p ledger --bench scale` audits 10⁷ trades, `… -- 100000000` any number. Not criterion: one long run with
//! its memory peak says more here than many short ones. Without `--bench`, as in `cargo test --benches`: 20,000 trades.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use ledger::{Ledger, RunFacts, Terms, disk_needed};
use market::{Decimal, Encoding, EventTime, Market, Position, Side, Trade};

const PARTITIONS: u64 = 6;

/// Trades as they come: 120 markets by a heavy-tailed law, 20,000 a second, one in a hundred up to a second late.
struct Trades {
    markets: Vec<Market>,
    random: u64,
    n: u64,
}

impl Trades {
    fn new() -> Self {
        let markets = (0..120).map(|i| format!("KRW-M{i:03}").parse().unwrap()).collect();
        Self {
            markets,
            random: 0x9e37_79b9_7f4a_7c15,
            n: 0,
        }
    }

    fn next(&mut self) -> (usize, Trade) {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        let random = self.random.wrapping_mul(0x2545_f491_4f6c_dd1d);
        let uniform = (random >> 11) as f64 / (1u64 << 53) as f64;
        let market = (120f64.powf(uniform) - 1.0) as usize % 120;
        let late = if random.is_multiple_of(100) {
            (random >> 20) % 1000
        } else {
            0
        };
        let event = 1_618_642_384_000 + (self.n / 20) as i64 - late as i64;
        let trade = Trade {
            market: self.markets[market],
            sequential_id: event as u64 * 1_000_000 + self.n % 1_000_000,
            event_time: EventTime::from_millis(event),
            sent_time: EventTime::from_millis(event + 12),
            price: Decimal::from_units(i128::from(60_000_000 + random % 1_000_000) * 100_000_000).unwrap(),
            volume: Decimal::from_units(i128::from(1 + random % 10_000_000_000)).unwrap(),
            side: if random & 1 == 0 { Side::Bid } else { Side::Ask },
        };
        self.n += 1;
        (market, trade)
    }
}

fn write_json(trade: &Trade, out: &mut Vec<u8>) {
    out.clear();
    let (event, sent) = (trade.event_time.millis(), trade.sent_time.millis());
    write!(
        out,
        r#"{{"market":"{}","sequential_id":{},"event_time":{event},"#,
        trade.market, trade.sequential_id
    )
    .unwrap();
    write!(out, r#""sent_time":{sent},"price":"#).unwrap();
    trade.price.write_to(out);
    out.extend_from_slice(br#","volume":"#);
    trade.volume.write_to(out);
    write!(out, r#","side":"{}"}}"#, trade.side.name()).unwrap();
}

fn memory_peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|text| text.trim_end_matches("kB").trim().parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}

/// Processor time of this thread: other work on the machine does not count.
fn processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

fn size_of(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries
        .map(|entry| {
            let meta = entry.metadata().unwrap();
            if meta.is_dir() {
                size_of(&entry.path())
            } else {
                meta.len()
            }
        })
        .sum()
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let measured = arguments.iter().any(|argument| argument == "--bench");
    let asked = arguments.iter().find_map(|argument| argument.parse().ok());
    let count: u64 = asked.unwrap_or(if measured { 10_000_000 } else { 20_000 });

    let scratch = tempfile::tempdir().unwrap();
    let terms = Terms {
        journal: true,
        encoding: Encoding::Json,
        bound_ms: 1_000,
        lateness_ms: 60_000,
    };
    let mut ledger = Ledger::open(terms, scratch.path(), 3 * count).unwrap();
    let started = processor();
    let mut making = Duration::ZERO;
    let mut payloads = Vec::new();
    let mut offsets = [0i64; PARTITIONS as usize];
    let mut trades = Trades::new();
    let mut left = count;
    while left > 0 {
        // Made in batches beside the clock, so that only the audit is measured.
        let made = processor();
        let batch: Vec<(Position, Trade)> = (0..left.min(10_000))
            .map(|_| {
                let (market, trade) = trades.next();
                let partition = market % offsets.len();
                offsets[partition] += 1;
                (
                    Position {
                        partition: partition as i32,
                        offset: offsets[partition] - 1,
                    },
                    trade,
                )
            })
            .collect();
        payloads.resize_with(batch.len(), Vec::new);
        batch
            .iter()
            .zip(&mut payloads)
            .for_each(|((_, trade), payload)| write_json(trade, payload));
        making += processor() - made;
        for ((at, trade), payload) in batch.iter().zip(&payloads) {
            ledger.sent(trade).unwrap();
            ledger.record(*at, Some(trade.market.as_bytes()), payload).unwrap();
            ledger.row(*at, trade).unwrap();
        }
        left -= batch.len() as u64;
    }
    let read = processor() - started - making;
    let spilled = size_of(scratch.path());
    let report = ledger.close(&RunFacts::default(), &mut |_, _, _| {}).unwrap();
    let all = processor() - started - making;
    assert_eq!(
        (report.sent, report.once, report.lost, report.altered.total()),
        (count, count, 0, 0)
    );
    assert_eq!(
        report.candles.missing, report.candles.expected,
        "the bench writes no candles"
    );

    println!("trades                 {count}");
    println!("taking the copies      {:.2} s of processor time", read.as_secs_f64());
    println!(
        "matching, recomputing  {:.2} s of processor time",
        (all - read).as_secs_f64()
    );
    println!("trades/s on one core   {:.0}", count as f64 / all.as_secs_f64());
    println!("candles expected       {}", report.candles.expected);
    println!("late, reordered        {}, {}", report.late, report.reordered);
    println!(
        "scratch of the copies  {} MB, {} bytes a trade",
        spilled >> 20,
        spilled / count.max(1)
    );
    println!("scratch asked for      {} MB", disk_needed(count) >> 20);
    println!("memory peak            {} MB", memory_peak() >> 20);
}
