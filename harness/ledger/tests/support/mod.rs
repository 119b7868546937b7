//! A run in vectors: what was sent, what is in the topic, what is in the tables; and a pipeline of forty lines that makes
//! the tables as the rules say, firing by firing. The auditor must find it right, and whatever is then broken in it.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use ledger::{BadFrame, Finding, Ledger, Report, RunFacts, Terms, Verdict, hash};
use market::{Amount, Candle, Encoding, EventTime, Interval, Market, Position, Side, Trade};

pub const BOUND: i64 = 1_000;
pub const LATENESS: i64 = 60_000;

pub struct Random(pub u64);

impl Random {
    /// xorshift64* by Marsaglia and Vigna.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

#[derive(Clone, Debug)]
pub struct Record {
    pub at: Position,
    pub key: Vec<u8>,
    pub payload: Vec<u8>,
}

#[derive(Clone, Debug)]
pub struct Letter {
    pub bytes: Vec<u8>,
    pub source: String,
}

impl Letter {
    /// Of a frame.
    pub fn new(bytes: &[u8]) -> Self {
        Self::from("websocket", bytes)
    }

    pub fn from(source: &str, bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.into(),
            source: source.into(),
        }
    }
}

#[derive(Clone)]
pub struct Run {
    pub terms: Terms,
    pub sent: Vec<Trade>,
    pub topic: Vec<Record>,
    pub rows: Vec<(Position, Trade)>,
    pub candles: Vec<Candle>,
    pub bad_frames: Vec<BadFrame>,
    pub letters: Vec<Letter>,
    pub facts: RunFacts,
}

pub fn json(trade: &Trade) -> Vec<u8> {
    format!(
        r#"{{"market":"{}","sequential_id":{},"event_time":{},"sent_time":{},"price":{},"volume":{},"side":"{}"}}"#,
        trade.market,
        trade.sequential_id,
        trade.event_time.millis(),
        trade.sent_time.millis(),
        trade.price,
        trade.volume,
        trade.side.name()
    )
    .into_bytes()
}

pub fn record(partition: i32, offset: i64, trade: &Trade) -> Record {
    Record {
        at: Position { partition, offset },
        key: trade.market.as_str().into(),
        payload: json(trade),
    }
}

pub fn markets(count: u64) -> Vec<Market> {
    (0..count).map(|i| format!("KRW-M{i:03}").parse().unwrap()).collect()
}

/// A run of `count` trades over three partitions and seven markets, about `spacing` milliseconds apart, some of them up
/// to 3 s late and a few up to 2 minutes, one in twenty repeated within 10 s; everything as it should be.
pub fn run(seed: u64, count: u64, spacing: u64) -> Run {
    let mut random = Random(seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15));
    let markets = markets(7);
    let begin = 1_618_642_384_000 + random.below(900_000) as i64;
    let mut now = begin;
    let mut sent = Vec::new();
    for n in 0..count {
        now += random.below(2 * spacing + 1) as i64;
        let behind = match random.below(100) {
            0..=79 => 0,
            80..=96 => random.below(3_000) as i64,
            97 | 98 => random.below(70_000) as i64,
            _ => random.below(120_000) as i64,
        };
        let event = now - behind;
        sent.push(Trade {
            market: markets[random.below(7) as usize],
            sequential_id: event as u64 * 10_000_000 + n,
            event_time: EventTime::from_millis(event),
            sent_time: EventTime::from_millis(now + 20),
            price: format!("{}.5", 1_000 + random.below(50)).parse().unwrap(),
            volume: format!("0.{:08}", 1 + random.below(99_999_999)).parse().unwrap(),
            side: if random.below(2) == 0 { Side::Bid } else { Side::Ask },
        });
    }
    let home = |market: &Market| i32::from(market.as_bytes()[7] % 3);
    let mut next = [0i64; 3];
    let mut topic = Vec::new();
    let mut last: Vec<Trade> = Vec::new();
    for trade in &sent {
        let mut put = |trade: &Trade| {
            let partition = home(&trade.market);
            topic.push(record(partition, next[partition as usize], trade));
            next[partition as usize] += 1;
        };
        put(trade);
        last.push(*trade);
        if random.below(20) == 0 {
            put(&last[last.len() - 1 - random.below(last.len().min(3) as u64) as usize]);
        }
    }
    let garbage = vec![0xff, 0xfe, b'x'];
    let mut run = Run {
        terms: Terms {
            journal: true,
            encoding: Encoding::Json,
            bound_ms: BOUND,
            lateness_ms: LATENESS,
        },
        sent,
        topic,
        rows: Vec::new(),
        candles: Vec::new(),
        bad_frames: vec![BadFrame {
            hash: hash(&garbage),
            sent: EventTime::from_millis(begin),
            cut: false,
            what: "garbage, connection 1".into(),
        }],
        letters: vec![Letter::new(&garbage)],
        facts: RunFacts::default(),
    };
    run.pipe();
    run
}

#[derive(Clone)]
struct Window {
    applied: Vec<(Trade, i64)>,
    emitted: usize,
}

impl Run {
    pub fn trade(record: &Record) -> Trade {
        let value: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&record.payload).unwrap();
        let text = |key: &str| value[key].as_str().unwrap();
        let raw: BTreeMap<String, Box<serde_json::value::RawValue>> = serde_json::from_slice(&record.payload).unwrap();
        Trade {
            market: text("market").parse().unwrap(),
            sequential_id: value["sequential_id"].as_u64().unwrap(),
            event_time: EventTime::from_millis(value["event_time"].as_i64().unwrap()),
            sent_time: EventTime::from_millis(value["sent_time"].as_i64().unwrap()),
            price: raw["price"].get().parse().unwrap(),
            volume: raw["volume"].get().parse().unwrap(),
            side: if text("side") == "BID" { Side::Bid } else { Side::Ask },
        }
    }

    /// Makes the tables from the topic: record by record, window by window, with every firing.
    pub fn pipe(&mut self) {
        self.rows.clear();
        self.candles.clear();
        for partition in 0..3 {
            let mut seen = BTreeSet::new();
            let mut watermark = i64::MIN;
            let mut windows: BTreeMap<(Interval, i64, Market), Window> = BTreeMap::new();
            for record in self.topic.iter().filter(|record| record.at.partition == partition) {
                let trade = Self::trade(record);
                if !seen.insert((trade.market, trade.sequential_id)) {
                    continue;
                }
                self.rows.push((record.at, trade));
                let event = trade.event_time.millis();
                let mut fire = BTreeSet::new();
                for interval in Interval::ALL {
                    let start = interval.start_of(trade.event_time).millis();
                    let last = start + interval.millis() - 1;
                    if last.saturating_add(self.terms.lateness_ms) <= watermark {
                        continue;
                    }
                    let key = (interval, start, trade.market);
                    let window = windows.entry(key).or_insert(Window {
                        applied: Vec::new(),
                        emitted: 0,
                    });
                    window.applied.push((trade, record.at.offset));
                    if last <= watermark {
                        fire.insert(key);
                    }
                }
                let next = watermark.max(event - self.terms.bound_ms - 1);
                let tick = next.div_euclid(1_000) > watermark.div_euclid(1_000);
                for (key, window) in &windows {
                    let last = key.1 + key.0.millis() - 1;
                    if window.emitted < window.applied.len() && (tick || (watermark < last && last <= next)) {
                        fire.insert(*key);
                    }
                }
                for key in fire {
                    if let Some(window) = windows.get_mut(&key) {
                        window.emitted = window.applied.len();
                        self.candles.push(candle(key, partition, &window.applied));
                    }
                }
                watermark = next;
            }
        }
    }

    pub fn audit(&self) -> Report {
        let scratch = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(self.terms, scratch.path(), 0).unwrap();
        (0..3).for_each(|partition| ledger.partition(partition));
        if self.terms.journal {
            self.sent.iter().for_each(|trade| ledger.sent(trade).unwrap());
        }
        for record in &self.topic {
            ledger.record(record.at, Some(&record.key), &record.payload).unwrap();
        }
        self.rows.iter().for_each(|(at, trade)| ledger.row(*at, trade).unwrap());
        self.candles
            .iter()
            .for_each(|candle| ledger.candle_row(candle).unwrap());
        self.bad_frames.iter().for_each(|frame| ledger.bad_frame(frame.clone()));
        self.letters
            .iter()
            .for_each(|letter| ledger.dead_letter(&letter.bytes, "malformed", &letter.source));
        let report = ledger.close(&self.facts, &mut |_, _, _| {}).unwrap();
        let left = std::fs::read_dir(scratch.path()).unwrap().count();
        assert_eq!(left, 0, "the scratch folder must be empty after an audit");
        report
    }

    /// Index of the newest row of a candle, counted from the `n`th candle with at least two trades.
    pub fn newest_candle(&self, n: usize) -> usize {
        let key = |c: &Candle| (c.market, c.start, c.interval);
        let wanted = &self.candles[n];
        (0..self.candles.len())
            .filter(|&i| key(&self.candles[i]) == key(wanted))
            .max_by_key(|&i| self.candles[i].version.offset)
            .unwrap()
    }
}

pub fn candle(key: (Interval, i64, Market), partition: i32, applied: &[(Trade, i64)]) -> Candle {
    let trades = || applied.iter().map(|(trade, _)| trade);
    let at = |trade: &&Trade| (trade.event_time, trade.sequential_id);
    Candle {
        market: key.2,
        interval: key.0,
        start: EventTime::from_millis(key.1),
        open: trades().min_by_key(at).unwrap().price,
        high: trades().map(|trade| trade.price).max().unwrap(),
        low: trades().map(|trade| trade.price).min().unwrap(),
        close: trades().max_by_key(at).unwrap().price,
        volume: trades().fold(market::Decimal::ZERO, |sum, trade| {
            sum.checked_add(trade.volume).unwrap()
        }),
        quote_volume: trades().fold(Amount::ZERO, |sum, trade| {
            sum.checked_add(trade.amount().unwrap()).unwrap()
        }),
        trades: applied.len() as u64,
        version: Position {
            partition,
            offset: applied[applied.len() - 1].1,
        },
    }
}

/// The run that the controls break.
pub fn base() -> Run {
    run(7, 3_000, 40)
}

/// The report must fail for one reason that contains `words`, with an example of the finding that contains its words.
#[track_caller]
pub fn fails(report: &Report, words: &str, finding: Option<(Finding, &str)>) {
    assert_eq!(report.verdict, Verdict::Fail, "{}", report.render());
    assert_eq!(
        report.reasons.len(),
        1,
        "one thing is broken, so one reason: {:#?}",
        report.reasons
    );
    assert!(
        report.reasons[0].contains(words),
        "want {words:?}: {:?}",
        report.reasons
    );
    if let Some((finding, words)) = finding {
        let of = report.examples.iter().filter(|example| example.finding == finding);
        let details: Vec<_> = of.map(|example| example.detail.as_str()).collect();
        assert!(
            details.iter().any(|detail| detail.contains(words)),
            "want {words:?}: {:#?}",
            report.examples
        );
    }
}
