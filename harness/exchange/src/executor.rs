//! Executes trades at their time: the loop between a source and the hub.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
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

/// What an executor is told.
pub(crate) struct Orders {
    /// To end.
    pub(crate) stop: CancellationToken,
    /// To rest.
    pub(crate) rest: watch::Receiver<bool>,
    /// Its answer: it rests. Gone when the executor is.
    pub(crate) rests: watch::Sender<bool>,
}

/// Runs until it is told to stop, or the source comes to its end, or the journal cannot be written.
pub(crate) async fn run(hub: Arc<Hub>, mut source: Feedstock, mut pace: Pace, mut orders: Orders) {
    let mut begun = Instant::now();
    let mut begun_us = crate::now_us();
    let closed_loop = matches!(pace, Pace::Max);
    loop {
        let rest = tokio::select! {
            biased;
            () = orders.stop.cancelled() => break,
            () = wish_for_rest(&mut orders.rest) => true,
            () = room(&hub, closed_loop) => false,
        };
        if rest {
            let from = Instant::now();
            hub.counts.due_us.store(0, Ordering::Relaxed);
            orders.rests.send_replace(true);
            tokio::select! {
                () = orders.stop.cancelled() => break,
                _ = orders.rest.wait_for(|rest| !*rest) => {}
            }
            orders.rests.send_replace(false);
            // What was due meanwhile was not missed: the timetable moves on with the clock.
            begun += from.elapsed();
            begun_us += from.elapsed().as_micros() as i64;
            continue;
        }
        let begun_ms = begun_us / 1000;
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
                hub.fail(&format_args!(
                    "no more trades are executed: {error}; make room on the disk, and run again"
                ));
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
                () = orders.stop.cancelled() => break,
                () = wish_for_rest(&mut orders.rest) => {}
                () = tokio::time::sleep_until(begun + Duration::from_micros(due_us)) => {}
            }
        }
    }
    hub.counts.due_us.store(0, Ordering::Relaxed);
}

/// Waits for an executor, and makes its panic a failure of the exchange: nobody else would notice before the end.
pub(crate) async fn watch(hub: Arc<Hub>, executing: JoinHandle<()>) {
    if let Err(error) = executing.await {
        hub.fail(&format_args!(
            "no more trades are executed: {error}; the log has the place, and it is a bug of the exchange"
        ));
    }
}

async fn wish_for_rest(rest: &mut watch::Receiver<bool>) {
    if rest.wait_for(|rest| *rest).await.is_err() {
        // Nobody is left who could wish for it.
        std::future::pending::<()>().await;
    }
}

async fn room(hub: &Hub, closed_loop: bool) {
    // `notify_one` keeps a permit, so that room made between the look and the wait is not missed.
    while !hub.has_room(closed_loop) {
        hub.room.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;
    use crate::journal::{Journal, Logs};
    use crate::server::Face;
    use crate::source::{Generator, catalog};

    fn hub(dir: &std::path::Path, full: bool) -> Arc<Hub> {
        let listing = &catalog::listings(1).unwrap()[0];
        let journal = Journal::create(dir, &[listing.market]).unwrap();
        let journal = if full { journal.full() } else { journal };
        let face = Face::new(listing.market, listing.start_price);
        let logs = Logs::create(dir).unwrap();
        Arc::new(Hub::new(vec![face], None, Limits::default(), journal, logs))
    }

    #[tokio::test(start_paused = true)]
    async fn a_journal_that_cannot_be_written_ends_the_trading_and_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let hub = hub(dir.path(), true);
        let generator = Generator::new(1, &catalog::listings(1).unwrap());
        let source = Feedstock::Generated(Box::new(generator));
        let pace = Pace::Timetable(Schedule::new(1, 100_000.0));
        assert_eq!(hub.failure(), None);
        // Ends by itself, though nobody stops it.
        let (_rest, asked) = watch::channel(false);
        let orders = Orders {
            stop: CancellationToken::new(),
            rest: asked,
            rests: watch::Sender::new(false),
        };
        run(Arc::clone(&hub), source, pace, orders).await;
        let told = hub.failure().unwrap();
        assert!(
            told.starts_with("no more trades are executed: the journal file") && told.contains("make room"),
            "{told}"
        );
        hub.fail(&"what follows from it");
        assert!(
            hub.failure().unwrap().starts_with("no more trades"),
            "the first cause stays"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_due_during_a_rest_is_not_made_up_for() {
        let dir = tempfile::tempdir().unwrap();
        let hub = hub(dir.path(), false);
        let generator = Generator::new(1, &catalog::listings(1).unwrap());
        let (rest, asked) = watch::channel(false);
        let (rests, mut answer) = watch::channel(false);
        let stop = CancellationToken::new();
        let orders = Orders {
            stop: stop.clone(),
            rest: asked,
            rests,
        };
        let pace = Pace::Timetable(Schedule::new(1, 1_000.0));
        let task = tokio::spawn(run(
            Arc::clone(&hub),
            Feedstock::Generated(Box::new(generator)),
            pace,
            orders,
        ));
        let executed = || hub.counters().executed;
        tokio::time::sleep(Duration::from_secs(10)).await;
        rest.send_replace(true);
        answer.wait_for(|rests| *rests).await.unwrap();
        let before = executed();
        assert!((9_000..=11_000).contains(&before), "{before} trades in 10 s at 1,000/s");
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(executed(), before, "an exchange that rests trades");
        rest.send_replace(false);
        tokio::time::sleep(Duration::from_secs(10)).await;
        let after = executed() - before;
        assert!(
            (9_000..=11_000).contains(&after),
            "{after} trades in the 10 s after a rest of 60 s"
        );
        stop.cancel();
        task.await.unwrap();
    }

    #[tokio::test]
    async fn a_panic_of_the_executor_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let hub = hub(dir.path(), false);
        watch(Arc::clone(&hub), tokio::spawn(async {})).await;
        assert_eq!(hub.failure(), None);
        watch(Arc::clone(&hub), tokio::spawn(async { panic!("off by one") })).await;
        let told = hub.failure().unwrap();
        assert!(told.contains("off by one") && told.contains("a bug"), "{told}");
    }
}
