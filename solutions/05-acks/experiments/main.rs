//! Runs this lab's experiments: what the settings of a producer cost, and which of them lose, double and reorder trades.

mod acks_cost;
mod batching;
mod caller;
mod client;
mod cluster;
mod count;
mod defaults;
mod full_queue;
mod leader_loss;
mod load;
mod min_isr;
mod one_producer;
mod run;
mod trades;
mod unbuilt;
mod wait_each;

use measure::Asked;

use crate::run::Run;

/// Runs one experiment and tells its figures.
type Experiment = fn(&Run) -> anyhow::Result<()>;

fn main() -> anyhow::Result<()> {
    unbuilt::tell_of_what_is_unbuilt();
    let asked = Asked::from_args();
    let run = Run::new(asked.effort)?;
    let experiments: &[(&str, Experiment)] = &[
        ("acks-cost", acks_cost::run),
        ("batching", batching::run),
        ("wait-each", wait_each::run),
        ("leader-loss", leader_loss::run),
        ("full-queue", full_queue::run),
        ("min-isr", min_isr::run),
        ("one-producer", one_producer::run),
        ("defaults", defaults::run),
    ];
    for (id, experiment) in experiments {
        if asked.wants(id) {
            // An error goes up to here with the servers dropped on its way, which ends them.
            experiment(&run).map_err(|error| error.context(format!("experiment {id}")))?;
        }
    }
    Ok(())
}
