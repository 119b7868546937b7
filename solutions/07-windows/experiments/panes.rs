//! Sliding windows: each value added to all of its windows, against panes.

use std::cell::Cell;
use std::hint::black_box;

use market::Decimal;
use measure::{Effort, Teller};
use windows::{Aggregate, Assigner, Config, Ohlcv, Overflow, PaneOperator, Sliding, Tick, WindowOperator};

use crate::figures::{Figures, Random, nanos_of, pick};

const KEYS: i64 = 10;
/// How far the watermark is behind the newest time, less 1 ms.
const BOUND_MS: i64 = 1_000;

/// Sliding windows, and how many values a key has in a slide.
#[derive(Clone, Copy)]
struct Shape {
    size_s: i64,
    slide_s: i64,
    per_slide: i64,
}

const fn shape(size_s: i64, slide_s: i64, per_slide: i64) -> Shape {
    Shape {
        size_s,
        slide_s,
        per_slide,
    }
}

const SHAPES: [Shape; 10] = [
    shape(1, 1, 100), // side by side: nothing to share
    shape(2, 1, 100),
    shape(10, 1, 100),
    shape(60, 1, 100),
    shape(600, 1, 100),
    shape(60, 1, 1),
    shape(60, 1, 10),
    shape(60, 1, 1_000),
    shape(60, 30, 100),
    shape(61, 30, 100), // a second more, and panes of a second
];

/// A key's tick, at a time.
type Event = (u64, i64, Tick);

impl Shape {
    fn sliding(self) -> Sliding {
        Sliding::new(self.size_s * 1_000, self.slide_s * 1_000, 0).expect("a size and a slide")
    }

    fn overlap(self) -> i64 {
        self.size_s / self.slide_s
    }

    /// A window's length with a tick a key in each second, and then what is timed.
    fn load(self, slides: i64, seed: u64) -> (Vec<Event>, Vec<Event>) {
        let mut random = Random::new(seed);
        let mut at = |n: i64, key: i64, time: i64| {
            let units = |units: i64| Decimal::from_units(i128::from(units)).expect("far below 38 digits");
            let (price, volume) = (
                units(100_000_000 * (1 + random.below(1_000))),
                units(1 + random.below(100_000_000)),
            );
            let tick = Tick {
                rank: (time, n as u64),
                price,
                volume,
                amount: price.checked_mul(volume).expect("far below 38 digits"),
                offset: n,
            };
            (key as u64, time, tick)
        };
        let begin = self.size_s * 1_000;
        let first = self.size_s * KEYS;
        let filled: Vec<Event> = (0..first).map(|n| at(n, n % KEYS, n / KEYS * 1_000)).collect();
        let (slide_ms, in_a_slide) = (self.slide_s * 1_000, self.per_slide * KEYS);
        let timed = (0..slides * in_a_slide).map(|n| at(first + n, n % KEYS, begin + n * slide_ms / in_a_slide));
        (filled, timed.collect())
    }
}

/// A firing to compare: key, start, end, state.
type Row<A> = (u64, i64, i64, A);

fn windows<A: Aggregate<Value = Tick> + Clone>(
    events: &[Event],
    operator: &mut WindowOperator<u64, A>,
    mut said: impl FnMut(u64, i64, i64, &A),
) {
    for (key, time, tick) in events {
        let placed = operator.on_event(key, tick, *time, |_| {});
        black_box(placed.expect("no overflow"));
        operator.on_watermark(*time - BOUND_MS - 1, |it| {
            said(*it.key, it.window.start, it.window.end, it.state);
        });
    }
}

fn panes<A: Aggregate<Value = Tick> + Clone>(
    events: &[Event],
    operator: &mut PaneOperator<u64, A>,
    mut said: impl FnMut(u64, i64, i64, &A),
) {
    for (key, time, tick) in events {
        let placed = operator.on_event(key, tick, *time, |_| {});
        black_box(placed.expect("no overflow"));
        let moved = operator.on_watermark(*time - BOUND_MS - 1, |it| {
            said(*it.key, it.window.start, it.window.end, it.state);
        });
        moved.expect("no overflow");
    }
}

fn new<A: Aggregate<Value = Tick> + Clone>(shape: Shape) -> (WindowOperator<u64, A>, PaneOperator<u64, A>) {
    let config = Config::new(Assigner::Sliding(shape.sliding()));
    let windows = WindowOperator::new(config).expect("a lateness of 0");
    (windows, PaneOperator::new(shape.sliding(), 0).expect("a lateness of 0"))
}

/// Both ways say the same candles.
fn check(shape: Shape) {
    let (filled, timed) = shape.load(3, 7);
    let (mut all, mut parts) = new::<Ohlcv>(shape);
    let (mut ours, mut theirs): (Vec<Row<Ohlcv>>, Vec<Row<Ohlcv>>) = (Vec::new(), Vec::new());
    for events in [&filled, &timed] {
        windows(events, &mut all, |key, start, end, state| {
            ours.push((key, start, end, *state))
        });
        panes(events, &mut parts, |key, start, end, state| {
            theirs.push((key, start, end, *state))
        });
    }
    ours.sort_by_key(|row| (row.0, row.1));
    theirs.sort_by_key(|row| (row.0, row.1));
    assert!(!ours.is_empty(), "no window ended, so nothing is compared");
    assert_eq!(ours, theirs, "windows and panes say other candles");
}

thread_local! {
    static WORK: Cell<u64> = const { Cell::new(0) };
}

/// Counts what is done to states: the additions and the merges.
#[derive(Clone)]
struct Counting;

impl Aggregate for Counting {
    type Value = Tick;

    fn first(_: &Tick) -> Self {
        WORK.set(WORK.get() + 1);
        Self
    }

    fn add(&mut self, _: &Tick) -> Result<(), Overflow> {
        WORK.set(WORK.get() + 1);
        Ok(())
    }

    fn merge(&mut self, _: Self) -> Result<(), Overflow> {
        WORK.set(WORK.get() + 1);
        Ok(())
    }
}

/// Additions and merges for an event, by windows and by panes.
fn work(shape: Shape, filled: &[Event], timed: &[Event]) -> [f64; 2] {
    let (mut all, mut parts) = new::<Counting>(shape);
    windows(filled, &mut all, |_, _, _, _| {});
    WORK.set(0);
    windows(timed, &mut all, |_, _, _, _| {});
    let naive = WORK.get();
    panes(filled, &mut parts, |_, _, _, _| {});
    WORK.set(0);
    panes(timed, &mut parts, |_, _, _, _| {});
    [naive, WORK.get()].map(|work| work as f64 / timed.len() as f64)
}

pub(crate) fn run(effort: Effort) {
    let repetitions = pick(effort, 9, 3, 1);
    let mut teller = Teller::new(repetitions);
    let mut figures = Figures::default();
    for seed in 1..=repetitions as u64 {
        teller.step(&format!("round {seed} of {repetitions}"));
        for shape in SHAPES {
            if seed == 1 {
                check(shape);
            }
            let updates = pick(effort, 4_000_000, 1_000_000, 1_000);
            let slides = (updates / (shape.overlap() * shape.per_slide * KEYS)).clamp(4, 2_000);
            let (filled, timed) = shape.load(slides, seed);
            let arm = |way| {
                let Shape {
                    size_s,
                    slide_s,
                    per_slide,
                } = shape;
                format!("way={way} size_s={size_s} slide_s={slide_s} per_slide={per_slide}")
            };
            let n = timed.len() as u64;
            let (mut all, mut parts) = new::<Ohlcv>(shape);
            windows(&filled, &mut all, |_, _, _, _| {});
            panes(&filled, &mut parts, |_, _, _, _| {});
            let naive = nanos_of(|| {
                windows(&timed, &mut all, |_, _, _, state| {
                    black_box(state);
                })
            });
            let panes = nanos_of(|| {
                panes(&timed, &mut parts, |_, _, _, state| {
                    black_box(state);
                })
            });
            for ((way, nanos), work) in [("windows", naive), ("panes", panes)]
                .into_iter()
                .zip(work(shape, &filled, &timed))
            {
                figures.add(&arm(way), "time", nanos / n as f64, n);
                figures.add(&arm(way), "work", work, n);
            }
        }
    }
    figures.tell(&teller);
}
