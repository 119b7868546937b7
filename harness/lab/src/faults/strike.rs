//! What each fault does. A fault says that it struck only once it has seen that it did: a process that is gone, a
//! connection that was made again. Whether the pipeline survived is not its business but the audit's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use exchange::{BadFrame, Exchange};
use rustix::process::Signal;
use stack::{Server, Stack};

use super::Fault;
use crate::run::child::Child;
use crate::run::crew::Crew;
use crate::text;

/// How many frames `garbage` adds of each kind.
const GARBAGE: u64 = 5;

/// How long a killed broker stays away.
const BROKER_AWAY: Duration = Duration::from_secs(2);

/// How long a frozen worker stays frozen at least: twice the session timeout of the workers, so that the group has given
/// it up for certain.
const FROZEN: Duration = Duration::from_secs(6);

/// How long the pipeline may take to show that a fault has struck, or that it has come back.
const LIMIT: Duration = Duration::from_secs(60);

/// What a fault may lay hands on.
pub(crate) struct Ctx {
    /// The servers.
    pub(crate) stack: Arc<Stack>,
    /// The project's own exchange, if trades come from it.
    pub(crate) exchange: Option<Arc<Exchange>>,
    /// The processes of the pipeline.
    pub(crate) crew: Arc<Crew>,
    /// Partitions of the topic.
    pub(crate) partitions: usize,
}

/// Does it, and returns what happened, in a sentence.
///
/// # Errors
/// It did not strike; why.
pub(crate) async fn strike(fault: Fault, ctx: &Ctx) -> anyhow::Result<String> {
    match fault {
        Fault::SocketDrop => socket_drop(ctx).await,
        Fault::Garbage => garbage(ctx).await,
        Fault::BrokerKill => {
            let broker = ctx
                .stack
                .kafka()
                .brokers()
                .first()
                .context("the stack says of no broker how to reach it")?;
            kill_and_restart(broker, BROKER_AWAY).await
        }
        Fault::ClickhouseRestart => kill_and_restart(ctx.stack.clickhouse().server(), Duration::ZERO).await,
        Fault::WorkerKill => worker_kill(ctx).await,
        Fault::WorkerFreeze => worker_freeze(ctx).await,
    }
}

/// Waits until `done`, looking often; `false` when it does not come to that in time.
async fn until(mut done: impl FnMut() -> bool) -> bool {
    let from = Instant::now();
    while !done() {
        if from.elapsed() > LIMIT {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    true
}

fn took(from: Instant) -> String {
    text::millis(from.elapsed().as_secs_f64() * 1e3)
}

async fn socket_drop(ctx: &Ctx) -> anyhow::Result<String> {
    let exchange = ctx.exchange.as_ref().context("there is no exchange of ours to do it")?;
    let before = exchange.counters();
    ensure!(before.subscribed > 0, "nobody was connected");
    let from = Instant::now();
    exchange.faults().drop_sockets();
    ensure!(
        until(|| exchange.counters().cut > before.cut).await,
        "no connection was cut"
    );
    let back = || {
        let now = exchange.counters();
        now.connections > before.connections && now.subscribed > 0
    };
    if until(back).await {
        Ok(format!("socket reset; subscribed again after {}", took(from)))
    } else {
        Ok(format!(
            "socket reset; nobody subscribed again for {}",
            text::span(LIMIT)
        ))
    }
}

async fn garbage(ctx: &Ctx) -> anyhow::Result<String> {
    let exchange = ctx.exchange.as_ref().context("there is no exchange of ours to do it")?;
    let before = exchange.counters().bad_frames;
    let wanted = GARBAGE * BadFrame::UNREADABLE.len() as u64;
    for kind in BadFrame::UNREADABLE {
        exchange.faults().inject(kind, GARBAGE);
    }
    ensure!(
        until(|| exchange.counters().bad_frames >= before + wanted).await,
        "the frames were not sent"
    );
    Ok(format!(
        "{wanted} bad frames of {} kinds sent",
        BadFrame::UNREADABLE.len()
    ))
}

async fn kill_and_restart(server: &Server, away: Duration) -> anyhow::Result<String> {
    server.kill().await?;
    ensure!(!server.is_alive(), "{} lives on", server.name());
    let from = Instant::now();
    tokio::time::sleep(away).await;
    server
        .restart()
        .await
        .with_context(|| format!("{} does not come back", server.name()))?;
    Ok(format!(
        "{} killed; it answers again after {}",
        server.name(),
        took(from)
    ))
}

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

async fn worker_kill(ctx: &Ctx) -> anyhow::Result<String> {
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

async fn worker_freeze(ctx: &Ctx) -> anyhow::Result<String> {
    let worker = busiest(ctx).await?;
    let (name, pid) = (worker.name().to_owned(), worker.pid());
    let from = Instant::now();
    worker.signal(Signal::STOP)?;
    ensure!(until(|| worker.is_frozen()).await, "process {pid} runs on");
    let taken = async {
        ctx.crew.start_worker().context("no second worker could be started")?;
        let taken = until(|| all_owned_without(ctx, &name)).await.then(|| took(from));
        tokio::time::sleep(FROZEN.saturating_sub(from.elapsed())).await;
        anyhow::Ok(taken)
    }
    .await;
    // Thawed whatever happened in between: a frozen process would outlast the run.
    worker.signal(Signal::CONT)?;
    let taken = taken?.with_context(|| {
        let limit = text::span(LIMIT);
        format!("{name} was frozen, and the others had not taken over all partitions after {limit}")
    })?;
    Ok(format!(
        "{name} frozen; all partitions taken over after {taken}; thawed after {}",
        took(from)
    ))
}
