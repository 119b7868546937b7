//! hot-market: half of all trades are of one market, and the reader of a partition takes so many a second. What sub-keys cure and cost.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use market::{EventTime, Trade};
use measure::{Latency, Teller};
use placement::{Merge, Salt, SubKeys, partition_for};

use crate::client::Writer;
use crate::run::{Disorder, Figures, Run, pause_until};
use crate::servers::Servers;
use crate::trades;
use crate::workers::Workers;

const MARKETS: usize = 40;
const PARTITIONS: i32 = 12;
const HOT: &[u8] = b"KRW-BTC";
/// Trades a second, every second one of the hot market.
const RATE: f64 = 3_000.0;
/// What the reader of one partition takes, records a second.
const CAPACITY: u64 = 600;

/// How the hot market is dealt out.
#[derive(Clone, Copy)]
struct Deal {
    ways: u16,
    salt: Salt,
    /// By the hash of its own name, and not beside the key's partition.
    named: bool,
}

impl Deal {
    const fn beside(ways: u16, salt: Salt) -> Self {
        let named = false;
        Self { ways, salt, named }
    }

    fn arm(self) -> String {
        let salt = match self.salt {
            Salt::Number => "number".to_owned(),
            Salt::Span { ms } => format!("{ms}ms"),
        };
        let placed = if self.named { "hashed" } else { "beside" };
        format!("ways={} salt={salt} placed={placed}", self.ways)
    }
}

const DEALS: [Deal; 8] = [
    Deal::beside(1, Salt::Number),
    Deal::beside(2, Salt::Number),
    Deal::beside(3, Salt::Number),
    Deal::beside(4, Salt::Number),
    Deal::beside(8, Salt::Number),
    Deal {
        ways: 4,
        salt: Salt::Number,
        named: true,
    },
    Deal::beside(4, Salt::Span { ms: 100 }),
    Deal::beside(4, Salt::Span { ms: 1_000 }),
];

/// A trade to be sent.
struct Job {
    trade: Trade,
    partition: i32,
    /// The sub-key, if it is of the hot market.
    sub: Option<u16>,
}

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let (rounds, count) = run.pick((5, 15_000), (1, 6_000), (1, 300));
    let warm = Duration::from_millis(run.pick(1_000, 1_000, 0));
    let deals = run.pick(DEALS.as_slice(), &DEALS, &DEALS[3..4]);
    let mut teller = Teller::new(rounds * (1 + deals.len()));
    let mut figures = Figures::default();
    let mut servers = None;
    for round in 1..=rounds {
        teller.step(&format!("trades, {round} of {rounds}"));
        let trades = half_hot(run, round as u64, count)?;
        // Placed before there are servers: a task that is not built ends the program.
        let dealt: Vec<Vec<Job>> = deals
            .iter()
            .map(|deal| jobs(&trades, *deal))
            .collect::<anyhow::Result<_>>()?;
        Merge::<u64, ()>::new(1).pop();
        enough(&trades, &mut figures)?;
        let servers = match &mut servers {
            Some(servers) => servers,
            none => none.insert(Servers::of(run, &teller)?),
        };
        for (deal, jobs) in deals.iter().zip(&dealt) {
            teller.step(&format!("{}, {round} of {rounds}", deal.arm()));
            one(servers, jobs, *deal, warm, &mut figures)?;
        }
    }
    figures.tell(&teller);
    Ok(())
}

/// Every second trade is of the hot market; those between are the others' as they come.
fn half_hot(run: &Run, seed: u64, count: usize) -> anyhow::Result<Vec<Trade>> {
    // The hot one has a fifth to a quarter of all.
    let all = trades::generated(run, seed, MARKETS, 4 * count)?;
    let (hot, others): (Vec<Trade>, Vec<Trade>) = all.into_iter().partition(|trade| trade.market.as_bytes() == HOT);
    let mixed: Vec<Trade> = hot
        .into_iter()
        .zip(others)
        .flat_map(|(hot, other)| [hot, other])
        .take(count)
        .collect();
    anyhow::ensure!(
        mixed.len() == count,
        "{} of {count} trades, half of them hot",
        mixed.len()
    );
    Ok(mixed)
}

/// When a trade is due, from the beginning of the load on.
fn due(number: u64) -> Duration {
    Duration::from_secs_f64(number as f64 / RATE)
}

fn jobs(trades: &[Trade], deal: Deal) -> anyhow::Result<Vec<Job>> {
    let keys = SubKeys::new(deal.salt, deal.ways)?;
    let mut jobs = Vec::with_capacity(trades.len());
    for (number, trade) in (0..).zip(trades) {
        let key = trade.market.as_bytes();
        let hot = key == HOT;
        let sub = hot.then(|| {
            // The load runs at its own rate, so its times are those at which it is sent.
            let time = EventTime::from_millis(due(number).as_millis() as i64);
            keys.of(&trade.identity(), time)
        });
        let partition = match sub {
            None => partition_for(key, PARTITIONS)?,
            Some(sub) if deal.named => partition_for(format!("KRW-BTC#{sub}").as_bytes(), PARTITIONS)?,
            Some(sub) => SubKeys::partition(key, sub, PARTITIONS)?,
        };
        let trade = *trade;
        jobs.push(Job { trade, partition, sub });
    }
    Ok(jobs)
}

/// How many sub-keys the library asks for, with the rates of these trades.
fn enough(trades: &[Trade], figures: &mut Figures) -> anyhow::Result<()> {
    let mut counts = [0; PARTITIONS as usize];
    let mut hot = 0;
    for trade in trades {
        match trade.market.as_bytes() {
            HOT => hot += 1,
            key => counts[partition_for(key, PARTITIONS)? as usize] += 1,
        }
    }
    let a_second = |count: u64| (count as f64 * RATE / trades.len() as f64).ceil() as u64;
    let others = counts.map(a_second);
    let ways = SubKeys::enough(HOT, a_second(hot), &others, CAPACITY)?.context("no number of sub-keys is enough")?;
    figures.add("ways=enough", "ways", f64::from(ways), trades.len() as u64);
    let most = others.iter().max().copied().unwrap_or_default();
    figures.add("ways=enough", "others", most as f64, trades.len() as u64);
    Ok(())
}

/// What is seen as records are done.
struct Seen {
    hot: Latency,
    others: Latency,
    all: Latency,
    merged: Latency,
    order: Disorder,
    merge: Merge<u64, ()>,
    held: usize,
}

impl Seen {
    fn merged(&mut self, late: impl Fn(u64) -> u64) {
        while let Some((number, ())) = self.merge.pop() {
            self.merged.record(late(number), 1);
        }
        self.held = self.held.max(self.merge.held());
    }
}

fn one(servers: &Servers<'_>, jobs: &[Job], deal: Deal, warm: Duration, figures: &mut Figures) -> anyhow::Result<()> {
    let topic = servers.topic(PARTITIONS)?;
    let writer = Writer::new(servers.bootstrap(), &topic, &[("enable.idempotence", "true")])?;
    let workers = Workers::new(servers.bootstrap(), &topic)?;
    let n = jobs.len() as u64;
    let warming = writer.warm_up(&topic, n, RATE, warm)?;
    workers.work(warming, Duration::ZERO, |_| {})?;
    let seen = Mutex::new(Seen {
        hot: Latency::default(),
        others: Latency::default(),
        all: Latency::default(),
        merged: Latency::default(),
        order: Disorder::default(),
        merge: Merge::new(deal.ways),
        held: 0,
    });
    let start = Instant::now() + Duration::from_millis(100);
    let late = |number| {
        Instant::now()
            .saturating_duration_since(start + due(number))
            .as_micros() as u64
    };
    let finish = |number: u64| {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let micros = late(number);
        seen.all.record(micros, 1);
        match jobs[number as usize].sub {
            None => seen.others.record(micros, 1),
            Some(sub) => {
                seen.hot.record(micros, 1);
                seen.order.see(number);
                // A sub-key that does not exist is none that was dealt.
                let _ = seen.merge.push(usize::from(sub), number, ());
                seen.merged(late);
            }
        }
    };
    let lag = thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut value = Vec::new();
            for (number, job) in (0..).zip(jobs) {
                trades::json(&job.trade, &mut value);
                pause_until(start + due(number));
                let key = job.trade.market.as_bytes();
                writer.send(Some(job.partition), key, &value, number)?;
            }
            pause_until(start + due(n));
            let lag = n - workers.done().min(n);
            writer.flush()?;
            anyhow::Ok(lag)
        });
        let service = Duration::from_secs_f64(1.0 / CAPACITY as f64);
        workers.work(n, service, finish)?;
        load.join().unwrap_or_else(|_| Err(anyhow!("the load panicked")))
    })?;
    let mut seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    for sub in 0..deal.ways {
        seen.merge.end(usize::from(sub))?;
    }
    seen.merged(late);
    let arm = deal.arm();
    figures.add(&arm, "lag", lag as f64, n);
    figures.add(&arm, "behind", lag as f64 / due(n).as_secs_f64(), n);
    for (metric, latency) in [
        ("p99", &seen.all),
        ("hot_p99", &seen.hot),
        ("others_p99", &seen.others),
        ("merged_p99", &seen.merged),
    ] {
        figures.add(&arm, metric, latency.millis_at(0.99), latency.count());
    }
    figures.share(&arm, "reordered", seen.order.behind, seen.order.all);
    figures.add(&arm, "held", seen.held as f64, seen.order.all);
    servers.remove(&topic)
}
