//! What needs no cluster. One program and not one per file: each is linked anew at every save.

mod epochs;
mod guarantee;
mod linear;
mod model;
mod naive;
mod outcome;
mod replies;
mod session;
mod simulated;
mod write_once;

use proptest::test_runner::{Config, RngSeed};
use quorum::{Action, Operation};

/// The same cases in every run.
fn seeded(cases: u32) -> Config {
    Config {
        rng_seed: RngSeed::Fixed(11),
        failure_persistence: None,
        ..Config::with_cases(cases)
    }
}

fn wrote(client: usize, value: u64, call: u64, end: u64) -> Operation {
    let (action, end) = (Action::Write(value), Some(end));
    Operation {
        client,
        action,
        call,
        end,
    }
}

fn read(client: usize, value: u64, call: u64, end: u64) -> Operation {
    let (action, end) = (Action::Read(value), Some(end));
    Operation {
        client,
        action,
        call,
        end,
    }
}

/// A write that got no answer.
fn unanswered(client: usize, value: u64, call: u64) -> Operation {
    Operation {
        client,
        action: Action::Write(value),
        call,
        end: None,
    }
}
