//! Faults of Kafka and of ClickHouse. Those of a broker strike the one that leads most partitions: the one that is missed
//! most.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use stack::{Kafka, Placed, Server};

use super::{Ctx, Looks, took};
use crate::text;

/// How long a killed broker stays away.
const BROKER_AWAY: Duration = Duration::from_secs(2);

/// How long a broker stays frozen or cut off at least: several of the sessions after which the controller gives it up.
const BROKER_LOST: Duration = Duration::from_secs(6);

/// How long the controller stays away: brokers serve without it, but nothing about them can change.
const CONTROLLER_AWAY: Duration = Duration::from_secs(5);

/// How long ClickHouse stays frozen.
const CLICKHOUSE_FROZEN: Duration = Duration::from_secs(8);

/// How long a server may take to answer before it counts as one that does not.
const ANSWER: Duration = Duration::from_secs(2);

/// How often a server that was killed is started before it is given up.
const STARTS: u32 = 3;

/// A broker and how many partitions of the topic it led.
struct Leader<'a> {
    id: i32,
    server: &'a Server,
    led: usize,
}

impl Leader<'_> {
    fn named(&self) -> String {
        let led = text::plural(self.led as u64, "partition", "partitions");
        format!("{}, leader of {led},", self.server.name())
    }
}

/// Who has the topic's partitions, once `wanted` holds of all of them; what was seen last when it does not come to that.
async fn placed(ctx: &Ctx, wanted: impl Fn(&Placed) -> bool) -> Result<Vec<Placed>, Vec<Placed>> {
    let looks = Looks::begin();
    loop {
        // No broker may answer for a while.
        let placed = ctx.stack.kafka().placed(&ctx.topic).await.unwrap_or_default();
        if placed.len() == ctx.partitions && placed.iter().all(&wanted) {
            return Ok(placed);
        }
        if !looks.again().await {
            return Err(placed);
        }
    }
}

async fn leader(ctx: &Ctx) -> anyhow::Result<Leader<'_>> {
    let kafka = ctx.stack.kafka();
    // A fault before this one may have left partitions without a leader.
    let placed = placed(ctx, |placed| placed.leader.is_some())
        .await
        .unwrap_or_else(|last| last);
    let led = |id| placed.iter().filter(|placed| placed.leader == Some(id)).count();
    let ids = (1..=kafka.replication()).rev();
    let id = ids.max_by_key(|id| led(*id)).unwrap_or(1);
    let server = kafka
        .broker(id)
        .context("the stack says of no broker how to reach it")?;
    Ok(Leader {
        id,
        server,
        led: led(id),
    })
}

/// Waits until every replica of the topic is in sync: before that the next loss could be one too many. `deposed` led until
/// others took over: who still names it repeats what it knew before.
async fn in_sync(ctx: &Ctx, deposed: Option<i32>) -> bool {
    let all = usize::try_from(ctx.stack.kafka().replication()).unwrap_or(1);
    placed(ctx, |placed| is_whole(placed, all, deposed)).await.is_ok()
}

fn is_whole(placed: &Placed, all: usize, deposed: Option<i32>) -> bool {
    placed.leader.is_some() && placed.leader != deposed && placed.in_sync.len() == all
}

/// Waits until others lead what broker `id` led.
async fn led_by_others(ctx: &Ctx, id: i32) -> bool {
    let other = |placed: &Placed| placed.leader.is_some_and(|other| other != id);
    placed(ctx, other).await.is_ok()
}

fn in_sync_after(back: bool, from: Instant) -> String {
    match back {
        true => format!("all replicas in sync after {}", took(from)),
        false => format!("replicas out of sync even after {}", took(from)),
    }
}

fn has_others(kafka: &Kafka) -> bool {
    kafka.replication() > 1
}

async fn killed(server: &Server) -> anyhow::Result<()> {
    server.kill().await?;
    let asked = server.clone();
    // The engine of a container is asked, which may take its time.
    let alive = tokio::task::spawn_blocking(move || asked.is_alive()).await?;
    ensure!(!alive, "{} lives on", server.name());
    Ok(())
}

/// Freezes it. One that is said not to freeze is thawed: an engine that is late may still do what it was asked.
async fn frozen(server: &Server) -> anyhow::Result<()> {
    if let Err(error) = server.freeze().await {
        let _ = server.thaw().await;
        return Err(error.into());
    }
    Ok(())
}

/// Cuts it off, and heals it where that is said to have failed, for the same reason.
async fn cut_off(server: &Server) -> anyhow::Result<()> {
    if let Err(error) = server.cut().await {
        let _ = server.heal().await;
        return Err(error.into());
    }
    Ok(())
}

/// Tries more than once: a busy machine can be too slow for a start, and what stays away is missed by every fault to come.
async fn restarted(server: &Server) -> anyhow::Result<()> {
    let mut tries = 1;
    loop {
        match server.restart().await {
            Ok(()) => return Ok(()),
            Err(error) if tries < STARTS => tracing::warn!("{} is started once more: {error}", server.name()),
            Err(error) => return Err(error).with_context(|| format!("{} does not come back", server.name())),
        }
        tries += 1;
    }
}

pub(super) async fn broker_kill(ctx: &Ctx) -> anyhow::Result<String> {
    let leader = leader(ctx).await?;
    killed(leader.server).await?;
    let from = Instant::now();
    tokio::time::sleep(BROKER_AWAY).await;
    restarted(leader.server).await?;
    let answers = took(from);
    let back = in_sync_after(in_sync(ctx, None).await, from);
    Ok(format!(
        "{} killed; it answers again after {answers}, {back}",
        leader.named()
    ))
}

pub(super) async fn broker_freeze(ctx: &Ctx) -> anyhow::Result<String> {
    let leader = leader(ctx).await?;
    let from = Instant::now();
    let deposed = has_others(ctx.stack.kafka()).then_some(leader.id);
    frozen(leader.server).await?;
    let struck = async {
        let taken = if deposed.is_some() {
            ensure!(
                led_by_others(ctx, leader.id).await,
                "{} is still the leader",
                leader.named()
            );
            format!("others lead after {}", took(from))
        } else {
            ensure!(ctx.stack.kafka().placed(&ctx.topic).await.is_err(), "it still answers");
            "nobody answers".to_owned()
        };
        tokio::time::sleep(BROKER_LOST.saturating_sub(from.elapsed())).await;
        anyhow::Ok(taken)
    }
    .await;
    // Thawed whatever happened in between: nothing goes on before it is.
    leader.server.thaw().await?;
    let (struck, thawed) = (struck?, took(from));
    let back = in_sync_after(in_sync(ctx, deposed).await, from);
    Ok(format!(
        "{} frozen; {struck}; thawed after {thawed}, {back}",
        leader.named()
    ))
}

pub(super) async fn broker_cut(ctx: &Ctx) -> anyhow::Result<String> {
    let leader = leader(ctx).await?;
    let from = Instant::now();
    cut_off(leader.server).await?;
    let struck = async {
        ensure!(
            led_by_others(ctx, leader.id).await,
            "{} is still the leader",
            leader.named()
        );
        let taken = took(from);
        tokio::time::sleep(BROKER_LOST.saturating_sub(from.elapsed())).await;
        anyhow::Ok(taken)
    }
    .await;
    leader.server.heal().await?;
    let (taken, healed) = (struck?, took(from));
    let back = in_sync_after(in_sync(ctx, Some(leader.id)).await, from);
    Ok(format!(
        "{} cut off; others lead after {taken}; joined again after {healed}, {back}",
        leader.named()
    ))
}

pub(super) async fn broker_rolling(ctx: &Ctx) -> anyhow::Result<String> {
    let from = Instant::now();
    let brokers = ctx.stack.kafka().brokers();
    for broker in brokers {
        killed(broker).await?;
        restarted(broker).await?;
        ensure!(
            in_sync(ctx, None).await,
            "replicas stay out of sync after {} came back",
            broker.name()
        );
    }
    let count = text::plural(brokers.len() as u64, "broker", "brokers");
    Ok(format!(
        "{count} killed and restarted, one after another, in {}",
        took(from)
    ))
}

pub(super) async fn controller_kill(ctx: &Ctx) -> anyhow::Result<String> {
    let controller = ctx.stack.kafka().controller();
    let controller = controller.context("a single broker is its own controller; use --brokers 3")?;
    killed(controller).await?;
    let from = Instant::now();
    tokio::time::sleep(CONTROLLER_AWAY).await;
    restarted(controller).await?;
    let answers = took(from);
    let back = in_sync_after(in_sync(ctx, None).await, from);
    Ok(format!(
        "{} killed; it is back after {answers}, {back}",
        controller.name()
    ))
}

pub(super) async fn clickhouse_kill(ctx: &Ctx, away: Duration) -> anyhow::Result<String> {
    let server = ctx.stack.clickhouse().server();
    killed(server).await?;
    let from = Instant::now();
    tokio::time::sleep(away).await;
    restarted(server).await?;
    Ok(format!(
        "{} killed; it answers again after {}",
        server.name(),
        took(from)
    ))
}

pub(super) async fn clickhouse_freeze(ctx: &Ctx) -> anyhow::Result<String> {
    let clickhouse = ctx.stack.clickhouse();
    let from = Instant::now();
    frozen(clickhouse.server()).await?;
    let client = clickhouse.client();
    let answer = tokio::time::timeout(ANSWER, client.query("SELECT 1").execute()).await;
    tokio::time::sleep(CLICKHOUSE_FROZEN.saturating_sub(from.elapsed())).await;
    clickhouse.server().thaw().await?;
    match answer {
        Err(_) => {}
        Ok(Ok(())) => bail!("it still answered"),
        Ok(Err(error)) => bail!("it was not frozen: whoever asked was turned away ({error})"),
    }
    Ok(format!("frozen; no answer; thawed after {}", took(from)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_that_was_cut_off_is_not_believed_when_it_calls_itself_leader_with_all_in_sync() {
        let placed = |leader, in_sync: &[i32]| Placed {
            partition: 0,
            leader: Some(leader),
            in_sync: in_sync.to_vec(),
        };
        let stale = placed(1, &[1, 2, 3]);
        assert!(!is_whole(&stale, 3, Some(1)));
        assert!(is_whole(&stale, 3, None), "nobody was deposed");
        assert!(!is_whole(&placed(2, &[2, 3]), 3, Some(1)));
        assert!(is_whole(&placed(2, &[2, 3, 1]), 3, Some(1)));
    }
}
