//! Runs this lab's experiments: what quorums promise and what they cost while replicas are out of reach.

mod arithmetic;

use measure::{Asked, Effort};

/// Runs one experiment and tells its figures.
type Experiment = fn(Effort) -> anyhow::Result<()>;

const EXPERIMENTS: &[(&str, Experiment)] = &[("quorum-arithmetic", arithmetic::run)];

fn main() -> anyhow::Result<()> {
    measure::tell_of_what_is_unbuilt();
    let asked = Asked::from_args();
    for (id, experiment) in EXPERIMENTS {
        if asked.wants(id) {
            // An error goes up to here with the servers dropped on its way, which ends them.
            experiment(asked.effort).map_err(|error| error.context(format!("experiment {id}")))?;
        }
    }
    Ok(())
}
