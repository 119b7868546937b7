//! The experiments on waiting: what it costs in tasks, in threads and in Python, what blocks whom, and what comes of clients in step.
#![allow(missing_docs)]

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

use crate::run::Run;

/// Runs one experiment and tells its figures.
type Experiment = fn(&Run) -> anyhow::Result<()>;

/// Those that need the lab's code come last: a task that is not built ends the program.
const EXPERIMENTS: [(&str, Experiment); 10] = [
    ("requests", requests::run),
    ("connections", connections::run),
    ("tasks-and-threads", tasks_and_threads::run),
    ("switches", switches::run),
    ("blocking", blocking::run),
    ("spawn-blocking", spawn_blocking::run),
    ("python", python::run),
    ("gil", gil::run),
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
