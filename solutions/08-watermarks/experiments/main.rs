//! The experiments on watermarks: what a bound on disorder costs and buys, what silence stops, and whose clock counts.
#![allow(missing_docs)]

mod candles;
mod clock;
mod disorder;
mod figures;
mod idle;
mod recording;
mod stream;

use measure::{Asked, Effort};

type Run = fn(Effort);

const EXPERIMENTS: [(&str, Run); 3] = [
    ("disorder", disorder::run),
    ("idle-partition", idle::run),
    ("clock", clock::run),
];

fn main() {
    measure::tell_of_what_is_unbuilt();
    candles::check();
    let asked = Asked::from_args();
    for (id, run) in EXPERIMENTS {
        if asked.wants(id) {
            run(asked.effort);
        }
    }
}
