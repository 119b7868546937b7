//! Runs this lab's experiments: what quorums promise and what they cost while replicas are out of reach.

mod alone;
mod arithmetic;
mod cluster;
mod course;
mod heard;
mod partition;
mod reader;
mod replicas;
mod run;
mod timeline;
mod timeouts;
mod writer;

use measure::Asked;

use crate::run::Run;

/// Runs one experiment and tells its figures.
type Experiment = fn(&Run) -> anyhow::Result<()>;

const EXPERIMENTS: &[(&str, Experiment)] = &[
    ("quorum-arithmetic", |run| arithmetic::run(run.effort)),
    ("partition", partition::leader),
    ("bystanders", partition::bystanders),
    ("timeline", timeline::run),
    ("unclean", alone::unclean),
    ("below-min", alone::below_min),
    ("timeout-doubles", timeouts::run),
    ("clickhouse-replicas", replicas::run),
];

fn main() -> anyhow::Result<()> {
    measure::tell_of_what_is_unbuilt();
    let asked = Asked::from_args();
    let run = Run::new(asked.effort)?;
    for (id, experiment) in EXPERIMENTS {
        if asked.wants(id) {
            // An error goes up to here with the servers dropped on its way, which ends them.
            experiment(&run).map_err(|error| error.context(format!("experiment {id}")))?;
        }
    }
    Ok(())
}
