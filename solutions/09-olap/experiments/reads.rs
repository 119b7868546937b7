//! what-is-read: columns touched, keys, indexes and projections, by what the server says it has read.

use measure::Teller;
use olap::Plan;

use crate::run::{Figures, Run, millis};
use crate::server::Server;
use crate::trades::{BEGIN, EVERY_MS, Trades};

/// Queries by what they touch; `NAME`, `FROM` and `TO` are filled in, the two as times.
const QUERIES: [(&str, &str); 10] = [
    ("columns=1", "SELECT max(price) FROM trades"),
    ("columns=2", "SELECT max(price), max(volume) FROM trades"),
    (
        "columns=4",
        "SELECT max(price), max(volume), max(sequential_id), max(event_time) FROM trades",
    ),
    (
        "columns=9",
        "SELECT max(price), max(volume), max(sequential_id), max(event_time), max(sent_time), max(market), max(side), \
         max(kafka_partition), max(kafka_offset) FROM trades",
    ),
    // The guide's pair: a price alone, and a market with a stretch of time.
    (
        "where=price",
        "SELECT count(), max(volume) FROM trades WHERE price > 50000000",
    ),
    (
        "where=market-and-hour",
        "SELECT count(), max(volume) FROM trades WHERE market = 'NAME' AND event_time >= FROM AND event_time < TO",
    ),
    (
        "where=hour",
        "SELECT count(), max(volume) FROM trades WHERE event_time >= FROM AND event_time < TO",
    ),
    (
        "where=one-trade",
        "SELECT count(), max(volume) FROM trades WHERE market = 'NAME' AND sequential_id = ID",
    ),
    (
        "where=offsets",
        "SELECT count(), max(volume) FROM trades WHERE kafka_partition = 0 AND kafka_offset >= OFFSET",
    ),
    (
        "where=market-prefix",
        "SELECT count(), max(volume) FROM trades WHERE startsWith(market, 'KRW-B')",
    ),
];

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let count = run.pick(1_000_000, 1_000_000, 3_000);
    let rounds = run.pick(7, 3, 1);
    let mut teller = Teller::new(2 + rounds);
    teller.step("servers");
    let server = Server::start(run, &teller)?;
    server.tables()?;
    // The same rows with a second order, and without the skip index.
    let projected = olap::Table {
        name: "projected",
        indexes: Vec::new(),
        projections: vec![olap::Projection {
            name: "by_time",
            key: vec!["event_time"],
        }],
        ..olap::trades()?
    };
    server.sql(&projected.statement(&server.database)?)?;
    teller.step("trades");
    let trades = Trades::make(run, count)?;
    server.fill("trades", &trades)?;
    server.sql("INSERT INTO projected SELECT * FROM trades")?;
    server.sql("OPTIMIZE TABLE projected FINAL")?;
    let middle = BEGIN + EVERY_MS * (count / 2) as i64;
    let at = |millis: i64| format!("fromUnixTimestamp64Milli({millis}, 'UTC')");
    let name = trades.names[0].as_str();
    let one = trades
        .stored(trades.markets.iter().rposition(|of| *of == 0).unwrap_or(0))
        .sequential_id;
    let client = server.plain().with_setting("max_threads", "1");
    let last = server.number("SELECT max(kafka_offset) - 1000 FROM trades WHERE kafka_partition = 0")?;
    let mut figures = Figures::default();
    for table in ["trades", "projected"] {
        let key = if table == "trades" {
            "key=market-time"
        } else {
            "key=market-time+projection"
        };
        let bytes = server.number(&format!(
            "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase() AND table = '{table}'"
        ))?;
        figures.add(key, "stored", bytes / count as f64, count as u64);
    }
    for round in 0..rounds {
        teller.step(&format!("round {}", round + 1));
        for (arm, query) in QUERIES {
            let sql = query
                .replace("NAME", name)
                .replace("FROM AND", &format!("{} AND", at(middle - 1_800_000)))
                .replace("TO", &at(middle + 1_800_000))
                .replace("ID", &one.to_string())
                .replace("OFFSET", &last.to_string());
            // What the projection can serve is a question of where, not of columns.
            let tables: &[&str] = if arm.starts_with("where") {
                &["trades", "projected"]
            } else {
                &["trades"]
            };
            let mut wanted = None;
            for table in tables {
                let sql = sql.replace("FROM trades", &format!("FROM {table}"));
                let key = if *table == "trades" {
                    "key=market-time"
                } else {
                    "key=market-time+projection"
                };
                let arm = format!("{arm} {key}");
                let (answer, evidence) = server.evidence(&client, &sql)?;
                anyhow::ensure!(
                    wanted.get_or_insert(answer.clone()) == &answer,
                    "{arm}: the tables differ: {wanted:?} and {answer:?}"
                );
                let took = millis(|| server.text(&client, &sql).map(drop))?;
                figures.add(&arm, "time", took, 1);
                figures.add(&arm, "read_rows", 100.0 * evidence.read_rows as f64 / count as f64, 1);
                figures.add(&arm, "read", evidence.read_bytes as f64 / 1e6, 1);
                let (left, _) = run.wait(Plan::of(&client, &sql))?.granules();
                figures.add(&arm, "granules", left as f64, 1);
            }
            if arm == "where=price" {
                // What the server remembers of a condition: which granules held no row for it.
                let remembers = client.clone().with_setting("use_query_condition_cache", "1");
                server.text(&remembers, &sql)?;
                let (_, evidence) = server.evidence(&remembers, &sql)?;
                let arm = "where=price key=market-time asked=again";
                figures.add(arm, "read_rows", 100.0 * evidence.read_rows as f64 / count as f64, 1);
            }
        }
    }
    figures.tell(&teller);
    Ok(())
}
