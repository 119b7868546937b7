//! wait-each: what the guide's step from 3,000 to 10,000 records a second comes from: from batches, or from not waiting.

use std::time::{Duration, Instant};

use measure::Teller;

use crate::client::Client;
use crate::cluster::{Cluster, LIMIT};
use crate::load::{Spans, closed};
use crate::run::{Figures, Run};
use crate::trades::Trades;

/// A way to send: its name, whether each record is awaited before the next, and its settings.
type Way = (&'static str, bool, &'static [(&'static str, &'static str)]);

const WAYS: [Way; 5] = [
    ("each-awaited", true, &[("linger.ms", "0")]),
    ("each-awaited-linger10", true, &[("linger.ms", "10")]),
    ("no-batching", false, &[("linger.ms", "0"), ("batch.num.messages", "1")]),
    (
        "pipelined-16k-10ms",
        false,
        &[("linger.ms", "10"), ("batch.size", "16384")],
    ),
    ("pipelined-defaults", false, &[]),
];

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let rounds = run.pick(5, 2, 1);
    // A trial takes one of each kind.
    let ways: &[Way] = if run.tries() { &WAYS[1..3] } else { &WAYS };
    let mut teller = Teller::new(1 + rounds * ways.len());
    teller.step("servers");
    let trades = Trades::make(run, run.pick(50_000, 50_000, 2_000))?;
    let cluster = if run.tries() {
        Cluster::shared(run)?
    } else {
        Cluster::own(run, 1)?
    };
    cluster.tell(&teller);
    let warm = Spans {
        warm: run.millis(1_000, 500, 20),
        counted: run.millis(500, 200, 20),
    };
    for way in [&WAYS[0], &WAYS[4]] {
        once(&cluster, &trades, way, warm)?;
    }
    let spans = Spans {
        warm: run.millis(500, 300, 50),
        counted: run.millis(3_000, 1_000, 100),
    };
    let mut figures = Figures::default();
    for _ in 0..rounds {
        for way in ways {
            teller.step(way.0);
            let (throughput, delivered) = once(&cluster, &trades, way, spans)?;
            figures.add(&format!("way={}", way.0), "throughput", throughput, delivered);
        }
    }
    figures.tell(&teller);
    Ok(())
}

fn once(cluster: &Cluster<'_>, trades: &Trades, way: &Way, spans: Spans) -> anyhow::Result<(f64, u64)> {
    let (_, awaited, settings) = way;
    let topic = cluster.topic(1, &[])?;
    let client = Client::new(cluster.bootstrap(), &topic.name, 1, settings)?;
    let measured = if *awaited {
        one_by_one(&client, trades, spans)?
    } else {
        closed(&client, trades, spans)?
    };
    cluster.remove(&topic)?;
    Ok(measured)
}

/// Sends one, waits for its acknowledgement, sends the next; records per second, and how many.
fn one_by_one(client: &Client, trades: &Trades, spans: Spans) -> anyhow::Result<(f64, u64)> {
    let started = Instant::now();
    let (mut n, mut from) = (0, None);
    loop {
        let elapsed = started.elapsed();
        if elapsed >= spans.warm {
            let (since, before): (Instant, usize) = *from.get_or_insert_with(|| (Instant::now(), n));
            if elapsed >= spans.warm + spans.counted && n > before {
                let sent = (n - before) as u64;
                return Ok((sent as f64 / since.elapsed().as_secs_f64(), sent));
            }
        }
        client.send(trades, n, 0, LIMIT)?;
        n += 1;
        client.await_delivered(n as u64, Duration::from_secs(10))?;
    }
}
