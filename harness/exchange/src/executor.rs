//! Executes trades at their time: the loop between a source and the hub.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::hub::{Batch, Hub};
use crate::source::{Execution, Feedstock, Schedule};

/// Trades executed under one lock. Large enough that the lock and the wake-up cost nothing per trade, small enough that
/// they are framed from the cache.
const BATCH: usize = 512;

/// When trades are due.
pub(crate) enum Pace {
    /// At a rate.
    Timetable(Schedule),
    /// As a capture was recorded.
    Recorded,
    /// As soon as clients take them.
    Max,
}

/// Runs until it is told to stop, or the source comes to its end, or the journal cannot be written.
pub(crate) async fn run(hub: Arc<Hub>, mut source: Feedstock, mut pace: Pace, stop: CancellationToken) {
    let begun = Instant::now();
    let begun_us = crate::now_us();
    let begun_ms = begun_us / 1000;
    let closed_loop = matches!(pace, Pace::Max);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = room(&hub, closed_loop) => {}
        }
        let now_us = begun.elapsed().as_micros() as u64;
        let mut due_us = 0;
        let mut trades: Vec<Execution> = Vec::with_capacity(BATCH);
        while trades.len() < BATCH {
            let due = match &mut pace {
                Pace::Timetable(schedule) => Some(schedule.due_us()),
                Pace::Recorded => match &source {
                    Feedstock::Replayed(replay) => replay.due_us(),
                    Feedstock::Generated(_) => Some(now_us),
                },
                Pace::Max => Some(now_us),
            };
            let Some(due) = due else { break };
            due_us = due;
            if due > now_us {
                break;
            }
            let Some(trade) = source.next(begun_ms + (due / 1000) as i64) else {
                break;
            };
            trades.push(trade);
            if let Pace::Timetable(schedule) = &mut pace {
                schedule.advance();
            }
        }
        if !closed_loop {
            hub.counts
                .due_us
                .store(begun_us.saturating_add_unsigned(due_us), Ordering::Relaxed);
        }
        if !trades.is_empty() {
            if let Err(error) = hub.execute(Batch {
                trades,
                snapshot: false,
            }) {
                tracing::error!("no more trades are executed: {error}");
                break;
            }
            // A batch costs some 100 µs: others on this thread get their turn.
            tokio::task::yield_now().await;
        } else if matches!(&source, Feedstock::Replayed(replay) if replay.at_end()) {
            hub.at_end.store(true, Ordering::Relaxed);
            break;
        } else {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = tokio::time::sleep_until(begun + Duration::from_micros(due_us)) => {}
            }
        }
    }
    hub.counts.due_us.store(0, Ordering::Relaxed);
}

async fn room(hub: &Hub, closed_loop: bool) {
    // `notify_one` keeps a permit, so that room made between the look and the wait is not missed.
    while !hub.has_room(closed_loop) {
        hub.room.notified().await;
    }
}
