//! throughput-order: what 1, 3 and 12 partitions give and cost: records a second, and records out of order per market and over all.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use market::{Market, Trade};
use measure::{Latency, Teller};
use placement::{KeyOf, Merge, partition_for};

use crate::client::{self, Writer};
use crate::run::{Disorder, Figures, Run, pause_until};
use crate::servers::{Servers, Topic};
use crate::trades;
use crate::workers::Workers;

const MARKETS: usize = 40;
/// Well below what one partition takes: where nothing queues, disorder is that of the way.
const RATE: f64 = 10_000.0;
/// How long a record takes its reader, where readers take their time.
const SERVICE: Duration = Duration::from_millis(1);
const SETTINGS: [(&str, &str); 1] = [("enable.idempotence", "true")];
const ARMS: [(i32, KeyOf, &str); 4] = [
    (1, KeyOf::Market, "market"),
    (3, KeyOf::Market, "market"),
    (12, KeyOf::Market, "market"),
    (12, KeyOf::Trade, "trade"),
];

/// A record to be sent.
struct Record {
    market: Market,
    key: Vec<u8>,
    value: Vec<u8>,
    partition: i32,
}

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let rounds = run.pick(5, 1, 1);
    let arms = run.pick(ARMS.as_slice(), &ARMS, &ARMS[2..3]);
    let mut teller = Teller::new(2 + rounds * arms.len());
    teller.step("trades");
    let trades = trades::generated(run, 5, MARKETS, run.pick(50_000, 30_000, 1_000))?;
    // Placed, and merged once, before there are servers: a task that is not built ends the program.
    let placed: Vec<Vec<Record>> = arms
        .iter()
        .map(|(partitions, key, _)| records(&trades, *partitions, *key))
        .collect::<anyhow::Result<_>>()?;
    Merge::<u64, ()>::new(1).pop();
    teller.step("servers");
    let servers = Servers::of(run, &teller)?;
    let mut figures = Figures::default();
    tied(&trades, &mut figures);
    if !run.tries() {
        // The broker's own warm-up: its compiler counts calls.
        closed(&servers, &placed[0], 1, Duration::from_secs(run.pick(4, 2, 0)))?;
    }
    for round in 0..rounds {
        for ((partitions, _, key), records) in arms.iter().zip(&placed) {
            let arm = format!("partitions={partitions} key={key}");
            teller.step(&format!("{arm}, {} of {rounds}", round + 1));
            let span = Duration::from_millis(run.pick(2_500, 1_000, 50));
            let (rate, n) = closed(&servers, records, *partitions, span)?;
            figures.add(&arm, "produced", rate, n);
            let count = run.pick(30_000, 15_000, 500).min(records.len());
            let topic = servers.topic(*partitions)?;
            let warm = Duration::from_millis(run.pick(1_000, 1_000, 0));
            let warming = live(&servers, &topic, &records[..count], warm, &arm, &mut figures)?;
            backlog(&servers, &topic, &records[..count], warming, &arm, &mut figures)?;
            servers.remove(&topic)?;
            let count = run.pick(4_000, 2_000, 100).min(records.len());
            drain(&servers, &records[..count], *partitions, &arm, &mut figures)?;
        }
    }
    figures.tell(&teller);
    Ok(())
}

fn records(trades: &[Trade], partitions: i32, of: KeyOf) -> anyhow::Result<Vec<Record>> {
    let mut records = Vec::with_capacity(trades.len());
    for trade in trades {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        of.write("upbit", &trade.identity(), &mut key);
        trades::json(trade, &mut value);
        let partition = partition_for(&key, partitions)?;
        let market = trade.market;
        records.push(Record {
            market,
            key,
            value,
            partition,
        });
    }
    Ok(records)
}

/// Trades whose millisecond another market has a trade in as well: by their times alone these have no order.
fn tied(trades: &[Trade], figures: &mut Figures) {
    let mut markets: HashMap<i64, Vec<Market>> = HashMap::new();
    for trade in trades {
        markets.entry(trade.event_time.millis()).or_default().push(trade.market);
    }
    let of_several = |markets: &&Vec<Market>| markets.iter().any(|market| *market != markets[0]);
    let tied: usize = markets.values().filter(of_several).map(Vec::len).sum();
    // The exchange ran faster than a market does, so the share belongs to its rate.
    let span = trades.last().zip(trades.first());
    let ms = span.map_or(1, |(last, first)| last.event_time.millis() - first.event_time.millis());
    let arm = "order=time";
    figures.share(arm, "tied", tied as u64, trades.len() as u64);
    figures.add(
        arm,
        "rate",
        trades.len() as f64 * 1e3 / ms.max(1) as f64,
        trades.len() as u64,
    );
}

/// Keeps the client's queue full; records a second that were reported delivered, and how many.
fn closed(servers: &Servers<'_>, records: &[Record], partitions: i32, span: Duration) -> anyhow::Result<(f64, u64)> {
    let topic = servers.topic(partitions)?;
    let writer = Writer::new(servers.bootstrap(), &topic, &SETTINGS)?;
    let delivered = || writer.heard.delivered.load(Ordering::Relaxed);
    let started = Instant::now();
    let (mut counted, mut number) = (None, 0);
    let (rate, n) = loop {
        for record in records {
            number += 1;
            writer.send(Some(record.partition), &record.key, &record.value, number)?;
            // A fifth to warm up; a first record must have come, or there is nothing to count from.
            if counted.is_none() && started.elapsed() > span / 5 && delivered() > 0 {
                counted = Some((Instant::now(), delivered()));
            }
        }
        if let Some((since, before)) = counted
            && started.elapsed() > span
            && delivered() > before
        {
            let n = delivered() - before;
            break (n as f64 / since.elapsed().as_secs_f64(), n);
        }
    };
    writer.give_up();
    servers.remove(&topic)?;
    Ok((rate, n))
}

/// What a reader sees of the order.
#[derive(Default)]
struct Seen {
    over_all: Disorder,
    markets: HashMap<Market, Disorder>,
}

impl Seen {
    fn see(&mut self, number: u64, market: Market) {
        self.over_all.see(number);
        self.markets.entry(market).or_default().see(number);
    }

    fn tell(&self, arm: &str, figures: &mut Figures) {
        let behind = self.markets.values().map(|market| market.behind).sum();
        figures.share(arm, "over_all", self.over_all.behind, self.over_all.all);
        figures.share(arm, "per_market", behind, self.over_all.all);
    }
}

/// Records due at fixed times, and a reader that keeps up: in which order they come, and what it costs to have them in the
/// order in which they were sent. How many others stand before them in the topic.
fn live(
    servers: &Servers<'_>,
    topic: &Topic,
    records: &[Record],
    warm: Duration,
    arm: &str,
    figures: &mut Figures,
) -> anyhow::Result<u64> {
    let consumer = client::reader(servers.bootstrap(), topic)?;
    let writer = Writer::new(servers.bootstrap(), topic, &SETTINGS)?;
    let warming = writer.warm_up(topic, records.len() as u64, RATE, warm)?;
    client::read(&consumer, warming, |_| Ok(()))?;
    // A partition without keys would be waited for to the end: whoever merges must know which there are.
    let mut used: Vec<i32> = records.iter().map(|record| record.partition).collect();
    used.sort_unstable();
    used.dedup();
    let start = Instant::now() + Duration::from_millis(100);
    let due = |number: u64| start + Duration::from_secs_f64(number as f64 / RATE);
    let mut merge = Merge::new(used.len() as u16);
    let (mut came, mut merged) = (Seen::default(), Seen::default());
    let (mut delay, mut merged_delay, mut held) = (Latency::default(), Latency::default(), 0);
    let late = |number| Instant::now().saturating_duration_since(due(number)).as_micros() as u64;
    thread::scope(|scope| {
        let load = scope.spawn(|| {
            for (number, record) in (0..).zip(records) {
                pause_until(due(number));
                writer.send(Some(record.partition), &record.key, &record.value, number)?;
            }
            writer.flush()
        });
        client::read(&consumer, records.len() as u64, |record| {
            let number = client::number(record);
            let market = records[number as usize].market;
            came.see(number, market);
            delay.record(late(number), 1);
            let input = used
                .binary_search(&rdkafka::Message::partition(record))
                .unwrap_or_default();
            merge.push(input, number, market)?;
            while let Some((number, market)) = merge.pop() {
                merged.see(number, market);
                merged_delay.record(late(number), 1);
            }
            held = held.max(merge.held());
            Ok(())
        })?;
        load.join().unwrap_or_else(|_| Err(anyhow!("the load panicked")))
    })?;
    for input in 0..used.len() {
        merge.end(input)?;
    }
    while let Some((number, market)) = merge.pop() {
        merged.see(number, market);
        merged_delay.record(late(number), 1);
    }
    for (order, seen, delay) in [("came", &came, &delay), ("merged", &merged, &merged_delay)] {
        let arm = format!("{arm} reading=live order={order}");
        seen.tell(&arm, figures);
        figures.add(&arm, "p50", delay.millis_at(0.5), delay.count());
        figures.add(&arm, "p99", delay.millis_at(0.99), delay.count());
    }
    let arm = format!("{arm} reading=live order=merged");
    figures.add(&arm, "held", held as f64, records.len() as u64);
    Ok(warming)
}

/// The same records, read later from the beginning.
fn backlog(
    servers: &Servers<'_>,
    topic: &Topic,
    records: &[Record],
    warming: u64,
    arm: &str,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let consumer = client::reader(servers.bootstrap(), topic)?;
    let mut seen = Seen::default();
    client::read(&consumer, records.len() as u64 + warming, |record| {
        let number = client::number(record);
        if let Some(record) = records.get(number as usize) {
            seen.see(number, record.market);
        }
        Ok(())
    })?;
    seen.tell(&format!("{arm} reading=backlog order=came"), figures);
    Ok(())
}

/// A backlog, and a reader for each partition that takes its time over each record: records a second until the last is done.
fn drain(
    servers: &Servers<'_>,
    records: &[Record],
    partitions: i32,
    arm: &str,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let topic = servers.topic(partitions)?;
    let writer = Writer::new(servers.bootstrap(), &topic, &SETTINGS)?;
    for (number, record) in (0..).zip(records) {
        writer.send(Some(record.partition), &record.key, &record.value, number)?;
    }
    writer.flush()?;
    let workers = Workers::new(servers.bootstrap(), &topic)?;
    let started = Instant::now();
    workers.work(records.len() as u64, SERVICE, |_| {})?;
    let n = records.len() as u64;
    figures.add(arm, "drained", n as f64 / started.elapsed().as_secs_f64(), n);
    servers.remove(&topic)
}
