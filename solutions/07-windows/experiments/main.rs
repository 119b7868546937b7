//! The experiments on windows: what an event costs, what panes save, what sessions may cost, what `f64` loses, what early rows show.
#![allow(missing_docs)]

mod cost;
mod early;
mod figures;
mod floats;
mod panes;
mod sessions;

use measure::{Asked, Effort};

type Run = fn(Effort);

const EXPERIMENTS: [(&str, Run); 5] = [
    ("event-cost", cost::run),
    ("panes", panes::run),
    ("sessions", sessions::run),
    ("floats", floats::run),
    ("early", early::run),
];

fn main() {
    measure::tell_of_what_is_unbuilt();
    let asked = Asked::from_args();
    for (id, run) in EXPERIMENTS {
        if asked.wants(id) {
            run(asked.effort);
        }
    }
}
