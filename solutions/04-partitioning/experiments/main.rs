//! Runs this lab's experiments: how even keys are, where joins break, what moves, what order costs, and a hot market.

mod broken_join;
mod client;
mod hot_market;
mod java;
mod moved;
mod recording;
mod run;
mod servers;
mod skew;
mod throughput;
mod trades;
mod workers;

use measure::Asked;

use crate::run::Run;

/// Runs one experiment and tells its figures.
type Experiment = fn(&Run) -> anyhow::Result<()>;

fn main() -> anyhow::Result<()> {
    measure::tell_of_what_is_unbuilt();
    let asked = Asked::from_args();
    let run = Run::new(asked.effort)?;
    let experiments: &[(&str, Experiment)] = &[
        ("skew", skew::run),
        ("broken-join", broken_join::run),
        ("moved", moved::run),
        ("throughput-order", throughput::run),
        ("hot-market", hot_market::run),
    ];
    for (id, experiment) in experiments {
        if asked.wants(id) {
            // An error goes up to here with the servers dropped on its way, which ends them.
            experiment(&run).map_err(|error| error.context(format!("experiment {id}")))?;
        }
    }
    Ok(())
}
