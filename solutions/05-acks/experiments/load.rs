//! Two loads: a closed loop that keeps the queue full and counts, and an open one whose records are due at fixed times.

use std::time::{Duration, Instant};

use measure::Latency;

use crate::client::Client;
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
    let (started, heard) = (Instant::now(), &client.heard);
    let mut from = None;
    let mut n = 0;
    loop {
        // A look at the clock for every few records.
        for _ in 0..64 {
            client.send(trades, n, 0, LIMIT)?;
            n += 1;
        }
        let elapsed = started.elapsed();
        if elapsed < spans.warm {
            continue;
        }
        let (since, before) = *from.get_or_insert_with(|| (Instant::now(), heard.delivered()));
        let (seconds, delivered) = (since.elapsed().as_secs_f64(), heard.delivered() - before);
        // A broker that has just started may deliver nothing at all in a trial's moment: the queue is full then, and `send` ends it.
        if elapsed >= spans.warm + spans.counted && delivered > 0 {
            client.give_up();
            return Ok((delivered as f64 / seconds, delivered));
        }
    }
}

/// Sends `rate` records a second, each due at its own time, and times each from when it was due to its delivery report.
///
/// A record that the client or this thread was late for is as late as it is: were it timed from when it was sent, a stall
/// would be one slow record and not the thousand that had to wait behind it (coordinated omission).
pub(crate) fn open(client: &Client, trades: &Trades, rate: f64, spans: Spans) -> anyhow::Result<Latency> {
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
        std::thread::sleep(left);
    }
}
