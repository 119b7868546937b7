//! What each fault does. A fault says that it struck only once it has seen that it did: a process that is gone, a
//! connection that was made again. Whether the pipeline survived is not its business but the audit's.

mod exchange;
mod servers;
mod workers;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::exchange::Exchange;
use stack::Stack;
use tokio::sync::{Mutex, MutexGuard};

use super::Fault;
use super::schedule::Target;
use crate::run::crew::Crew;
use crate::text;

/// How long the pipeline or a server may take to show that a fault has struck, or that it has come back.
const LIMIT: Duration = Duration::from_secs(60);

/// Whose turn it is at each target.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    exchange: Mutex<()>,
    kafka: Mutex<()>,
    clickhouse: Mutex<()>,
    workers: Mutex<()>,
}

impl Turns {
    async fn take(&self, target: Target) -> MutexGuard<'_, ()> {
        let turn = match target {
            Target::Exchange => &self.exchange,
            Target::Kafka => &self.kafka,
            Target::ClickHouse => &self.clickhouse,
            Target::Workers => &self.workers,
        };
        turn.lock().await
    }
}

/// What a fault may lay hands on.
pub(crate) struct Ctx {
    /// The servers.
    pub(crate) stack: Arc<Stack>,
    /// The project's own exchange, if trades come from it.
    pub(crate) exchange: Option<Arc<Exchange>>,
    /// The processes of the pipeline.
    pub(crate) crew: Arc<Crew>,
    /// The topic of trades.
    pub(crate) topic: String,
    /// Its partitions.
    pub(crate) partitions: usize,
    /// Who is at work where.
    pub(crate) turns: Turns,
}

/// Does it, and returns what happened, in a sentence.
///
/// # Errors
/// It did not strike; why.
pub(crate) async fn strike(fault: Fault, ctx: &Ctx) -> anyhow::Result<String> {
    let _turn = ctx.turns.take(fault.target()).await;
    match fault {
        Fault::SocketDrop => exchange::socket_drop(ctx).await,
        Fault::SocketStall => exchange::socket_stall(ctx).await,
        Fault::Garbage => exchange::garbage(ctx).await,
        Fault::RepairRefused => exchange::repair_refused(ctx).await,
        Fault::BrokerKill => servers::broker_kill(ctx).await,
        Fault::BrokerFreeze => servers::broker_freeze(ctx).await,
        Fault::BrokerCut => servers::broker_cut(ctx).await,
        Fault::BrokerRolling => servers::broker_rolling(ctx).await,
        Fault::ControllerKill => servers::controller_kill(ctx).await,
        Fault::ClickhouseKill => servers::clickhouse_kill(ctx, Duration::from_secs(10)).await,
        Fault::ClickhouseRestart => servers::clickhouse_kill(ctx, Duration::ZERO).await,
        Fault::ClickhouseFreeze => servers::clickhouse_freeze(ctx).await,
        Fault::WorkerKill => workers::kill(ctx).await,
        Fault::WorkerFreeze => workers::freeze(ctx).await,
        Fault::WorkerJoin => workers::join(ctx).await,
    }
}

/// Looks, one after another, until the limit: for what must be asked for.
struct Looks(Instant);

impl Looks {
    fn begin() -> Self {
        Self(Instant::now())
    }

    /// Waits until it is time to look again; `false` when there has been time enough.
    async fn again(&self) -> bool {
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.0.elapsed() < LIMIT
    }
}

/// Waits until `done`; `false` when it does not come to that in time.
async fn until(mut done: impl FnMut() -> bool) -> bool {
    let looks = Looks::begin();
    while !done() {
        if !looks.again().await {
            return false;
        }
    }
    true
}

fn took(from: Instant) -> String {
    text::millis(from.elapsed().as_secs_f64() * 1e3)
}
