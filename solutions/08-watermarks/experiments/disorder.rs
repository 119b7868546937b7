//! Bound against late trades, lost trades, wrong candles and delay, on generated disorder and on the recording.

use market::{EventTime, Interval};
use measure::{Effort, Teller};
use watermarks::BoundedOutOfOrderness;

use crate::candles::Candles;
use crate::figures::{Figures, Size, quantile};
use crate::recording;
use crate::stream::{Feed, Logged, PARTITIONS, START_MS, backlog};

const BOUNDS_MS: [i64; 9] = [0, 10, 50, 100, 250, 500, 1_000, 2_000, 5_000];
/// Bounds for what is no curve.
const SOME_BOUNDS_MS: [i64; 3] = [0, 100, 1_000];
const INTERVALS: [Interval; 2] = [Interval::S1, Interval::M1];
/// At the end of a stream no delay is looked at: the trades that would show those windows may not come any more.
const TAIL_MS: i64 = 30_000;
/// Seeds of the streams for which a bound is picked on another one lie so far on.
const NEXT: u64 = 1_000;

/// Which watermark a trade is held against.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Watermark {
    PerPartition,
    OverAll,
    NoMillisecond,
}

impl Watermark {
    fn name(self) -> &'static str {
        match self {
            Self::PerPartition => "partition",
            Self::OverAll => "all",
            Self::NoMillisecond => "no-ms",
        }
    }

    /// Which generator a partition has.
    fn slot(self, partition: usize) -> usize {
        match self {
            Self::OverAll => 0,
            Self::PerPartition | Self::NoMillisecond => partition,
        }
    }

    fn said_by(self, generator: &BoundedOutOfOrderness) -> EventTime {
        match (self, generator.watermark()) {
            (Self::NoMillisecond, watermark) if watermark > EventTime::MIN => watermark.saturating_add(1),
            (_, watermark) => watermark,
        }
    }
}

/// What one reading under one bound comes to.
struct Reading {
    /// Behind the watermark when they came.
    late: u64,
    /// For each interval: whose candle had fired when they came, and the candles of the others.
    lost: [u64; 2],
    candles: [Candles; 2],
    /// Of windows of a second: from their end until the watermark had passed them, ms.
    delays: Vec<i64>,
}

fn read<'a>(
    trades: impl IntoIterator<Item = &'a Logged>,
    partitions: usize,
    by: Watermark,
    bound_ms: i64,
    last_end: i64,
) -> Reading {
    let generator = BoundedOutOfOrderness::new(bound_ms).expect("a bound that is not below 0");
    let mut generators = vec![generator; partitions];
    let mut ends = vec![START_MS + 1_000; partitions];
    let (mut late, mut lost, mut delays) = (0, [0; 2], Vec::new());
    let mut candles = INTERVALS.map(Candles::new);
    for Logged {
        trade,
        partition,
        at_ms,
    } in trades
    {
        let slot = by.slot(*partition);
        let watermark = by.said_by(&generators[slot]);
        late += u64::from(trade.event_time <= watermark);
        for (candles, (interval, lost)) in candles.iter_mut().zip(INTERVALS.into_iter().zip(&mut lost)) {
            let last = interval
                .start_of(trade.event_time)
                .saturating_add(interval.millis() - 1);
            match last <= watermark {
                true => *lost += 1,
                false => candles.add(trade),
            }
        }
        generators[slot].observe(trade.event_time);
        let (watermark, end) = (by.said_by(&generators[slot]).millis(), &mut ends[slot]);
        while *end - 1 <= watermark && *end <= last_end {
            delays.push(*at_ms - *end);
            *end += 1_000;
        }
    }
    Reading {
        late,
        lost,
        candles,
        delays,
    }
}

/// How far each trade is behind the newest of its generator, ms.
fn lateness(trades: &[Logged], by: Watermark) -> Vec<i64> {
    let mut newest = std::collections::HashMap::new();
    let behind = |logged: &Logged| {
        let time = logged.trade.event_time.millis();
        let newest = newest.entry(by.slot(logged.partition)).or_insert(time);
        *newest = time.max(*newest);
        *newest - time
    };
    trades.iter().map(behind).collect()
}

/// A stream with the candles that all of its trades give.
struct Stream {
    trades: Vec<Logged>,
    partitions: usize,
    truth: [Candles; 2],
    last_end: i64,
}

impl Stream {
    fn new(trades: Vec<Logged>, partitions: usize, last_end: i64) -> Self {
        let mut sorted: Vec<&Logged> = trades.iter().collect();
        sorted.sort_by_key(|logged| (logged.trade.event_time, logged.trade.sequential_id));
        let truth = INTERVALS.map(|interval| Candles::of(interval, sorted.iter().map(|logged| &logged.trade)));
        Self {
            partitions,
            truth,
            last_end,
            trades,
        }
    }

    fn generated(feed: Feed, seed: u64) -> Self {
        Self::new(feed.trades(seed), PARTITIONS, feed.end_ms() - TAIL_MS)
    }

    fn judge(&self, reading: Reading, arm: &str, figures: &mut Figures) {
        let n = self.trades.len() as u64;
        figures.share(arm, "late", reading.late, n);
        for (metric, lost) in ["lost_1s", "lost_1m"].into_iter().zip(reading.lost) {
            figures.share(arm, metric, lost, n);
        }
        let wrong = self.truth.iter().zip(&reading.candles);
        for (metric, (truth, candles)) in ["wrong_1s", "wrong_1m"].into_iter().zip(wrong) {
            figures.share(arm, metric, truth.differing(candles), truth.len());
        }
    }

    /// Read as it comes.
    fn live(&self, source: &str, by: Watermark, bound_ms: i64, named: &str, figures: &mut Figures) {
        let arm = format!("source={source} watermark={} bound_ms={named}", by.name());
        let mut reading = read(&self.trades, self.partitions, by, bound_ms, self.last_end);
        let n = reading.delays.len() as u64;
        for (metric, share) in [("delay", 0.5), ("delay_p99", 0.99)] {
            if n > 0 {
                figures.add(&arm, metric, quantile(&mut reading.delays, share) as f64, n);
            }
        }
        self.judge(reading, &arm, figures);
    }

    /// Read by one who comes late.
    fn backlog(&self, by: Watermark, bound_ms: i64, figures: &mut Figures) {
        let arm = format!("source=backlog watermark={} bound_ms={bound_ms}", by.name());
        let trades = backlog(&self.trades);
        self.judge(read(trades, self.partitions, by, bound_ms, i64::MIN), &arm, figures);
    }
}

pub(crate) fn run(effort: Effort) {
    let Size { seeds, minutes } = Size::of(effort, (7, 120), (3, 60), 1);
    let feed = Feed {
        minutes,
        reconnects: true,
    };
    let mut teller = Teller::new(seeds as usize + 1);
    let mut figures = Figures::default();
    for seed in 1..=seeds {
        teller.step(&format!("stream {seed} of {seeds}, {minutes} min"));
        let stream = Stream::generated(feed, seed);
        generated(&stream, &mut figures);
        let next = Stream::generated(feed, NEXT + seed);
        picked(&stream, &next, &mut figures);
    }
    teller.step("the recording");
    match recording::trades() {
        Ok(trades) => recorded(trades, &mut figures),
        Err(why) => teller.not_here(&why),
    }
    guide(&mut figures);
    figures.tell(&teller);
}

fn generated(stream: &Stream, figures: &mut Figures) {
    let live = |by, bounds: &[i64], figures: &mut Figures| {
        for bound_ms in bounds {
            stream.live("generated", by, *bound_ms, &bound_ms.to_string(), figures);
        }
    };
    live(Watermark::PerPartition, &BOUNDS_MS, figures);
    live(Watermark::OverAll, &SOME_BOUNDS_MS, figures);
    live(Watermark::NoMillisecond, &SOME_BOUNDS_MS, figures);
    for by in [Watermark::PerPartition, Watermark::OverAll] {
        stream.backlog(by, 1_000, figures);
    }
}

/// A bound that keeps so many of a stream's trades in time, tried on the next one.
fn picked(stream: &Stream, next: &Stream, figures: &mut Figures) {
    let mut lateness = lateness(&stream.trades, Watermark::PerPartition);
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)] {
        let bound_ms = quantile(&mut lateness, share);
        let arm = format!("source=next watermark=partition bound_ms={name}");
        figures.add(&arm, "bound", bound_ms as f64, lateness.len() as u64);
        next.live("next", Watermark::PerPartition, bound_ms, name, figures);
    }
}

/// One point: under a bound of 0, and the bound that would lose nothing.
fn recorded(trades: Vec<Logged>, figures: &mut Figures) {
    let partitions = 1 + trades.iter().map(|logged| logged.partition).max().unwrap_or_default();
    let stream = Stream::new(trades, partitions, i64::MIN);
    for by in [Watermark::PerPartition, Watermark::OverAll, Watermark::NoMillisecond] {
        stream.live("recording", by, 0, "0", figures);
    }
    for by in [Watermark::PerPartition, Watermark::OverAll] {
        let arm = format!("source=recording watermark={} bound_ms=max", by.name());
        let mut lateness = lateness(&stream.trades, by);
        figures.add(
            &arm,
            "bound",
            quantile(&mut lateness, 1.0) as f64,
            lateness.len() as u64,
        );
    }
}

/// The guide's two examples, in minutes after 10:00: B, C, A; and four arrivals, after which it says that the watermark is 10:02.
fn guide(figures: &mut Figures) {
    let minute = |minute: i64| EventTime::from_millis(START_MS + minute * Interval::M1.millis());
    for bound_ms in [0, 60_000, 120_000] {
        let arm = format!("source=guide watermark=partition bound_ms={bound_ms}");
        let new = || BoundedOutOfOrderness::new(bound_ms).expect("a bound that is not below 0");
        let (mut generator, mut late) = (new(), 0);
        for time in [1, 2, 0].map(minute) {
            late += u64::from(time <= generator.watermark());
            generator.observe(time);
        }
        figures.share(&arm, "late", late, 3);
        let mut generator = new();
        let said = [0, 2, 1, 3].map(|time| generator.observe(minute(time)));
        figures.add(&arm, "behind_said", (minute(2).millis() - said[3].millis()) as f64, 4);
    }
}
