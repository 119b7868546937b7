//! Runs this lab's experiments: what queries read, what rows cost in either kind of store, and what inserts make of a table.
#![allow(missing_docs)]

mod blocks;
mod codecs;
mod engine;
mod load;
mod reads;
mod recording;
mod rowstore;
mod run;
mod said;
mod server;
mod sqlite;
mod trades;
mod versions;

use measure::Asked;

use crate::run::Run;

/// Runs one experiment and tells its figures.
type Experiment = fn(&Run) -> anyhow::Result<()>;

fn main() -> anyhow::Result<()> {
    measure::tell_of_what_is_unbuilt();
    let asked = Asked::from_args();
    let run = Run::new(asked.effort)?;
    let experiments: &[(&str, Experiment)] = &[
        ("rows-and-columns", rowstore::run),
        ("what-is-read", reads::run),
        ("codecs", codecs::run),
        ("versions", versions::run),
        ("insert-blocks", blocks::run),
        ("kafka-engine", engine::run),
        ("as-said", said::run),
    ];
    for (id, experiment) in experiments {
        if asked.wants(id) {
            // An error goes up to here with the servers dropped on its way, which ends them.
            experiment(&run).map_err(|error| error.context(format!("experiment {id}")))?;
        }
    }
    Ok(())
}
