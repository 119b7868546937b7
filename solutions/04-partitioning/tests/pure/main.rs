//! What needs neither a clock nor a cluster. One program and not one per file: each is linked anew at every save.

mod growth;
mod hash;
mod hot;
mod key;
mod log;
mod naive;
mod range;
mod store;
mod vectors;

use market::Identity;
use proptest::test_runner::{Config, RngSeed};

/// The same cases in every run.
fn seeded() -> Config {
    Config {
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..Config::with_cases(512)
    }
}

fn trade(market: &str, sequential_id: u64) -> Identity {
    Identity {
        market: market.parse().expect("a market's code"),
        sequential_id,
    }
}
