//! Faults of the exchange.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use exchange::{BadFrame, Exchange};

use super::{Ctx, LIMIT, took, until};
use crate::text;

/// How many frames `garbage` adds of each kind.
const GARBAGE: u64 = 5;

/// How long a stall lasts: shorter than a feed may be silent before it is given up.
const STALL: Duration = Duration::from_secs(8);

/// How long a repair is refused, for each of two reasons.
const REFUSED: Duration = Duration::from_secs(3);

fn ours(ctx: &Ctx) -> anyhow::Result<&Exchange> {
    ctx.exchange.as_deref().context("there is no exchange of ours to do it")
}

pub(super) async fn socket_drop(ctx: &Ctx) -> anyhow::Result<String> {
    let exchange = ours(ctx)?;
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

pub(super) async fn garbage(ctx: &Ctx) -> anyhow::Result<String> {
    let exchange = ours(ctx)?;
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

pub(super) async fn socket_stall(ctx: &Ctx) -> anyhow::Result<String> {
    let exchange = ours(ctx)?;
    let before = exchange.counters();
    ensure!(before.subscribed > 0, "nobody was connected");
    let from = Instant::now();
    exchange.faults().stall(STALL);
    ensure!(
        until(|| exchange.counters().stalled > before.stalled).await,
        "no connection was stalled"
    );
    tokio::time::sleep(STALL.saturating_sub(from.elapsed())).await;
    let held = exchange.counters().queued;
    Ok(format!(
        "nothing written to the socket for {}; {} waited",
        text::span(STALL),
        text::plural(held, "trade", "trades")
    ))
}

pub(super) async fn repair_refused(ctx: &Ctx) -> anyhow::Result<String> {
    let before = ours(ctx)?.counters();
    let from = Instant::now();
    ours(ctx)?.faults().rate_limit(REFUSED);
    ours(ctx)?.faults().unavailable(2 * REFUSED);
    let dropped = socket_drop(ctx).await?;
    let refused = || ours(ctx).is_ok_and(|exchange| exchange.counters().refused > before.refused);
    ensure!(until(refused).await, "{dropped}, but nobody asked for the gap");
    tokio::time::sleep((2 * REFUSED).saturating_sub(from.elapsed())).await;
    let now = ours(ctx)?.counters();
    Ok(format!(
        "{dropped}; {} of {} answered 429, others 503, for {}",
        now.refused - before.refused,
        text::plural(now.requests - before.requests, "request", "requests"),
        text::span(2 * REFUSED)
    ))
}
