//! From the topic through the windows to the tables: consumer → wire → windows, watermarks → sink.
//!
//! A worker is one member of the group on a thread of its own. `engine` polls and decides, `partition` holds the
//! state, `block` cuts and commits, `delivery` writes, `membership` answers the group, `takeover` begins with a
//! partition, `report` tells of it all.

mod block;
mod delivered;
mod delivery;
mod engine;
mod membership;
#[cfg(test)]
mod model;
mod partition;
mod report;
mod snapshot;
mod takeover;

use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context;
use measure::{Progress, WorkerProgress};

use crate::cli::WorkerArgs;
use crate::{control, process};

/// How often the members are looked at while they report nothing.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Runs the members of this process until the parent says `drain` or one of them cannot go on.
///
/// # Errors
/// The first cause, in a sentence.
pub fn run(args: WorkerArgs) -> anyhow::Result<()> {
    anyhow::ensure!(args.workers > 0, "a process has at least one worker: --workers 1");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let wish = control::listen();
    let (reports, received) = mpsc::channel();
    let mut members: Vec<_> = (0..args.workers)
        .map(|i| {
            let name = if args.workers == 1 {
                args.name.clone()
            } else {
                format!("{}-{i}", args.name)
            };
            let (args, handle, wish, reports) = (args.clone(), runtime.handle().clone(), wish.clone(), reports.clone());
            thread::Builder::new()
                .name(name.clone())
                .spawn(move || engine::Engine::join(args, name, handle, reports)?.run(&wish))
        })
        .collect::<Result<_, _>>()?;
    drop(reports);
    let outcome = watch(&mut members, &received);
    // What still waits for a server must not hold up the end.
    runtime.shutdown_background();
    outcome
}

/// Passes reports on until every member has ended well, or the first has not: the others end with the process, whose
/// supervisor then starts as many anew.
fn watch(
    members: &mut Vec<JoinHandle<anyhow::Result<()>>>,
    received: &mpsc::Receiver<WorkerProgress>,
) -> anyhow::Result<()> {
    while !members.is_empty() {
        let report = received.recv_timeout(LOOK_EVERY);
        if let Ok(report) = report
            && !process::report(&Progress::Worker(report))
        {
            anyhow::bail!("nobody reads the reports any more");
        }
        for member in members.extract_if(.., |member| member.is_finished()) {
            // A panic is a bug; its message stands in the log already.
            let ended = member.join().map_err(|_| anyhow::anyhow!("a worker thread panicked"))?;
            ended.context("the worker cannot go on")?;
        }
    }
    // A member says its last word before it ends.
    for report in received.try_iter() {
        process::report(&Progress::Worker(report));
    }
    Ok(())
}
