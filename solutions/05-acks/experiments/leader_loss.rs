//! leader-loss: trades lost, doubled and reordered when the leader of their partition is killed or frozen mid-stream.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use measure::Teller;

use crate::client::{Client, Fate};
use crate::cluster::{Cluster, LIMIT, Topic};
use crate::count::{Counted, matched};
use crate::load::pause_until;
use crate::run::{Figures, Run};
use crate::trades::Trades;

/// A setting that is compared: its name, the client's settings, `min.insync.replicas` of the topic.
type Setting = (&'static str, &'static [(&'static str, &'static str)], &'static str);

const NOT_IDEMPOTENT: (&str, &str) = ("enable.idempotence", "false");
const IDEMPOTENT: (&str, &str) = ("enable.idempotence", "true");

const SETTINGS: [Setting; 6] = [
    ("acks0", &[("acks", "0"), NOT_IDEMPOTENT], "1"),
    ("acks1", &[("acks", "1"), NOT_IDEMPOTENT], "1"),
    ("all", &[("acks", "all"), NOT_IDEMPOTENT], "1"),
    (
        "all-retries3",
        &[("acks", "all"), NOT_IDEMPOTENT, ("retries", "3")],
        "1",
    ),
    ("all-idempotent", &[("acks", "all"), IDEMPOTENT], "1"),
    ("all-idempotent-min2", &[("acks", "all"), IDEMPOTENT], "2"),
];

/// Trades a second for each setting. All six streams together keep two cores busy, so that followers are behind at times, as
/// they are in production at a peak.
const RATE: f64 = 16_000.0;

/// Longer than any of these takes to happen: the session of a broker is 2 seconds.
const ELECTION: Duration = Duration::from_secs(15);

/// What is not decided by then is given up by the caller.
const DECIDED: Duration = Duration::from_secs(25);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Kill,
    Freeze,
}

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    if run.tries() {
        return tried(run);
    }
    let faults = [("kill", Fault::Kill), ("freeze", Fault::Freeze)];
    let rounds = run.pick(5, 1, 1);
    let mut teller = Teller::new(1 + rounds * faults.len());
    teller.step("servers");
    let trades = Trades::make(run, 300_000)?;
    let cluster = Cluster::own(run, 3)?;
    cluster.tell(&teller);
    let mut figures = Figures::default();
    for round in 0..rounds {
        for (name, fault) in faults {
            teller.step(&format!("leader: {name}"));
            // Each broker has its turn.
            let leader = 1 + (round % 3) as i32;
            for (setting, seen) in once(run, &cluster, &trades, fault, leader)? {
                let arm = format!("setting={setting} fault={name}");
                figures.add(&arm, "lost", seen.counted.lost as f64, seen.given);
                figures.add(&arm, "given_up", seen.given_up as f64, seen.given);
                figures.add(&arm, "doubled", seen.counted.doubled as f64, seen.given);
                figures.add(&arm, "reordered", seen.counted.reordered as f64, seen.given);
            }
        }
    }
    figures.tell(&teller);
    Ok(())
}

/// Without a fault and on one broker: the shared one must not be hurt, and three of its own would take longer to start than all
/// other trials together. What is tried is the stream and the count.
fn tried(run: &Run) -> anyhow::Result<()> {
    let mut teller = Teller::new(1);
    teller.step("a stream without a fault");
    let trades = Trades::make(run, 2_000)?;
    let cluster = Cluster::shared(run)?;
    let topic = cluster.topic(1, &[])?;
    let client = client(&cluster, &topic, &[("acks", "all"), IDEMPOTENT], &trades)?;
    let stop = AtomicBool::new(true);
    let given = stream(&client, &trades, 500, &stop)?;
    let seen = settle(&cluster, &topic, &client, &trades, given)?;
    anyhow::ensure!(
        seen.counted.lost + seen.given_up + seen.counted.unexpected == 0 && seen.given == 500,
        "nothing was broken, and yet {seen:?}"
    );
    cluster.remove(&topic)
}

#[derive(Debug)]
struct Seen {
    given: u64,
    given_up: u64,
    counted: Counted,
}

/// librdkafka's defaults but for what is compared: without idempotence a million requests may be in flight and each is tried
/// again for five minutes. The caller sends nothing again.
fn client(cluster: &Cluster<'_>, topic: &Topic, settings: &[(&str, &str)], trades: &Trades) -> anyhow::Result<Client> {
    Client::of(cluster.bootstrap(), &topic.name, 1, settings, trades.len())
}

/// One fault strikes the streams of all settings at once: their topics have the same leader.
fn once(
    run: &Run,
    cluster: &Cluster<'_>,
    trades: &Trades,
    fault: Fault,
    leader: i32,
) -> anyhow::Result<Vec<(&'static str, Seen)>> {
    let replicas = [leader, 1 + leader % 3, 1 + (leader + 1) % 3];
    let mut streams = Vec::new();
    for (name, settings, min) in SETTINGS {
        let topic = cluster.topic_on(&replicas, &[("min.insync.replicas", min)])?;
        let client = client(cluster, &topic, settings, trades)?;
        streams.push((name, topic, client));
    }
    let stop = AtomicBool::new(false);
    let given = thread::scope(|scope| {
        let loads: Vec<_> = streams
            .iter()
            .map(|(_, _, client)| scope.spawn(|| stream(client, trades, 0, &stop)))
            .collect();
        let struck = strike(run, cluster, &streams[0].1, fault, leader);
        stop.store(true, Ordering::Relaxed);
        let given: anyhow::Result<Vec<u64>> = loads
            .into_iter()
            .map(|load| {
                load.join()
                    .unwrap_or_else(|_| Err(anyhow::anyhow!("a stream panicked")))
            })
            .collect();
        struck.and(given)
    })?;
    let mut all = Vec::new();
    for ((name, topic, client), given) in streams.iter().zip(given) {
        // Read by what its replicas agree on, not before they do.
        cluster.wait_for(topic, "all its replicas again", LIMIT, |placed| {
            placed.in_sync.len() == 3
        })?;
        let seen = settle(cluster, topic, client, trades, given).with_context(|| format!("setting {name}"))?;
        all.push((*name, seen));
    }
    for (_, topic, _) in &streams {
        cluster.remove(topic)?;
    }
    Ok(all)
}

/// Hurts the leader mid-stream, waits until another has taken over and the stream flows to it, and brings it back.
fn strike(run: &Run, cluster: &Cluster<'_>, topic: &Topic, fault: Fault, leader: i32) -> anyhow::Result<()> {
    let broker = cluster
        .kafka()
        .broker(leader)
        .context("the leader is no broker of this cluster")?;
    thread::sleep(Duration::from_secs(2));
    match fault {
        Fault::Kill => run.wait(broker.kill())?,
        Fault::Freeze => run.wait(broker.freeze())?,
    }
    let another = cluster.wait_for(topic, "another leader", ELECTION, |placed| {
        placed.leader.is_some_and(|now| now != leader)
    });
    // Some traffic for the new leader, before the old one comes back.
    thread::sleep(Duration::from_secs(1));
    match fault {
        Fault::Kill => run.wait(broker.restart())?,
        Fault::Freeze => run.wait(broker.thaw())?,
    }
    another?;
    thread::sleep(Duration::from_secs(1));
    Ok(())
}

/// Gives trades at a steady rate, at least so many of them, until it is told to stop or none is left; how many it gave.
fn stream(client: &Client, trades: &Trades, least: usize, stop: &AtomicBool) -> anyhow::Result<u64> {
    let started = Instant::now();
    for n in 0..trades.len() {
        if n >= least && stop.load(Ordering::Relaxed) {
            return Ok(n as u64);
        }
        pause_until(started + Duration::from_secs_f64(n as f64 / RATE));
        client.send(trades, n, n, LIMIT)?;
    }
    Ok(trades.len() as u64)
}

/// Waits until every trade is decided, and counts.
fn settle(cluster: &Cluster<'_>, topic: &Topic, client: &Client, trades: &Trades, given: u64) -> anyhow::Result<Seen> {
    if client.flush(DECIDED).is_err() {
        client.give_up();
        client.flush(LIMIT)?;
    }
    let fates = |fate: Fate| (0..given as usize).filter(move |n| client.heard.fate(*n) == fate);
    let said: Vec<_> = fates(Fate::Delivered).map(|n| trades.trade(n)).collect();
    Ok(Seen {
        given,
        given_up: fates(Fate::GivenUp).count() as u64,
        counted: matched(cluster.bootstrap(), topic, said.into_iter())?,
    })
}
