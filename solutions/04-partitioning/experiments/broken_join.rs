//! broken-join: trades that do not find their market's listing, because two clients place the same keys by other hashes.

use std::collections::HashSet;

use exchange::source::catalog;
use measure::Teller;
use placement::Partitioner;

use crate::client::{Writer, places};
use crate::run::{Figures, Run};
use crate::servers::{Servers, Topic};
use crate::{java, trades};

const MARKETS: usize = catalog::LISTED;

/// Who places the listings, and on how many times the trades' partitions.
const LISTINGS: [(&str, Option<&str>, i32); 4] = [
    ("librdkafka", None, 1),
    ("murmur2_random", Some("murmur2_random"), 1),
    ("placement", Some("consistent_random"), 1),
    ("placement", Some("consistent_random"), 2),
];

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let (seeds, count, sizes) = run.pick(
        (3, 20_000, [3, 6, 12, 48].as_slice()),
        (1, 20_000, &[3, 6, 12, 48]),
        (1, 500, &[6]),
    );
    let mut teller = Teller::new(2 + seeds * sizes.len());
    let codes: Vec<String> = catalog::listings(MARKETS)
        .unwrap_or_default()
        .iter()
        .map(|listing| listing.market.to_string())
        .collect();
    // Asked before there are servers: a task that is not built ends the program.
    Partitioner::default().partition(Some(b"KRW-BTC"), 3)?;
    teller.step("servers");
    let servers = Servers::of(run, &teller)?;
    teller.step("listings");
    let mut listings = Vec::new();
    for partitions in sizes {
        for (by, partitioner, times) in run.pick(LISTINGS.as_slice(), &LISTINGS, &LISTINGS[..1]) {
            let topic = servers.topic(partitions * times)?;
            let places = list(&servers, &topic, by, *partitioner, &codes)?;
            listings.push((*partitions, *by, *times, places));
        }
    }
    let java = java::jars(&servers).is_some();
    if !java {
        teller.not_here(
            "The Java client is run from Kafka's own jars, and with this stack they are not on this machine; run it with \
             LAB_STACK=local. librdkafka's murmur2_random stands in for it.",
        );
    }
    let mut figures = Figures::default();
    for seed in 1..=seeds {
        let trades = trades::generated(run, seed as u64, MARKETS, count)?;
        let keys: Vec<&[u8]> = trades.iter().map(|trade| trade.market.as_bytes()).collect();
        for partitions in sizes {
            teller.step(&format!("{count} trades on {partitions} partitions, seed {seed}"));
            let topic = servers.topic(*partitions)?;
            let client = if java { "java" } else { "murmur2_random" };
            match java {
                true => {
                    let records = trades
                        .iter()
                        .map(|trade| (trade.market.as_bytes(), trade.sequential_id.to_string()));
                    java::produce(&servers, &topic, records)?;
                }
                false => write(
                    &servers,
                    &topic,
                    &[("partitioner", "murmur2_random")],
                    keys.iter().map(|key| (*key, None)),
                )?,
            }
            let placed = places(servers.bootstrap(), &topic, count as u64)?;
            let met: HashSet<&[u8]> = keys.iter().copied().collect();
            for (_, by, times, listed) in listings.iter().filter(|(of, ..)| of == partitions) {
                let listed: HashSet<(&[u8], i32)> =
                    listed.iter().map(|(key, place)| (key.as_slice(), *place)).collect();
                let unmet = |(key, place): &&(Vec<u8>, i32)| !listed.contains(&(key.as_slice(), *place));
                let lost: Vec<&(Vec<u8>, i32)> = placed.iter().filter(unmet).collect();
                let markets: HashSet<&[u8]> = lost.iter().map(|(key, _)| key.as_slice()).collect();
                let on = if *times == 1 { "as-many" } else { "twice-as-many" };
                let arm = format!("trades={client} listings={by} on={on} partitions={partitions}");
                figures.share(&arm, "unmet", lost.len() as u64, placed.len() as u64);
                figures.share(&arm, "markets", markets.len() as u64, met.len() as u64);
            }
            servers.remove(&topic)?;
        }
    }
    figures.tell(&teller);
    Ok(())
}

/// Writes a record for each market; where each lies then.
fn list(
    servers: &Servers<'_>,
    topic: &Topic,
    by: &str,
    partitioner: Option<&str>,
    codes: &[String],
) -> anyhow::Result<Vec<(Vec<u8>, i32)>> {
    let settings: Vec<(&str, &str)> = partitioner.map(|name| ("partitioner", name)).into_iter().collect();
    let place = |code: &String| match by {
        "placement" => Partitioner::Murmur2
            .partition(Some(code.as_bytes()), topic.partitions)
            .ok(),
        _ => None,
    };
    write(
        servers,
        topic,
        &settings,
        codes.iter().map(|code| (code.as_bytes(), place(code))),
    )?;
    places(servers.bootstrap(), topic, codes.len() as u64)
}

fn write<'k>(
    servers: &Servers<'_>,
    topic: &Topic,
    settings: &[(&str, &str)],
    records: impl Iterator<Item = (&'k [u8], Option<i32>)>,
) -> anyhow::Result<()> {
    let writer = Writer::new(servers.bootstrap(), topic, settings)?;
    for (number, (key, place)) in (1..).zip(records) {
        writer.send(place, key, b"", number)?;
    }
    writer.flush()
}
