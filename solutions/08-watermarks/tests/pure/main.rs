//! What needs neither a clock nor a cluster. One program and not one per file: each is linked anew at every save.

mod alignment;
mod combiner;
mod completeness;
mod generator;
mod idleness;
mod naive;

use market::EventTime;
use proptest::test_runner::{Config, RngSeed};

fn at(ms: i64) -> EventTime {
    EventTime::from_millis(ms)
}

/// The same cases in every run.
fn seeded() -> Config {
    Config {
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..Config::with_cases(512)
    }
}
