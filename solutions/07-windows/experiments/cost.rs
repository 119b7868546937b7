//! What an event costs as keys, and the open windows of each, become more; beside a floor, and beside a look at all windows.

use std::collections::HashMap;
use std::hint::black_box;

use foldhash::fast::FixedState;
use measure::{Effort, Teller};
use windows::{Assigner, Config, Sum, WindowOperator};

use crate::figures::{Figures, Random, nanos_of, pick};

const SIZE_MS: i64 = 1_000;
/// Events that a window of a key gets.
const EACH: usize = 8;

/// Keys, and open windows of each.
const KEYS: [(usize, usize); 5] = [(10, 2), (100, 2), (1_000, 2), (10_000, 2), (100_000, 2)];
const WINDOWS: [(usize, usize); 4] = [(100, 10), (100, 100), (100, 1_000), (100, 10_000)];
/// Courses of the floor.
const FLOORS: usize = 8;
/// A look at all windows is only taken where it ends.
const SCANNED: [(usize, usize); 4] = [(10, 2), (100, 2), (100, 10), (100, 100)];

/// Where in event time an event falls.
#[derive(Clone, Copy)]
enum Falls {
    /// Into the newest window.
    Newest,
    /// Into any of the open ones alike.
    Anywhere,
}

impl Falls {
    fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Anywhere => "anywhere",
        }
    }
}

/// A key's event, and the watermark after it.
type Event = (u64, i64, i64);

/// One event in each window that is to be open, and then what is timed: from then on windows open and end.
fn load(keys: usize, windows: usize, falls: Falls, timed: usize, seed: u64) -> (Vec<Event>, Vec<Event>) {
    let mut random = Random::new(seed);
    let open_ms = (windows as i64 - 1) * SIZE_MS;
    let filled = (0..windows).flat_map(|window| (0..keys).map(move |key| (key as u64, window as i64 * SIZE_MS, -1)));
    let begin = windows as i64 * SIZE_MS;
    let event = |n: usize| {
        let now = begin + (n as i64 * SIZE_MS) / (keys * EACH) as i64;
        let back = match falls {
            Falls::Newest => 0,
            Falls::Anywhere => random.below(open_ms + 1),
        };
        (random.below(keys as i64) as u64, now - back, now - open_ms - 1)
    };
    (filled.collect(), (0..timed).map(event).collect())
}

type Operator = WindowOperator<u64, Sum>;

fn operator(events: &[Event], operator: &mut Operator, mut said: impl FnMut(u64, i64, i64)) {
    for (key, time, watermark) in events {
        let placed = operator.on_event(key, &1, *time, |_| {});
        black_box(placed.expect("no overflow"));
        operator.on_watermark(*watermark, |fired| said(*fired.key, fired.window.start, fired.state.0));
    }
}

type Table<K> = HashMap<K, i64, FixedState>;

/// Windows in one table, all of which are looked at with each watermark.
fn scan(events: &[Event], table: &mut Table<(u64, i64)>, mut said: impl FnMut(u64, i64, i64)) {
    for (key, time, watermark) in events {
        *table.entry((*key, time - time.rem_euclid(SIZE_MS))).or_default() += 1;
        table.retain(|(key, start), sum| {
            let over = *start + SIZE_MS - 1 <= *watermark;
            if over {
                said(*key, *start, *sum);
            }
            !over
        });
    }
}

/// A sum by key, and no windows.
fn floor(events: &[Event], table: &mut Table<u64>) {
    for (key, _, watermark) in events {
        *table.entry(*key).or_default() += 1;
        black_box(*watermark);
    }
}

fn new() -> Operator {
    Operator::new(Config::new(Assigner::tumbling(SIZE_MS, 0).expect("a size"))).expect("a lateness of 0")
}

/// Both ways say the same rows.
fn check() {
    for falls in [Falls::Newest, Falls::Anywhere] {
        let (filled, timed) = load(10, 5, falls, 3_000, 7);
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let (mut windows, mut table) = (new(), Table::default());
        for events in [&filled, &timed] {
            operator(events, &mut windows, |key, start, sum| ours.push((key, start, sum)));
            scan(events, &mut table, |key, start, sum| theirs.push((key, start, sum)));
        }
        ours.sort_unstable();
        theirs.sort_unstable();
        assert!(!ours.is_empty(), "no window ended, so nothing is compared");
        assert_eq!(ours, theirs, "the operator and the look at all windows say other rows");
    }
}

pub(crate) fn run(effort: Effort) {
    check();
    let repetitions = pick(effort, 9, 3, 1);
    let least = pick(effort, 1 << 20, 1 << 18, 1 << 10);
    let mut teller = Teller::new(repetitions);
    let mut figures = Figures::default();
    for seed in 1..=repetitions as u64 {
        teller.step(&format!("round {seed} of {repetitions}"));
        for (keys, windows) in KEYS.into_iter().chain(WINDOWS) {
            if effort == Effort::Try && keys * windows > 1_000 {
                continue;
            }
            for falls in [Falls::Newest, Falls::Anywhere] {
                // Two ends of windows of all keys at the least: what they cost is part of an event's price.
                let n = least.max(2 * keys * EACH);
                let (filled, timed) = load(keys, windows, falls, n, seed);
                let arm = |way| format!("way={way} falls={} keys={keys} windows={windows}", falls.name());
                let mut add = |way, nanos: f64, n: usize| figures.add(&arm(way), "time", nanos / n as f64, n as u64);

                let mut windows_of = new();
                operator(&filled, &mut windows_of, |_, _, _| {});
                let nanos = nanos_of(|| {
                    operator(&timed, &mut windows_of, |_, _, sum| {
                        black_box(sum);
                    })
                });
                add("operator", nanos, n);

                let mut table = Table::default();
                floor(&filled, &mut table);
                // One course is over too soon to be timed.
                let nanos = nanos_of(|| (0..FLOORS).for_each(|_| floor(&timed, &mut table)));
                add("floor", nanos, FLOORS * n);

                if SCANNED.contains(&(keys, windows)) {
                    let few = &timed[..timed.len().min(2_000_000 / (keys * windows)).max(500)];
                    let mut table = Table::default();
                    scan(&filled, &mut table, |_, _, _| {});
                    let nanos = nanos_of(|| {
                        scan(few, &mut table, |_, _, sum| {
                            black_box(sum);
                        })
                    });
                    add("scan", nanos, few.len());
                }
            }
        }
    }
    figures.tell(&teller);
}
