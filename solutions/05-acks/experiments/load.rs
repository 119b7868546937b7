//! Two loads: a closed loop that keeps the queue full and counts, and an open one whose records are due at fixed times.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use measure::Latency;

use crate::client::Client;
use crate::run::until;
use crate::trades::Trades;

/// Nothing here waits longer for a broker.
const LIMIT: Duration = Duration::from_secs(30);

/// How long a load warms up, and how long it then counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spans {
    pub(crate) warm: Duration,
    pub(crate) counted: Duration,
}

/// Keeps the queue full; records per second that were reported delivered, and how many. What is left over is given up.
pub(crate) fn closed(client: &Client, trades: &Trades, spans: Spans) -> anyhow::Result<(f64, u64)> {
    client.begin(trades)?;
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                client.send(trades, n, 0, LIMIT)?;
                n += 1;
            }
            anyhow::Ok(())
        });
        // Counted from outside: the sender stands still while the queue is full, and would look at the clock late.
        thread::sleep(spans.warm);
        let (since, before) = (Instant::now(), client.heard.delivered());
        thread::sleep(spans.counted);
        // A broker that has just started may deliver nothing at all in a trial's moment.
        let counted = until("a record is delivered", LIMIT, || {
            client.heard.delivered() > before || sender.is_finished()
        });
        let (seconds, delivered) = (since.elapsed().as_secs_f64(), client.heard.delivered() - before);
        stop.store(true, Ordering::Relaxed);
        client.give_up();
        sender
            .join()
            .unwrap_or_else(|_| Err(anyhow::anyhow!("the sender panicked")))?;
        counted?;
        Ok((delivered as f64 / seconds, delivered))
    })
}

/// Sends `rate` records a second, each due at its own time, and times each from when it was due to its delivery report.
///
/// A record that the client or this thread was late for is as late as it is: were it timed from when it was sent, a stall
/// would be one slow record and not the thousand that had to wait behind it (coordinated omission).
pub(crate) fn open(client: &Client, trades: &Trades, rate: f64, spans: Spans) -> anyhow::Result<Latency> {
    client.begin(trades)?;
    let heard = &client.heard;
    let start_us = heard.now_us() + 1_000;
    let warm_us = spans.warm.as_micros() as u64;
    heard.time_from(start_us + warm_us);
    let records = (rate * (spans.warm + spans.counted).as_secs_f64()) as usize;
    for n in 0..records {
        let due_us = start_us + (n as f64 * 1e6 / rate) as u64;
        pause_until(heard.started + Duration::from_micros(due_us));
        client.send(trades, n, due_us as usize, LIMIT)?;
    }
    client.flush(LIMIT)?;
    let failed = heard.failed();
    anyhow::ensure!(failed == 0, "{failed} records failed: {:?}", heard.first_failure());
    Ok(heard.latency())
}

/// Sleeps until then, if that is not past.
pub(crate) fn pause_until(due: Instant) {
    let left = due.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        thread::sleep(left);
    }
}
