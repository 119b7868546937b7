//! min-isr: two of three replicas are gone; what the last one still takes, and what of that is left when it goes too.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use measure::Teller;

use crate::client::{Client, Fate};
use crate::cluster::{Cluster, LIMIT, Topic};
use crate::count::matched;
use crate::run::{Figures, Run};
use crate::trades::Trades;

const ARMS: [(&str, &str); 4] = [("1", "all"), ("1", "1"), ("2", "all"), ("2", "1")];

/// Trades that are given while all replicas are there, and while one is.
const TOGETHER: usize = 200;
const ALONE: usize = 1_000;

/// How long a leader is waited for among replicas that came back. A broker is noticed as gone after 2 seconds, one that is back
/// at once.
const ELECTION: Duration = Duration::from_secs(8);

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    if run.tries() {
        return tried(run);
    }
    let rounds = run.pick(5, 1, 1);
    let mut teller = Teller::new(1 + rounds);
    teller.step("servers");
    let trades = Trades::make(run, TOGETHER + ALONE)?;
    let cluster = Cluster::own(run, 3)?;
    cluster.tell(&teller);
    let mut figures = Figures::default();
    for round in 0..rounds {
        teller.step("two followers stop, then the leader is killed");
        let leader = 1 + (round % 3) as i32;
        for (arm, seen) in once(run, &cluster, &trades, leader, &mut figures)? {
            let of = ALONE as u64;
            figures.add(&arm, "refused", 100.0 * seen.refused as f64 / of as f64, of);
            figures.add(&arm, "acknowledged", 100.0 * seen.acknowledged as f64 / of as f64, of);
            figures.add(&arm, "lost", seen.lost as f64, of);
            figures.add(&arm, "offline", f64::from(u8::from(seen.offline)), 1);
        }
    }
    figures.tell(&teller);
    Ok(())
}

/// On the one broker that trials share, which must not be stopped: what is tried is giving, and telling fates. A topic of one
/// replica cannot refuse: Kafka asks for no more replicas in sync than there are.
fn tried(run: &Run) -> anyhow::Result<()> {
    let mut teller = Teller::new(1);
    teller.step("nothing is stopped");
    let trades = Trades::make(run, 200)?;
    let cluster = Cluster::shared(run)?;
    let topic = cluster.topic(1, &[("min.insync.replicas", "1")])?;
    let client = client(&cluster, &topic, "all", &trades)?;
    let fates = give(&client, &trades, 0..100)?;
    ensure!(
        fates.iter().all(|fate| *fate == Fate::Delivered),
        "nothing was stopped, and yet: {:?}",
        client.heard.first_failure()
    );
    cluster.remove(&topic)
}

struct Seen {
    refused: usize,
    acknowledged: usize,
    /// Of those that were acknowledged by the last replica, how many no other has.
    lost: u64,
    /// Whether none of the replicas that came back was made the leader.
    offline: bool,
}

/// The client does not try again, so that every answer of the broker is seen.
fn client(cluster: &Cluster<'_>, topic: &Topic, acks: &str, trades: &Trades) -> anyhow::Result<Client> {
    trying(cluster, topic, acks, "0", trades)
}

fn trying(cluster: &Cluster<'_>, topic: &Topic, acks: &str, retries: &str, trades: &Trades) -> anyhow::Result<Client> {
    let settings = [("acks", acks), ("retries", retries), ("message.timeout.ms", "15000")];
    Client::of(cluster.bootstrap(), &topic.name, 1, &settings, trades.len())
}

/// How long three attempts last where every answer is "too few replicas", by a client of its own.
fn three_attempts(cluster: &Cluster<'_>, topic: &Topic, trades: &Trades, figures: &mut Figures) -> anyhow::Result<()> {
    let client = trying(cluster, topic, "all", "3", trades)?;
    let started = Instant::now();
    let fates = give(&client, trades, 0..TOGETHER)?;
    let arm = "min=2 acks=all retries=3";
    let given_up = fates.iter().filter(|fate| **fate == Fate::GivenUp).count();
    let of = TOGETHER as u64;
    figures.add(arm, "refused", 100.0 * given_up as f64 / of as f64, of);
    figures.add(arm, "decided", started.elapsed().as_secs_f64() * 1e3, of);
    Ok(())
}

/// Gives trades, waits for what becomes of them, and tells it.
fn give(client: &Client, trades: &Trades, range: std::ops::Range<usize>) -> anyhow::Result<Vec<Fate>> {
    for n in range.clone() {
        client.send(trades, n, n, LIMIT)?;
    }
    client.flush(LIMIT)?;
    Ok(range.map(|n| client.heard.fate(n)).collect())
}

fn once(
    run: &Run,
    cluster: &Cluster<'_>,
    trades: &Trades,
    leader: i32,
    figures: &mut Figures,
) -> anyhow::Result<Vec<(String, Seen)>> {
    let replicas = [leader, 1 + leader % 3, 1 + (leader + 1) % 3];
    let broker = |id: i32| cluster.kafka().broker(id).context("no such broker");
    let mut topics = Vec::new();
    for (min, acks) in ARMS {
        let topic = cluster.topic_on(&replicas, &[("min.insync.replicas", min)])?;
        let client = client(cluster, &topic, acks, trades)?;
        let fates = give(&client, trades, 0..TOGETHER)?;
        ensure!(
            fates.iter().all(|fate| *fate == Fate::Delivered),
            "with all replicas there: {:?}",
            client.heard.first_failure()
        );
        topics.push((min, acks, topic, client));
    }
    // Stopped and not killed: they come back with all that they had. A replica that was killed may have lost what only its
    // system's memory held, and the controller does not take it for eligible any more (KIP-966).
    for id in &replicas[1..] {
        run.wait(broker(*id)?.freeze())?;
    }
    for (_, _, topic, _) in &topics {
        cluster.wait_for(topic, "one replica in sync", LIMIT, |placed| placed.in_sync == [leader])?;
    }
    let mut alone = Vec::new();
    for (_, _, _, client) in &topics {
        alone.push(give(client, trades, TOGETHER..TOGETHER + ALONE)?);
    }
    for (min, acks, topic, _) in &topics {
        if (*min, *acks) == ("2", "all") {
            three_attempts(cluster, topic, trades, figures)?;
        }
    }
    run.wait(broker(leader)?.kill())?;
    for id in &replicas[1..] {
        run.wait(broker(*id)?.thaw())?;
    }
    let elected = await_leaders(cluster, topics.iter().map(|(_, _, topic, _)| topic), leader);
    let stuck: Vec<_> = topics.iter().zip(&elected).filter(|(_, led)| !**led).collect();
    for ((min, _, topic, _), _) in &stuck {
        // What an operator does who has given the old leader up: any replica may lead.
        cluster.set(
            topic,
            &[("min.insync.replicas", min), ("unclean.leader.election.enable", "true")],
        )?;
    }
    if !stuck.is_empty() {
        // The controller looks for such leaders every five minutes, and when a broker comes.
        run.wait(broker(replicas[1])?.restart())?;
    }
    for ((_, _, topic, _), _) in stuck {
        cluster.wait_for(topic, "a leader that was not in sync", LIMIT, |placed| {
            placed.leader.is_some_and(|now| now != leader)
        })?;
    }
    let mut all = Vec::new();
    for (((min, acks, topic, _), fates), elected) in topics.iter().zip(alone).zip(elected) {
        let acknowledged = |n: &usize| *n < TOGETHER || fates[n - TOGETHER] == Fate::Delivered;
        let said: Vec<_> = (0..trades.len())
            .filter(acknowledged)
            .map(|n| trades.trade(n))
            .collect();
        let count = |fate: Fate| fates.iter().filter(|found| **found == fate).count();
        let seen = Seen {
            refused: count(Fate::GivenUp),
            acknowledged: count(Fate::Delivered),
            lost: matched(cluster.bootstrap(), topic, said.into_iter())?.lost,
            offline: !elected,
        };
        all.push((format!("min={min} acks={acks}"), seen));
    }
    for (_, _, topic, _) in &topics {
        cluster.remove(topic)?;
    }
    run.wait(broker(leader)?.restart())?;
    Ok(all)
}

/// Which topics have another leader than the one that is gone, after a time in which those that can have one do.
fn await_leaders<'t>(cluster: &Cluster<'_>, topics: impl Iterator<Item = &'t Topic> + Clone, gone: i32) -> Vec<bool> {
    let started = Instant::now();
    loop {
        let led = |topic: &Topic| {
            cluster
                .placed(topic)
                .is_some_and(|now| now.leader.is_some_and(|now| now != gone))
        };
        let found: Vec<bool> = topics.clone().map(led).collect();
        if started.elapsed() > ELECTION || found.iter().all(|led| *led) {
            return found;
        }
        thread::sleep(Duration::from_millis(100));
    }
}
