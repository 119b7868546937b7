//! The tables that the pipeline runs on.

use clickhouse::Client;
use market::tables::{
    CANDLES, CANDLES_COLUMNS, CANDLES_NEWEST, Column, OWNERS, OWNERS_COLUMNS, TRADES, TRADES_COLUMNS,
};

use crate::OlapError;

/// Codecs of columns, where they beat LZ4 alone. Bytes per row of 2 million generated trades of 120 markets, LZ4 alone
/// against the codec and LZ4: event time 4.05 → 1.22, send time 4.16 → 1.67, offset 3.98 → 1.56 with `DoubleDelta` (`Delta`:
/// 2.94, 3.20, 3.14); sequential id 5.79 → 3.29 with `T64` (`Delta` 3.82, `DoubleDelta` 4.31).
///
/// Prices and volumes keep LZ4: neither codec takes 16 bytes.
fn codec(table: &str, column: &str) -> Option<&'static str> {
    match (table, column) {
        (TRADES, "event_time" | "sent_time" | "kafka_offset") | (CANDLES, "start" | "kafka_offset") => {
            Some("DoubleDelta, LZ4")
        }
        (TRADES, "sequential_id") | (CANDLES, "trades") | (TRADES | CANDLES, "kafka_partition") => Some("T64, LZ4"),
        _ => None,
    }
}

/// Parts are merged when together they are ten times as large as the largest of them, not five. Measured with ten blocks of 1,000
/// trades a second: each row is rewritten 4 times instead of 20, and 5 parts are there to be read instead of 2; with blocks of
/// 60,000 rows, server's CPU per row, merges included: 1.02 µs instead of 1.19.
const MERGES: &str = "SETTINGS merge_selector_base = 10";

fn columns(table: &str, columns: &[Column]) -> String {
    columns
        .iter()
        .map(|(name, kind)| match codec(table, name) {
            Some(codec) => format!("    {name} {kind} CODEC({codec})"),
            None => format!("    {name} {kind}"),
        })
        .collect::<Vec<_>>()
        .join(",\n")
}

/// The statements that create the database and its tables, in the order in which they must run. Each may run again.
///
/// - Why plain `MergeTree`: the sink already writes each row once. `ReplacingMergeTree` would remove a doubled row at some
///   later merge and so hide that there was one; until then a plain `SELECT` shows both.
/// - Why `ORDER BY (market, event_time, …)`: a dashboard asks for a market and a stretch of time; the sequential id makes
///   the order of trades of one millisecond total. Offsets are not in the key: nobody asks for them but the sink's
///   read-back, and that has the skip index.
/// - Why `PARTITION BY` day for trades: they go by the day (a dropped partition costs nothing, a `DELETE` rewrites parts),
///   queries over all markets look at the last hours, and no merge ever rewrites yesterday. The price is that a block over
///   midnight becomes two parts, which are not one atomic step; the sink reads back whatever it is not sure of, so it
///   needs no such step. Candles are fewer and kept for longer: by month.
/// - Why `toYYYYMMDD` and not `toDate`: a `Date` ends in 2149, a `DateTime64` in 2299.
/// - The skip index answers "which offsets of this range are there": within a part, rows of one market stand together and
///   in time, so a granule of 8,192 rows spans few offsets of one Kafka partition. A new block stands at the end of every
///   market, so about one granule per market is read, whatever the size of the part.
///
/// # Errors
/// [`OlapError::Name`] when `database` is no identifier.
pub fn schema(database: &str) -> Result<Vec<String>, OlapError> {
    identifier(database, "database")?;
    let index = "    INDEX kafka (kafka_partition, kafka_offset) TYPE minmax GRANULARITY 1";
    let names = CANDLES_COLUMNS.map(|(name, _)| name).join(", ");
    Ok(vec![
        format!("CREATE DATABASE IF NOT EXISTS {database}"),
        format!(
            "CREATE TABLE IF NOT EXISTS {database}.{TRADES} (\n{},\n{index}\n)\nENGINE = MergeTree\nPARTITION BY toYYYYMMDD(event_time)\nORDER BY (market, event_time, sequential_id)\n{MERGES}",
            columns(TRADES, &TRADES_COLUMNS)
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS {database}.{CANDLES} (\n{},\n{index}\n)\nENGINE = MergeTree\nPARTITION BY toYYYYMM(start)\nORDER BY (interval, market, start, kafka_offset)\n{MERGES}",
            columns(CANDLES, &CANDLES_COLUMNS)
        ),
        // Read in full by the guard of every insert: a row per claim, so it stays one small part.
        format!(
            "CREATE TABLE IF NOT EXISTS {database}.{OWNERS} (\n{}\n)\nENGINE = MergeTree\nORDER BY (kafka_partition, generation, worker)",
            columns(OWNERS, &OWNERS_COLUMNS)
        ),
        // LIMIT 1 BY and not argMax per column: it takes a whole row, so that no candle can be put together out of two
        // versions, and with the order key as its order it needs no state per candle.
        format!(
            "CREATE VIEW IF NOT EXISTS {database}.{CANDLES_NEWEST} AS\nSELECT {names}\nFROM {database}.{CANDLES}\nORDER BY interval DESC, market DESC, start DESC, kafka_offset DESC\nLIMIT 1 BY interval, market, start"
        ),
    ])
}

/// Creates the database and its tables, where they are not there yet.
///
/// # Errors
/// [`OlapError::Name`], [`OlapError::Statement`].
pub async fn create(client: &Client, database: &str) -> Result<(), OlapError> {
    for statement in schema(database)? {
        run(client, &statement).await?;
    }
    Ok(())
}

pub(crate) async fn run(client: &Client, statement: &str) -> Result<(), OlapError> {
    client
        .query_raw(statement)
        .execute()
        .await
        .map_err(|source| OlapError::Statement {
            statement: statement.lines().next().unwrap_or_default().into(),
            source,
        })
}

/// A statement cannot bind an identifier as a parameter in every place, so names are checked instead of quoted.
pub(crate) fn identifier(name: &str, what: &'static str) -> Result<(), OlapError> {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain && (1..=128).contains(&name.len()) && !name.as_bytes()[0].is_ascii_digit() {
        Ok(())
    } else {
        Err(OlapError::Name(name.into(), what))
    }
}
