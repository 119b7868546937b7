//! skew: how evenly trades fill partitions, by key, by hash, by number of partitions, and what each key does to order.

use std::collections::BTreeMap;

use exchange::source::catalog;
use market::Identity;
use measure::Teller;
use placement::{Consequences, KeyOf, Partitioner, Ranges};

use crate::run::{Figures, Run};
use crate::{recording, trades};

const PARTITIONS: [i32; 4] = [3, 6, 12, 48];
const EXCHANGE: &str = "upbit";
/// Trades by market in a recording of 30 s of the real exchange, 17 April 2021.
const RECORDED: [(&str, u64); 3] = [("KRW-LAMB", 299), ("KRW-WAVES", 3), ("BTC-ITAM", 2)];
const KEYS: [(KeyOf, &str); 4] = [
    (KeyOf::Exchange, "exchange"),
    (KeyOf::Quote, "quote"),
    (KeyOf::Market, "market"),
    (KeyOf::Trade, "trade"),
];

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let (seeds, count) = run.pick((7, 200_000), (3, 100_000), (1, 5_000));
    let mut teller = Teller::new(seeds + 1);
    let mut figures = Figures::default();
    for seed in 1..=seeds {
        teller.step(&format!("{count} generated trades, seed {seed}"));
        // All that are listed: the won's markets alone have one quote currency.
        let trades = trades::generated(run, seed as u64, catalog::LISTED, count)?;
        let identities: Vec<Identity> = trades.iter().map(market::Trade::identity).collect();
        judge("generated", &identities, &mut figures)?;
    }
    teller.step("recordings");
    recorded(&mut figures)?;
    match recording::trades() {
        Ok(trades) => judge("yours", &trades, &mut figures)?,
        Err(why) => teller.not_here(&why),
    }
    guide(&mut figures)?;
    figures.tell(&teller);
    Ok(())
}

fn judge(source: &str, trades: &[Identity], figures: &mut Figures) -> anyhow::Result<()> {
    let n = trades.len() as u64;
    let mut counts: BTreeMap<&[u8], u64> = BTreeMap::new();
    for trade in trades {
        *counts.entry(trade.market.as_bytes()).or_default() += 1;
    }
    let hottest = counts.values().max().copied().unwrap_or_default();
    figures.share(&format!("source={source} market=hottest"), "fullest", hottest, n);
    for partitions in PARTITIONS {
        let arm = |key: &str, by: &str| format!("source={source} key={key} by={by} partitions={partitions}");
        let hashed = [
            (Partitioner::Murmur2, "murmur2", KEYS.as_slice()),
            (Partitioner::Crc32, "crc32", &KEYS[2..3]),
        ];
        for (partitioner, by, keys) in hashed {
            for (of, key) in keys {
                let found = Consequences::count(*of, EXCHANGE, partitioner, partitions, trades)?;
                let arm = arm(key, by);
                loads(&arm, &found.loads, figures);
                figures.share(&arm, "parted", found.parted, n);
                figures.share(&arm, "split", found.split as u64, found.markets as u64);
            }
        }
        let packed = pack(counts.values().copied(), partitions as usize);
        loads(&arm("market", "packed"), &packed, figures);
        // Split points by the first half of the trades, judged by the second: ranges are chosen from what was.
        let (first, second) = trades.split_at(trades.len() / 2);
        let mut seen: BTreeMap<&[u8], u64> = BTreeMap::new();
        for trade in first {
            *seen.entry(trade.market.as_bytes()).or_default() += 1;
        }
        let ranges = Ranges::even(seen, partitions as usize);
        loads(
            &arm("market", "ranges"),
            &by_range(&ranges, second, partitions as usize),
            figures,
        );
    }
    letters(source, trades, figures)
}

/// Two ranges by the first letter.
fn letters(source: &str, trades: &[Identity], figures: &mut Figures) -> anyhow::Result<()> {
    let guide = Ranges::new(vec![b"N".to_vec()])?;
    let arm = format!("source={source} key=letter-of-market by=a-m-n-z partitions=2");
    loads(&arm, &by_range(&guide, trades, 2), figures);
    // The same ranges on what a reader may have meant: the coin.
    let mut coins = vec![0; 2];
    for trade in trades {
        let code = trade.market.as_bytes();
        let dash = code.iter().position(|byte| *byte == b'-').map_or(0, |at| at + 1);
        coins[guide.shard(&code[dash..])] += 1;
    }
    let arm = format!("source={source} key=letter-of-coin by=a-m-n-z partitions=2");
    loads(&arm, &coins, figures);
    Ok(())
}

/// The loads of a recording whose counts are known here: what each trade was does not matter to them.
fn recorded(figures: &mut Figures) -> anyhow::Result<()> {
    let mut trades = Vec::new();
    for (market, count) in RECORDED {
        let market = market.parse()?;
        trades.extend((0..count).map(|sequential_id| Identity { market, sequential_id }));
    }
    let n = trades.len() as u64;
    let hottest = RECORDED.iter().map(|(_, count)| *count).max().unwrap_or_default();
    figures.share("source=recorded market=hottest", "fullest", hottest, n);
    for partitions in PARTITIONS {
        for (of, key) in &KEYS[..3] {
            let found = Consequences::count(*of, EXCHANGE, Partitioner::Murmur2, partitions, &trades)?;
            let arm = format!("source=recorded key={key} by=murmur2 partitions={partitions}");
            loads(&arm, &found.loads, figures);
        }
    }
    letters("recorded", &trades, figures)
}

fn by_range(ranges: &Ranges, trades: &[Identity], shards: usize) -> Vec<u64> {
    let mut loads = vec![0; shards.max(ranges.shards())];
    for trade in trades {
        loads[ranges.shard(trade.market.as_bytes())] += 1;
    }
    loads
}

/// The markets into partitions with their counts known, the largest first, each where least is: no hash can know that.
fn pack(counts: impl Iterator<Item = u64>, partitions: usize) -> Vec<u64> {
    let mut counts: Vec<u64> = counts.collect();
    counts.sort_unstable_by(|one, other| other.cmp(one));
    let mut loads = vec![0; partitions];
    for count in counts {
        if let Some(least) = loads.iter_mut().min() {
            *least += count;
        }
    }
    loads
}

fn loads(arm: &str, loads: &[u64], figures: &mut Figures) {
    let (all, most): (u64, u64) = (loads.iter().sum(), loads.iter().max().copied().unwrap_or_default());
    figures.share(arm, "fullest", most, all);
    figures.add(arm, "skew", most as f64 * loads.len() as f64 / all.max(1) as f64, all);
    let empty = loads.iter().filter(|load| **load == 0).count();
    figures.add(arm, "empty", empty as f64, all);
}

/// The guide's two keys on three partitions, and its two sums as they are written.
fn guide(figures: &mut Figures) -> anyhow::Result<()> {
    for key in ["KRW-BTC", "KRW-ETH"] {
        for (partitioner, by) in [(Partitioner::Murmur2, "murmur2"), (Partitioner::Crc32, "crc32")] {
            let partition = partitioner.partition(Some(key.as_bytes()), 3)?;
            let arm = format!("source=guide key={key} by={by} partitions=3");
            figures.add(&arm, "partition", f64::from(partition), 1);
        }
    }
    for hash in [12_345, 67_890] {
        let arm = format!("source=guide hash={hash} partitions=3");
        figures.add(&arm, "partition", f64::from(hash % 3), 1);
    }
    Ok(())
}
