//! as-said: the guide's statements and settings put to the server, and what came of them. There is no chance in it, and no time.

use measure::Teller;

use crate::run::{Figures, Run};
use crate::server::Server;

/// What the guide sets, beside what the server has anyway.
const SETTINGS: [(&str, f64); 4] = [
    ("max_insert_block_size", 1_048_576.0),
    ("min_insert_block_size_rows", 1_048_576.0),
    ("min_insert_block_size_bytes", 268_435_456.0),
    ("max_memory_usage", 2e9),
];

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let mut teller = Teller::new(7);
    teller.step("servers");
    let server = Server::start(run, &teller)?;
    let mut figures = Figures::default();
    teller.step("settings");
    settings(&server, &mut figures)?;
    teller.step("parts and merges");
    parts(&server, &mut figures)?;
    teller.step("rows that have expired");
    expired(&server, &mut figures)?;
    teller.step("marks");
    marks(run, &server, &mut figures)?;
    teller.step("sorted and shuffled");
    order(run, &server, &mut figures)?;
    teller.step("statements and limits");
    statements(&server, &mut figures)?;
    figures.tell(&teller);
    Ok(())
}

fn settings(server: &Server<'_>, figures: &mut Figures) -> anyhow::Result<()> {
    for (name, guide) in SETTINGS {
        let default = server.number(&format!("SELECT default FROM system.settings WHERE name = '{name}'"))?;
        figures.add(&format!("setting={name} by=server"), "value", default, 1);
        figures.add(&format!("setting={name} by=guide"), "value", guide, 1);
    }
    // Ten rows at a time, with the server's settings and with the guide's: how many rows a part gets.
    for (by, set) in [
        ("server", ""),
        (
            "guide",
            " SETTINGS max_insert_block_size = 1048576, min_insert_block_size_rows = 1048576, min_insert_block_size_bytes = 268435456",
        ),
    ] {
        server.sql("CREATE TABLE tens (n UInt64) ENGINE = MergeTree ORDER BY n")?;
        server.sql("SYSTEM STOP MERGES tens")?;
        for _ in 0..20 {
            server.sql(&format!("INSERT INTO tens{set} SELECT number FROM numbers(10)"))?;
        }
        let rows = server.number(
            "SELECT avg(rows) FROM system.parts WHERE active AND database = currentDatabase() AND table = 'tens'",
        )?;
        figures.add(&format!("setting=all by={by}"), "rows_a_part", rows, 20);
        server.sql("DROP TABLE tens SYNC")?;
    }
    Ok(())
}

fn parts(server: &Server<'_>, figures: &mut Figures) -> anyhow::Result<()> {
    server.sql("CREATE TABLE parts (market String, at UInt64) ENGINE = MergeTree ORDER BY (market, at)")?;
    server.sql("SYSTEM STOP MERGES parts")?;
    for _ in 0..10 {
        // The same row each time: the order key makes nothing unique.
        server.sql("INSERT INTO parts VALUES ('KRW-BTC', 1)")?;
    }
    for when in ["inserted", "merged"] {
        if when == "merged" {
            server.sql("SYSTEM START MERGES parts")?;
            server.sql("OPTIMIZE TABLE parts FINAL")?;
        }
        let parts = server.number(
            "SELECT count() FROM system.parts WHERE active AND database = currentDatabase() AND table = 'parts'",
        )?;
        figures.add(&format!("inserts=10 when={when}"), "parts", parts, 10);
        figures.add(
            &format!("inserts=10 when={when}"),
            "rows",
            server.number("SELECT count() FROM parts")?,
            10,
        );
    }
    server.sql("DROP TABLE parts SYNC")
}

fn expired(server: &Server<'_>, figures: &mut Figures) -> anyhow::Result<()> {
    server.sql("CREATE TABLE old (at DateTime, n UInt64) ENGINE = MergeTree ORDER BY n TTL at + INTERVAL 7 DAY")?;
    server.sql("SYSTEM STOP TTL MERGES old")?;
    server.sql("SYSTEM STOP MERGES old")?;
    server.sql("INSERT INTO old SELECT now() - INTERVAL 8 DAY, number FROM numbers(1000)")?;
    let left = |server: &Server<'_>| server.number("SELECT count() / 10 FROM old");
    figures.add("rows=expired when=inserted", "left", left(server)?, 1_000);
    server.sql("SYSTEM START MERGES old")?;
    server.sql("SYSTEM START TTL MERGES old")?;
    server.sql("OPTIMIZE TABLE old FINAL")?;
    figures.add("rows=expired when=merged", "left", left(server)?, 1_000);
    server.sql("DROP TABLE old SYNC")
}

/// A mark stands for so many rows: of a narrow row, and of one of some kilobytes.
fn marks(run: &Run, server: &Server<'_>, figures: &mut Figures) -> anyhow::Result<()> {
    // A hundred full granules of narrow rows, and some megabytes of wide ones.
    let narrow = run.pick(819_200, 819_200, 16_384);
    for (name, value, rows) in [
        ("narrow", "toString(number)", narrow),
        ("wide", "repeat(toString(number), 800)", 20_000),
    ] {
        server.sql("CREATE TABLE marks (n UInt64, value String) ENGINE = MergeTree ORDER BY n")?;
        server.sql(&format!("INSERT INTO marks SELECT number, {value} FROM numbers({rows}) SETTINGS max_block_size = {rows}, max_threads = 1"))?;
        server.sql("OPTIMIZE TABLE marks FINAL")?;
        // The last mark stands behind the last row.
        let each = server.number("SELECT quantileExact(0.5)(rows_in_granule) FROM mergeTreeIndex(currentDatabase(), 'marks') WHERE rows_in_granule > 0")?;
        figures.add(&format!("rows={name}"), "rows_a_mark", each, rows as u64);
        server.sql("DROP TABLE marks SYNC")?;
    }
    Ok(())
}

/// The same column, in the order of the markets and in none.
fn order(run: &Run, server: &Server<'_>, figures: &mut Figures) -> anyhow::Result<()> {
    let rows = run.pick(1_000_000, 300_000, 20_000);
    for (name, key) in [("sorted", "(market, n)"), ("shuffled", "cityHash64(n)")] {
        server.sql(&format!(
            "CREATE TABLE alike (n UInt64, market String, price Decimal(18, 8)) ENGINE = MergeTree ORDER BY {key} SETTINGS min_bytes_for_wide_part = 0"
        ))?;
        server.sql(&format!(
            "INSERT INTO alike SELECT number, concat('KRW-', toString(number * 2654435761 % 40)), (number * 2654435761 % 40 + 1) * 1000 + \
             intDiv(number, 1000) % 100 FROM numbers({rows})"
        ))?;
        server.sql("OPTIMIZE TABLE alike FINAL")?;
        for column in ["market", "price"] {
            let bytes = server.number(&format!(
                "SELECT sum(column_data_compressed_bytes) FROM system.parts_columns WHERE active AND database = currentDatabase() \
                 AND table = 'alike' AND column = '{column}'"
            ))?;
            figures.add(
                &format!("column={column} order={name}"),
                "size",
                bytes / rows as f64,
                rows as u64,
            );
        }
        server.sql("DROP TABLE alike SYNC")?;
    }
    Ok(())
}

/// 1 where the server takes it, 0 where it does not.
fn statements(server: &Server<'_>, figures: &mut Figures) -> anyhow::Result<()> {
    let mut taken = |arm: &str, sql: &str| {
        let answer = server.text(&server.client, sql);
        figures.add(arm, "taken", f64::from(u8::from(answer.is_ok())), 1);
    };
    let queue = |format: &str| {
        format!(
            "CREATE TABLE queue (price Float64) ENGINE = Kafka SETTINGS kafka_broker_list = 'localhost:1', kafka_topic_list = 'ticker', \
             kafka_group_name = 'clickhouse-consumer'{format}"
        )
    };
    taken("statement=kafka-table-of-the-guide", &queue(""));
    taken(
        "statement=kafka-table-with-a-format",
        &queue(", kafka_format = 'JSONEachRow'"),
    );
    // In the guide's proportions: a user has three quarters of what a query has, and the query needs a little less than its own.
    let query = "SELECT length(groupArray(number)) FROM numbers(4000000) SETTINGS max_threads = 1";
    let (_, evidence) = server.evidence(&server.client, query)?;
    let of_query = evidence.memory_bytes as f64 / 0.87;
    let of_user = of_query * 0.75;
    let limited = |more: &str| format!("{query}, max_memory_usage = {of_query:.0}{more}");
    taken("query=below-its-limit limits=a-query", &limited(""));
    taken(
        "query=below-its-limit limits=a-query-and-a-user",
        &limited(&format!(", max_memory_usage_for_user = {of_user:.0}")),
    );
    server.sql("DROP TABLE IF EXISTS queue SYNC")
}
