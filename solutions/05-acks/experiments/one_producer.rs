//! one-producer: what a producer costs to have, and what four of them do to batches that one would make.

use std::time::{Duration, Instant};

use measure::Teller;

use crate::client::Client;
use crate::cluster::{Cluster, LIMIT};
use crate::load::pause_until;
use crate::run::{Figures, Run};
use crate::trades::Trades;

/// Records a second, over all producers.
const RATE: f64 = 10_000.0;
const PARTITIONS: i32 = 12;
/// Records of a producer that is there, one awaited after the other; the middle one is told, as the first may meet a cold broker.
const NEXT: usize = 21;

/// How the records are shared out.
#[derive(Clone, Copy)]
enum Split {
    /// There is one producer.
    None,
    /// To each producer in turn, whatever the partition.
    InTurn,
    /// Each producer has partitions of its own.
    ByPartition,
}

const WAYS: [(&str, usize, Split); 3] = [
    ("producers=1 split=none", 1, Split::None),
    ("producers=4 split=in-turn", 4, Split::InTurn),
    ("producers=4 split=by-partition", 4, Split::ByPartition),
];

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let rounds = run.pick(5, 3, 1);
    let mut teller = Teller::new(1 + rounds * (WAYS.len() + 1));
    teller.step("servers");
    let trades = Trades::make(run, run.pick(50_000, 20_000, 2_000))?;
    let cluster = if run.tries() {
        Cluster::shared(run)?
    } else {
        Cluster::own(run, 1)?
    };
    cluster.tell(&teller);
    first(&cluster, &trades, &mut Figures::default())?;
    let mut figures = Figures::default();
    for _ in 0..rounds {
        teller.step("a new producer");
        first(&cluster, &trades, &mut figures)?;
        for way in &WAYS {
            teller.step(way.0);
            steady(run, &cluster, &trades, way, &mut figures)?;
        }
    }
    figures.tell(&teller);
    Ok(())
}

/// From nothing to the first acknowledgement, and from there to the next one.
fn first(cluster: &Cluster<'_>, trades: &Trades, figures: &mut Figures) -> anyhow::Result<()> {
    let topic = cluster.topic(1, &[])?;
    let before = threads();
    let started = Instant::now();
    let settings = [("acks", "all"), ("enable.idempotence", "true"), ("linger.ms", "0")];
    let client = Client::new(cluster.bootstrap(), &topic.name, 1, &settings)?;
    client.send(trades, 0, 0, LIMIT)?;
    client.await_delivered(1, LIMIT)?;
    let new = started.elapsed();
    let mut next = Vec::with_capacity(NEXT);
    for n in 1..=NEXT {
        let again = Instant::now();
        client.send(trades, n, 0, LIMIT)?;
        client.await_delivered(n as u64 + 1, LIMIT)?;
        next.push(again.elapsed());
    }
    next.sort();
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    figures.add("record=first-of-a-new-producer", "ack", millis(new), 1);
    figures.add("record=next-of-the-same", "ack", millis(next[NEXT / 2]), NEXT as u64);
    figures.add(
        "record=first-of-a-new-producer",
        "threads",
        threads().saturating_sub(before) as f64,
        1,
    );
    drop(client);
    cluster.remove(&topic)
}

fn steady(
    run: &Run,
    cluster: &Cluster<'_>,
    trades: &Trades,
    (arm, producers, split): &(&str, usize, Split),
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let topic = cluster.topic(PARTITIONS, &[])?;
    let settings = [
        ("acks", "all"),
        ("enable.idempotence", "true"),
        ("compression.type", "lz4"),
        ("statistics.interval.ms", "50"),
    ];
    let clients = (0..*producers)
        .map(|_| Client::new(cluster.bootstrap(), &topic.name, PARTITIONS, &settings))
        .collect::<anyhow::Result<Vec<Client>>>()?;
    for client in &clients {
        client.begin(trades)?;
    }
    let records = (RATE * run.millis(3_000, 1_000, 50).as_secs_f64()) as usize;
    let (started, cpu) = (Instant::now(), measure::cpu_of(std::process::id()));
    for n in 0..records {
        pause_until(started + Duration::from_secs_f64(n as f64 / RATE));
        let which = match split {
            Split::None => 0,
            Split::InTurn => n % producers,
            Split::ByPartition => trades.partition(n, PARTITIONS) as usize % producers,
        };
        clients[which].send(trades, n, 0, LIMIT)?;
    }
    for client in &clients {
        client.flush(LIMIT)?;
    }
    let cpu = measure::cpu_of(std::process::id()).saturating_sub(cpu);
    let (mut sent, mut batches) = (0, 0);
    for client in &clients {
        let said = client.sent_now()?;
        sent += said.records;
        batches += said.batches;
    }
    figures.add(arm, "batch", sent as f64 / batches.max(1) as f64, batches);
    figures.add(arm, "cpu", cpu.as_secs_f64() * 1e6 / records as f64, records as u64);
    drop(clients);
    cluster.remove(&topic)
}

/// Threads of this process; 0 where /proc is not what Linux has.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}
