//! Faults of the workers, and what is none: one that comes and goes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rustix::process::Signal;

use super::{Ctx, LIMIT, took, until};
use crate::run::child::Child;
use crate::text;

/// How long a frozen worker stays frozen at least: twice the session timeout of the workers, so that the group has given
/// it up for certain.
const FROZEN: Duration = Duration::from_secs(6);

/// How long one that joins stays.
const STAYS: Duration = Duration::from_secs(5);

/// The worker process of ours that owns the most partitions: the one that is missed most. Waits for one that owns any: a
/// fault before this one may have left the group between two owners.
async fn busiest(ctx: &Ctx) -> anyhow::Result<Arc<Child>> {
    let find = || {
        let workers = ctx.crew.workers();
        let board = ctx.crew.board();
        let owned = workers
            .into_iter()
            .filter(|worker| !worker.is_frozen())
            .map(|worker| (board.owned_by(worker.name()), worker));
        owned.max_by_key(|(owned, _)| *owned).filter(|(owned, _)| *owned > 0)
    };
    let mut found = None;
    until(|| {
        found = find();
        found.is_some()
    })
    .await;
    found
        .map(|(_, worker)| worker)
        .context("no worker of this run owned a partition")
}

/// Whether others than process `but` own all partitions.
fn all_owned_without(ctx: &Ctx, but: &str) -> bool {
    ctx.crew.board().owned_without(but) >= ctx.partitions
}

/// Drains the worker process that was started last, so that a fault which started one leaves as many as it found. Not the
/// very one that the fault has started: if that or the one that it struck has died, the supervisor has replaced it.
async fn newest_leaves(ctx: &Ctx) -> anyhow::Result<()> {
    let newest = ctx.crew.workers().pop().context("no worker of this run is left")?;
    newest.drain().await;
    let gone = || ctx.crew.workers().iter().all(|other| other.pid() != newest.pid());
    ensure!(until(gone).await, "{} does not leave", newest.name());
    Ok(())
}

pub(super) async fn kill(ctx: &Ctx) -> anyhow::Result<String> {
    let worker = busiest(ctx).await?;
    let (name, pid) = (worker.name().to_owned(), worker.pid());
    let from = Instant::now();
    worker.signal(Signal::KILL)?;
    let gone = || ctx.crew.workers().iter().all(|worker| worker.pid() != pid);
    ensure!(until(gone).await, "process {pid} lives on");
    if until(|| all_owned_without(ctx, &name)).await {
        Ok(format!("{name} killed; all partitions taken over after {}", took(from)))
    } else {
        Ok(format!(
            "{name} killed; partitions without a worker even after {}",
            text::span(LIMIT)
        ))
    }
}

pub(super) async fn freeze(ctx: &Ctx) -> anyhow::Result<String> {
    let worker = busiest(ctx).await?;
    let (name, pid) = (worker.name().to_owned(), worker.pid());
    let from = Instant::now();
    worker.signal(Signal::STOP)?;
    ensure!(until(|| worker.is_frozen()).await, "process {pid} runs on");
    let heir = ctx.crew.start_worker();
    if heir.is_err() {
        worker.signal(Signal::CONT)?;
    }
    heir.context("no second worker could be started")?;
    let taken = until(|| all_owned_without(ctx, &name)).await.then(|| took(from));
    tokio::time::sleep(FROZEN.saturating_sub(from.elapsed())).await;
    // Thawed whatever happened in between: a frozen process would outlast the run.
    worker.signal(Signal::CONT)?;
    let thawed = took(from);
    newest_leaves(ctx).await?;
    let taken = taken.with_context(|| {
        let limit = text::span(LIMIT);
        format!("{name} was frozen, and the others had not taken over all partitions after {limit}")
    })?;
    Ok(format!(
        "{name} frozen; all partitions taken over after {taken}; thawed after {thawed}"
    ))
}

pub(super) async fn join(ctx: &Ctx) -> anyhow::Result<String> {
    // A group that is between two owners would give the new one everything.
    busiest(ctx).await?;
    let from = Instant::now();
    let worker = ctx.crew.start_worker().context("no second worker could be started")?;
    let name = worker.name().to_owned();
    let owned = || ctx.crew.board().owned_by(&name);
    let got_some = until(|| owned() > 0).await;
    let joined = took(from);
    if got_some {
        tokio::time::sleep(STAYS).await;
    }
    let share = text::plural(owned() as u64, "partition", "partitions");
    let leaves = Instant::now();
    newest_leaves(ctx).await?;
    ensure!(got_some, "{name} got no partition");
    Ok(format!(
        "{name} joined in {joined} and had {share}; it left in {}",
        took(leaves)
    ))
}
