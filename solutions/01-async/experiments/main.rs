//! The experiments on waiting: what it costs in tasks, in threads and in Python, what blocks whom, and what comes of clients in step;
//! and on what is asked before that: how costs grow, and what a record is as bytes.
#![allow(missing_docs)]

mod basics;
mod blocking;
mod connections;
mod decode;
mod gil;
mod herd;
mod machine;
mod part;
mod python;
mod receive;
mod requests;
mod run;
mod serve;
mod spawn_blocking;
mod switches;
mod tasks_and_threads;

use measure::Asked;

use crate::basics::{evolution, formats, lookup, numbers, steps};
use crate::run::Run;

/// Runs one experiment and tells its figures.
type Experiment = fn(&Run) -> anyhow::Result<()>;

/// Those that need the lab's code come last: a task that is not built ends the program.
const EXPERIMENTS: [(&str, Experiment); 15] = [
    ("requests", requests::run),
    ("connections", connections::run),
    ("tasks-and-threads", tasks_and_threads::run),
    ("switches", switches::run),
    ("blocking", blocking::run),
    ("spawn-blocking", spawn_blocking::run),
    ("python", python::run),
    ("gil", gil::run),
    ("steps", steps::run),
    ("lookup", lookup::run),
    ("formats", formats::run),
    ("json-numbers", numbers::run),
    ("evolution", evolution::run),
    ("herd", herd::run),
    ("receive", receive::run),
];

fn main() -> anyhow::Result<()> {
    measure::tell_of_what_is_unbuilt();
    if let Some(role) = part::role() {
        return part::play(&role);
    }
    let asked = Asked::from_args();
    let run = Run::new(asked.effort);
    for (id, experiment) in EXPERIMENTS {
        if asked.wants(id) {
            experiment(&run).map_err(|error| error.context(format!("experiment {id}")))?;
        }
    }
    Ok(())
}
