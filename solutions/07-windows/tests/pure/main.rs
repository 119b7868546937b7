//! All of this lab: pure functions of a log. One program and not one per file: each is linked anew at every save.

mod assignment;
mod candles;
mod cleanup;
mod engines;
mod firing;
mod lateness;
mod naive;
mod ohlcv;
mod panes;
mod properties;
mod repeats;
mod sessions;
mod snapshots;

use proptest::test_runner::RngSeed;
use windows::{Assigner, Config, Firing, Placed, Sum, Window, WindowOperator};

type Operator = WindowOperator<&'static str, Sum>;
/// One that can be written down.
type Owned = WindowOperator<String, Sum>;

/// `(key, sum, start, end)` of each firing.
type Fired = Vec<(String, i64, i64, i64)>;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn config(assigner: Assigner, lateness: i64) -> Config {
    Config {
        allowed_lateness: lateness,
        ..Config::new(assigner)
    }
}

fn tumbling(size: i64, lateness: i64) -> Config {
    config(Assigner::tumbling(size, 0).expect("valid"), lateness)
}

fn session(gap: i64, lateness: i64) -> Config {
    config(Assigner::session(gap).expect("valid"), lateness)
}

fn row<K: ToString>(firing: &Firing<'_, K, Sum>) -> (String, i64, i64, i64) {
    (
        firing.key.to_string(),
        firing.state.0,
        firing.window.start,
        firing.window.end,
    )
}

/// An event of the key `k`.
fn event(operator: &mut Operator, value: i64, time: i64) -> (Placed, Fired) {
    let mut fired = Vec::new();
    let placed = operator.on_event(&"k", &value, time, |firing| fired.push(row(&firing)));
    (placed.expect("a time and no overflow"), fired)
}

fn watermark(operator: &mut Operator, time: i64) -> Fired {
    let mut fired = Vec::new();
    operator.on_watermark(time, |firing| fired.push(row(&firing)));
    fired
}

fn k(sum: i64, start: i64, end: i64) -> (String, i64, i64, i64) {
    ("k".into(), sum, start, end)
}

/// What is held, as bounds and sums, by start.
fn held(operator: &Operator) -> Vec<(Window, Option<i64>)> {
    let mut held: Vec<_> = operator
        .windows()
        .map(|(_, _, window, state)| (window, state.map(|sum| sum.0)))
        .collect();
    held.sort();
    held
}

/// The same cases in every run.
fn seeded() -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..proptest::test_runner::Config::with_cases(512)
    }
}
