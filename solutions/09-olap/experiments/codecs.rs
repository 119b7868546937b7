//! codecs: bytes on the disk for each value, by type and codec, of generated and of recorded trades.

use measure::Teller;

use crate::recording;
use crate::run::{Figures, Run};
use crate::server::Server;
use crate::trades::Trades;

/// What is tried: the column of `trades` that it is made of, type, codecs, and the expression that makes it.
const TRIED: [(&str, &str, &[&str], &str); 15] = [
    ("market", "LowCardinality(String)", &["LZ4", "ZSTD"], "market"),
    ("market", "String", &["LZ4", "ZSTD"], "market"),
    (
        "sequential_id",
        "UInt64",
        &["LZ4", "ZSTD", "Delta,LZ4", "DoubleDelta,LZ4", "T64,LZ4"],
        "sequential_id",
    ),
    (
        "event_time",
        "DateTime64(3)",
        &["LZ4", "ZSTD", "Delta,LZ4", "DoubleDelta,LZ4", "T64,LZ4"],
        "event_time",
    ),
    (
        "sent_time",
        "DateTime64(3)",
        &["LZ4", "ZSTD", "Delta,LZ4", "DoubleDelta,LZ4"],
        "sent_time",
    ),
    ("price", "Decimal(38,8)", &["LZ4", "ZSTD"], "price"),
    (
        "price",
        "Decimal(18,8)",
        &["LZ4", "ZSTD", "Delta,LZ4", "T64,LZ4"],
        "price",
    ),
    (
        "price",
        "Float64",
        &["LZ4", "ZSTD", "Gorilla,LZ4", "FPC,LZ4"],
        "toFloat64(price)",
    ),
    ("price", "String", &["LZ4", "ZSTD"], "toString(price)"),
    ("volume", "Decimal(38,8)", &["LZ4", "ZSTD"], "volume"),
    ("volume", "Decimal(18,8)", &["LZ4", "ZSTD", "T64,LZ4"], "volume"),
    ("volume", "Float64", &["LZ4", "Gorilla,LZ4"], "toFloat64(volume)"),
    ("side", "Enum8", &["LZ4", "ZSTD"], "side"),
    ("side", "String", &["LZ4"], "toString(side)"),
    (
        "kafka_offset",
        "Int64",
        &["LZ4", "Delta,LZ4", "DoubleDelta,LZ4", "T64,LZ4"],
        "kafka_offset",
    ),
];

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let count = run.pick(1_000_000, 300_000, 3_000);
    let mut teller = Teller::new(4);
    teller.step("servers");
    let server = Server::start(run, &teller)?;
    teller.step("trades");
    let generated = Trades::make(run, count)?;
    let mut figures = Figures::default();
    let mut sources = vec![("generated", generated)];
    match recording::trades() {
        Ok(trades) => sources.push(("recording", trades)),
        Err(why) => teller.not_here(&why),
    }
    for (source, trades) in &sources {
        teller.step(&format!("{source}: {} trades", trades.len()));
        let plain = olap::Table {
            name: "source",
            ..olap::trades()?
        };
        server.sql("DROP TABLE IF EXISTS source SYNC")?;
        server.sql("DROP TABLE IF EXISTS tried SYNC")?;
        server.sql(&plain.statement(&server.database)?)?;
        server.fill("source", trades)?;
        let (mut columns, mut values, mut arms) = (Vec::new(), Vec::new(), Vec::new());
        for (column, kind, codecs, made) in TRIED {
            for codec in codecs {
                let typed = match kind {
                    "DateTime64(3)" => "DateTime64(3, 'UTC')",
                    "Enum8" => "Enum8('BID' = 1, 'ASK' = 2)",
                    other => other,
                };
                let name = format!("c{}", columns.len());
                // Delta of a decimal needs its width said.
                let codec_sql = match (kind, *codec) {
                    ("Decimal(18,8)", "Delta,LZ4") => "Delta(8), LZ4",
                    (_, "ZSTD") => "ZSTD(1)",
                    (_, other) => other,
                };
                columns.push(format!("{name} {typed} CODEC({codec_sql})"));
                values.push(format!("{made} AS {name}"));
                arms.push(format!(
                    "source={source} column={column} type={kind} codec={}",
                    codec.replace(',', "+")
                ));
            }
        }
        // In the order of the table, and in one part, whose columns are files of their own.
        server.sql(&format!(
            "CREATE TABLE tried (market LowCardinality(String), event_time DateTime64(3, 'UTC'), id UInt64, {}) ENGINE = MergeTree \
             ORDER BY (market, event_time, id) SETTINGS min_bytes_for_wide_part = 0",
            columns.join(", ")
        ))?;
        server.sql(&format!(
            "INSERT INTO tried SELECT market, event_time, sequential_id, {} FROM source ORDER BY market, event_time, sequential_id",
            values.join(", ")
        ))?;
        server.sql("OPTIMIZE TABLE tried FINAL")?;
        for (number, arm) in arms.iter().enumerate() {
            let bytes = server.number(&format!(
                "SELECT sum(column_data_compressed_bytes) FROM system.parts_columns WHERE active AND database = currentDatabase() \
                 AND table = 'tried' AND column = 'c{number}'"
            ))?;
            figures.add(arm, "size", bytes / trades.len() as f64, trades.len() as u64);
        }
    }
    figures.tell(&teller);
    Ok(())
}
