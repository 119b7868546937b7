//! versions: what a Replacing table shows before a merge and after it, and what each way to the newest reads.

use anyhow::ensure;
use measure::Teller;
use olap::{Newest, newest, replacing};

use crate::run::{Figures, Run, millis};
use crate::server::Server;

/// Versions of each candle.
const VERSIONS: usize = 3;
const WAYS: [(&str, Newest); 4] = [
    ("plain", Newest::Plain),
    ("final", Newest::Final),
    ("limit-by", Newest::LimitBy),
    ("argmax", Newest::ArgMax),
];

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let candles = run.pick(500_000, 100_000, 1_000);
    let rounds = run.pick(7, 3, 1);
    let mut teller = Teller::new(2 + 2 * rounds);
    teller.step("servers");
    let server = Server::start(run, &teller)?;
    let table = replacing(&olap::candles()?, "kafka_offset", "versions")?;
    server.sql(&table.statement(&server.database)?)?;
    teller.step("candles");
    server.sql("SYSTEM STOP MERGES versions")?;
    for version in 0..VERSIONS {
        // A minute's candle of 40 markets, in one month; the values follow from the numbers, so that the newest is known.
        server.sql(&format!(
            "INSERT INTO versions SELECT concat('KRW-', toString(number % 40)), '1m', \
             fromUnixTimestamp64Milli(1704067200000 + toInt64(intDiv(number, 40)) * 60000, 'UTC'), cityHash64(number) % 100000, \
             cityHash64(number, 1) % 100000, cityHash64(number, 2) % 100000, cityHash64(number, {version}) % 100000, \
             toDecimal128(cityHash64(number, 4) % 100000, 8) / 1000, 1, {version} + 1, number % 40 % 6, number * 10 + {version} \
             FROM numbers({candles})"
        ))?;
    }
    let client = server.client.clone().with_setting("max_threads", "1");
    let mut figures = Figures::default();
    let mut wanted: Option<String> = None;
    for merged in ["no", "yes"] {
        if merged == "yes" {
            server.sql("SYSTEM START MERGES versions")?;
            server.sql("OPTIMIZE TABLE versions FINAL")?;
        }
        for round in 0..rounds {
            teller.step(&format!("merged={merged}, round {}", round + 1));
            for (name, how) in WAYS {
                let query = newest(&table, &server.database, how)?;
                let sql = format!("SELECT count(), sum(close), sum(volume), max(high), sum(trades) FROM ({query})");
                let (answer, evidence) = server.evidence(&client, &sql)?;
                let took = millis(|| server.text(&client, &sql).map(drop))?;
                let rows: f64 = answer.split('\t').next().unwrap_or_default().parse()?;
                if how != Newest::Plain || merged == "yes" {
                    let wanted = wanted.get_or_insert(answer.clone());
                    ensure!(
                        *wanted == answer,
                        "{name} merged={merged} gives {answer:?}, and {wanted:?} was to be"
                    );
                }
                let arm = format!("how={name} merged={merged}");
                figures.add(&arm, "rows", 100.0 * rows / candles as f64, 1);
                figures.add(&arm, "read_rows", 100.0 * evidence.read_rows as f64 / candles as f64, 1);
                figures.add(&arm, "time", took, candles as u64);
                figures.add(&arm, "memory", evidence.memory_bytes as f64 / 1e6, 1);
            }
        }
    }
    figures.tell(&teller);
    Ok(())
}
