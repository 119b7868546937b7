//! rows-and-columns: the same questions to a row store and to a column store, over the same trades.

use std::time::Instant;

use anyhow::ensure;
use clickhouse::Client;
use measure::Teller;

use crate::run::{Figures, Run, millis};
use crate::server::Server;
use crate::sqlite::Rows;
use crate::trades::{BEGIN, EVERY_MS, Trades};

/// A question, as either store is asked it; `INDEX` in SQLite's stands for how the table is to be read. SQLite adds volumes as
/// floating point numbers: as integers, those of a cheap coin leave 64 bits.
struct Question {
    name: &'static str,
    sqlite: String,
    clickhouse: String,
    /// The indexes of SQLite that may serve it.
    indexes: &'static [&'static str],
}

/// The market that all questions about one are about: its number, and its name in `NAME`.
fn questions(name: &str, trades: &Trades, rows: usize) -> Vec<Question> {
    let market = trades
        .names
        .iter()
        .position(|market| market.as_str() == name)
        .unwrap_or(0);
    let middle = BEGIN + EVERY_MS * (rows / 2) as i64;
    let (from, to) = (middle - 1_800_000, middle + 1_800_000);
    let one = trades
        .stored(
            trades
                .markets
                .iter()
                .rposition(|of| usize::from(*of) == market)
                .unwrap_or(0),
        )
        .sequential_id;
    let stretch = format!(
        "event_time >= fromUnixTimestamp64Milli({from}, 'UTC') AND event_time < fromUnixTimestamp64Milli({to}, 'UTC')"
    );
    vec![
        Question {
            name: "mean",
            sqlite: "SELECT avg(price) / 1e8 FROM trades INDEX".into(),
            clickhouse: "SELECT avg(price) FROM trades".into(),
            indexes: &["none", "covering"],
        },
        Question {
            name: "by-market",
            sqlite: "SELECT count(*), total(volume) / 1e8, max(price) / 1e8 FROM trades INDEX GROUP BY market ORDER BY 1, 2".into(),
            clickhouse: "SELECT count() AS n, toFloat64(sum(volume)) AS v, toFloat64(max(price)) FROM trades GROUP BY market ORDER BY n, v".into(),
            indexes: &["none", "key", "covering"],
        },
        Question {
            name: "candles",
            sqlite: format!(
                "SELECT event_time / 60000 * 60, max(price) / 1e8, min(price) / 1e8, total(volume) / 1e8, count(*) FROM trades INDEX \
                 WHERE market = {market} AND event_time >= {from} AND event_time < {to} GROUP BY event_time / 60000 ORDER BY 1"
            ),
            clickhouse: format!(
                "SELECT toUnixTimestamp(toStartOfMinute(event_time)) AS minute, toFloat64(max(price)), toFloat64(min(price)), \
                 toFloat64(sum(volume)), count() FROM trades WHERE market = '{name}' AND {stretch} GROUP BY minute ORDER BY minute"
            ),
            indexes: &["none", "key", "covering"],
        },
        Question {
            name: "one-trade",
            sqlite: format!("SELECT event_time, price / 1e8, volume / 1e8, kafka_offset FROM trades INDEX WHERE market = {market} AND sequential_id = {one}"),
            clickhouse: format!(
                "SELECT toUnixTimestamp64Milli(event_time), toFloat64(price), toFloat64(volume), kafka_offset FROM trades \
                 WHERE market = '{name}' AND sequential_id = {one}"
            ),
            indexes: &["none", "identity"],
        },
    ]
}

/// SQLite is told which index to use: whether it would find the best one by itself is another question.
fn with(sql: &str, index: &str) -> String {
    let how = match index {
        "none" => "NOT INDEXED".to_owned(),
        "key" => "INDEXED BY by_key".to_owned(),
        other => format!("INDEXED BY {other}"),
    };
    sql.replace("INDEX", &how)
}

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let count = run.pick(1_000_000, 1_000_000, 2_000);
    let sizes: &[usize] = run.pick(&[1, 10], &[1], &[1]);
    let rounds = run.pick(5, 3, 1);
    let mut teller = Teller::new(2 + sizes.len() * (1 + rounds));
    teller.step("servers");
    let server = Server::start(run, &teller)?;
    server.tables()?;
    teller.step("trades");
    let trades = Trades::make(run, count)?;
    server.fill("trades", &trades)?;
    let name = trades.names.first().map_or("", |market| market.as_str()).to_owned();
    let mut figures = Figures::default();
    for times in sizes {
        let (rows, folder) = (count * times, tempfile::tempdir()?);
        let file = folder.path().join("trades.sqlite");
        let size = format!("trades={}", shown(rows));
        teller.step(&format!("filling both, {size}"));
        if *times > 1 {
            server.multiply("trades", count, *times)?;
        }
        let stored = server.number("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase() AND table = 'trades'")?;
        figures.add(
            &format!("{size} store=clickhouse"),
            "stored",
            stored / rows as f64,
            rows as u64,
        );
        let mut sqlite = Rows::make(&file, &trades, *times)?;
        figures.add(
            &format!("{size} store=sqlite"),
            "stored",
            sqlite.bytes()? / rows as f64,
            rows as u64,
        );
        let questions = questions(&name, &trades, rows);
        for round in 0..rounds {
            teller.step(&format!("{size}, round {}", round + 1));
            for question in &questions {
                let mut wanted = None;
                for index in question.indexes {
                    let sql = with(&question.sqlite, index);
                    let arm = |cache| {
                        format!(
                            "{size} query={} store=sqlite index={index} cache={cache}",
                            question.name
                        )
                    };
                    sqlite = sqlite.again(&file)?;
                    let started = Instant::now();
                    same(&mut wanted, sqlite.ask(&sql)?, question.name)?;
                    let took = started.elapsed().as_secs_f64() * 1e3;
                    figures.add(&arm("new"), "time", took, rows as u64);
                    let took = millis(|| same(&mut wanted, sqlite.ask(&sql)?, question.name))?;
                    figures.add(&arm("warm"), "time", took, rows as u64);
                }
                for threads in ["1", "all"] {
                    let mut client: Client = server.plain();
                    if threads == "1" {
                        client = client.with_setting("max_threads", "1");
                    }
                    // Once for the caches: the marks' and the kernel's.
                    server.text(&client, &question.clickhouse)?;
                    let (answer, evidence) = server.evidence(&client, &question.clickhouse)?;
                    same(&mut wanted, numbers(&answer)?, question.name)?;
                    let arm = format!(
                        "{size} query={} store=clickhouse threads={threads} cache=warm",
                        question.name
                    );
                    let took = millis(|| server.text(&client, &question.clickhouse).map(drop))?;
                    figures.add(&arm, "time", took, rows as u64);
                    if threads == "1" {
                        let arm = format!("{size} query={} store=clickhouse", question.name);
                        figures.add(&arm, "read_rows", evidence.read_rows as f64, 1);
                        figures.add(&arm, "read", evidence.read_bytes as f64 / 1e6, 1);
                    }
                }
            }
        }
    }
    figures.tell(&teller);
    Ok(())
}

fn shown(rows: usize) -> String {
    if rows.is_multiple_of(1_000_000) {
        format!("{}M", rows / 1_000_000)
    } else {
        format!("{}k", rows / 1_000)
    }
}

fn numbers(text: &str) -> anyhow::Result<Vec<Vec<f64>>> {
    text.lines()
        .map(|line| line.split('\t').map(|value| Ok(value.parse()?)).collect())
        .collect()
}

/// Equal answers, but for how a sum of floating point numbers rounds.
fn same(wanted: &mut Option<Vec<Vec<f64>>>, found: Vec<Vec<f64>>, question: &str) -> anyhow::Result<()> {
    ensure!(!found.is_empty(), "{question}: no answer");
    let Some(wanted) = wanted else {
        *wanted = Some(found);
        return Ok(());
    };
    let close = |a: &f64, b: &f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs());
    let equal = wanted.len() == found.len()
        && wanted
            .iter()
            .zip(&found)
            .all(|(a, b)| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| close(a, b)));
    ensure!(
        equal,
        "{question}: the stores differ: {:?} and {:?}",
        wanted.first(),
        found.first()
    );
    Ok(())
}
