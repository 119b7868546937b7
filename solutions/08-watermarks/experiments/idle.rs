//! A partition that falls silent, has never spoken, is quiet, or is held up: what waits for it, and what calling it idle costs.

use std::time::Duration;

use market::{EventTime, Interval};
use measure::{Effort, Teller};
use watermarks::{BoundedOutOfOrderness, Combiner, Idleness};

use crate::figures::{Figures, Size, quantile};
use crate::stream::{Feed, Logged, PARTITIONS, START_MS};

const BOUND_MS: i64 = 1_000;
/// How often partitions are looked at.
const PROBE_MS: i64 = 200;
const TIMEOUTS_MS: [Option<u64>; 4] = [None, Some(500), Some(2_000), Some(10_000)];
/// The partition that something happens to.
const IT: usize = PARTITIONS - 1;
/// When it falls silent.
const SILENT_FROM_MS: i64 = 30_000;
/// A hold-up begins so often, and lasts up to the last of these; the first begins half a round after the stream.
const ROUND_MS: i64 = 30_000;
const HELD_UP_MS: [i64; 6] = [250, 500, 1_000, 2_000, 4_000, 8_000];
/// Windows that end later than this before the run does are not looked at: they may have to wait for its end.
const TAIL_MS: i64 = 15_000;

/// What becomes of the partition.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Silent,
    Empty,
    Quiet,
    HeldUp,
}

impl Fate {
    const ALL: [Self; 4] = [Self::Silent, Self::Empty, Self::Quiet, Self::HeldUp];

    fn name(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Empty => "empty",
            Self::Quiet => "quiet",
            Self::HeldUp => "held-up",
        }
    }
}

/// A trade as this run's reader gets it.
struct Read {
    partition: usize,
    time: EventTime,
    at_ms: i64,
    /// It was held up, or is one of the quiet partition's.
    counts: bool,
}

/// What the reader gets of a stream: only one partition differs from what was logged.
fn befallen(trades: &[Logged], fate: Fate, seed: u64) -> Vec<Read> {
    let mut orders = 0;
    let mut newest = EventTime::MIN;
    let mut read = |logged: &Logged| {
        let (time, mut at_ms) = (logged.trade.event_time, logged.at_ms);
        let mut counts = false;
        if logged.partition == IT {
            // An order's trades have one time: what is kept of a quiet partition is whole orders.
            orders += u64::from(time > newest);
            newest = newest.max(time);
            match fate {
                Fate::Silent if at_ms >= START_MS + SILENT_FROM_MS => return None,
                Fate::Empty => return None,
                Fate::Quiet if !orders.is_multiple_of(10) => return None,
                Fate::Quiet => counts = true,
                Fate::HeldUp => {
                    let until = held_up_until(at_ms, seed);
                    counts = until > at_ms;
                    at_ms = until;
                }
                Fate::Silent => {}
            }
        }
        let partition = logged.partition;
        Some(Read {
            partition,
            time,
            at_ms,
            counts,
        })
    };
    let mut all: Vec<Read> = trades.iter().filter_map(&mut read).collect();
    all.sort_by_key(|read| read.at_ms); // stable: the order within a partition stays
    all
}

/// When a record that is logged now is read. Of 24 hold-ups in a row each lasts another 24th of what lies between 250 ms and
/// 16 s, each doubling being as frequent as the next.
fn held_up_until(at_ms: i64, seed: u64) -> i64 {
    let (round, into) = ((at_ms - START_MS) / ROUND_MS, (at_ms - START_MS) % ROUND_MS);
    let kinds = HELD_UP_MS.len() as i64;
    let least = HELD_UP_MS[(round % kinds) as usize];
    let quarter = (round / kinds + seed as i64) % 4;
    let lasts = least + least * (quarter * 25 + seed as i64 * 7 % 25) / 100;
    let from = ROUND_MS / 2 - 1_000;
    match (from..from + lasts).contains(&into) {
        true => at_ms - into + from + lasts,
        false => at_ms,
    }
}

/// What a run comes to.
#[derive(Default)]
struct Run {
    /// Of each window of a second: how long after its end its result could be shown, ms; until the run's end where never.
    waits: Vec<i64>,
    shown: u64,
    /// How long after its last record, or the beginning, the partition was first called idle, ms.
    called_idle_ms: Option<i64>,
    /// Of the trades that count: all, and those behind what was said over all partitions, though not behind their own.
    counted: u64,
    late: u64,
    /// Seconds that were shown and had a trade of that partition after that.
    changed: std::collections::BTreeSet<i64>,
}

struct Input {
    generator: BoundedOutOfOrderness,
    idleness: Option<Idleness>,
}

fn run_one(trades: &[Read], end_ms: i64, timeout_ms: Option<u64>) -> Run {
    let input = |_| Input {
        generator: BoundedOutOfOrderness::new(BOUND_MS).expect("a bound that is not below 0"),
        idleness: timeout_ms.map(|ms| Idleness::new(Duration::from_millis(ms)).expect("a timeout above 0")),
    };
    let mut inputs: Vec<Input> = (0..PARTITIONS).map(input).collect();
    let mut combiner = Combiner::new();
    (0..PARTITIONS).for_each(|partition| {
        combiner.register(partition);
    });
    let (mut run, mut end, mut last_record) = (Run::default(), START_MS + 1_000, START_MS);
    let mut probe = START_MS;
    let last_end = end_ms - TAIL_MS;
    let mut show = |now: i64, watermark: EventTime, run: &mut Run| {
        while end <= last_end && watermark.millis() >= end - 1 {
            run.waits.push(now - end);
            run.shown += 1;
            end += 1_000;
        }
        end
    };
    for read in trades.iter().take_while(|read| read.at_ms <= end_ms) {
        while probe <= read.at_ms {
            let idle = look(&mut inputs, &mut combiner, probe);
            if idle && run.called_idle_ms.is_none() {
                run.called_idle_ms = Some(probe - last_record);
            }
            show(probe, combiner.watermark(), &mut run);
            probe += PROBE_MS;
        }
        let input = &mut inputs[read.partition];
        let all = combiner.watermark();
        if read.counts && read.time > input.generator.watermark() {
            run.counted += 1;
            run.late += u64::from(read.time <= all);
        }
        if read.partition == IT {
            last_record = read.at_ms;
            let window = Interval::S1.start_of(read.time).saturating_add(999);
            if window <= all && read.time > input.generator.watermark() {
                run.changed.insert(window.millis());
            }
        }
        let watermark = input.generator.observe(read.time);
        if let Some(idleness) = &mut input.idleness {
            idleness.activity();
        }
        combiner.on_watermark(&read.partition, watermark);
        show(read.at_ms, combiner.watermark(), &mut run);
    }
    let never = show(end_ms, EventTime::MIN, &mut run);
    run.waits
        .extend((never..=last_end).step_by(1_000).map(|end| end_ms - end));
    run
}

/// Looks at every partition; whether the one that something happens to is idle.
fn look(inputs: &mut [Input], combiner: &mut Combiner<usize>, now_ms: i64) -> bool {
    let now = Duration::from_millis((now_ms - START_MS).unsigned_abs());
    let mut it = false;
    for (partition, input) in inputs.iter_mut().enumerate() {
        let Some(idleness) = &mut input.idleness else {
            continue;
        };
        let idle = idleness.check(now);
        it |= idle && partition == IT;
        // Deferred, so that all that one look has found is combined at once.
        combiner.defer_idle(&partition, idle);
    }
    combiner.emit();
    it
}

pub(crate) fn run(effort: Effort) {
    let Size { seeds, minutes } = Size::of(effort, (9, 24), (3, 24), 1);
    let feed = Feed {
        minutes,
        reconnects: false,
    };
    let mut teller = Teller::new(seeds as usize);
    let mut figures = Figures::default();
    for seed in 1..=seeds {
        teller.step(&format!("stream {seed} of {seeds}, {minutes} min"));
        let trades = feed.trades(seed);
        for fate in Fate::ALL {
            let read = befallen(&trades, fate, seed);
            for timeout_ms in TIMEOUTS_MS {
                judge(
                    fate,
                    timeout_ms,
                    run_one(&read, feed.end_ms(), timeout_ms),
                    &mut figures,
                );
            }
        }
    }
    figures.tell(&teller);
}

fn judge(fate: Fate, timeout_ms: Option<u64>, mut run: Run, figures: &mut Figures) {
    let arm = match timeout_ms {
        None => format!("partition={} idleness=off timeout_ms=none", fate.name()),
        Some(ms) => format!("partition={} idleness=on timeout_ms={ms}", fate.name()),
    };
    let windows = run.waits.len() as u64;
    figures.add(&arm, "stall", quantile(&mut run.waits, 1.0) as f64, windows);
    figures.add(&arm, "wait", quantile(&mut run.waits, 0.5) as f64, windows);
    figures.share(&arm, "shown", run.shown, windows);
    if let (Fate::Silent | Fate::Empty, Some(ms)) = (fate, run.called_idle_ms) {
        figures.add(&arm, "called_idle", ms as f64, 1);
    }
    if let Fate::Quiet | Fate::HeldUp = fate {
        figures.share(&arm, "late_after_wake", run.late, run.counted);
        figures.share(&arm, "changed", run.changed.len() as u64, run.shown);
    }
}
