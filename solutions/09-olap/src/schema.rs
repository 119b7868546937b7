//! The tables that the pipeline runs on.

use clickhouse::Client;
use market::tables::{
    CANDLES, CANDLES_COLUMNS, CANDLES_NEWEST, Column, OWNERS, OWNERS_COLUMNS, TRADES, TRADES_COLUMNS,
};

use crate::name::identifier;
use crate::{Access, Distinct, OlapError, Partition, SkipIndex, Stored, Table, order_key};

/// Codecs of columns, where they beat LZ4 alone; what each saves is measured by the experiment `codecs`. For the sequential id
/// `T64` and `Delta` are near each other, and which is smaller depends on how many markets share the numbers.
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
fn merges() -> Vec<(&'static str, String)> {
    vec![("merge_selector_base", "10".into())]
}

/// What is asked of the trades. Weights are requests a minute of a dashboard with a hundred viewers.
pub const TRADES_ACCESSES: [Access; 3] = [
    Access {
        name: "a market's last minutes, for its chart",
        equal: &["market"],
        range: Some(("event_time", 0.001)),
        weight: 600.0,
    },
    // A day and all markets: no column of the key is compared, the partitions leave the day.
    Access {
        name: "the busiest markets of a day",
        equal: &[],
        range: None,
        weight: 60.0,
    },
    Access {
        name: "the sink's read-back of a block",
        equal: &["kafka_partition"],
        range: Some(("kafka_offset", 0.001)),
        weight: 1.0,
    },
];

/// What is asked of the candles.
pub const CANDLES_ACCESSES: [Access; 2] = [
    Access {
        name: "a market's last candles",
        equal: &["market", "interval"],
        range: None,
        weight: 600.0,
    },
    Access {
        name: "the newest version of every candle of an interval",
        equal: &["interval"],
        range: None,
        weight: 6.0,
    },
];

/// How many values the columns have, which queries compare: those of all markets of an exchange.
pub const DISTINCT: [Distinct; 4] = [
    ("market", 120),
    ("interval", 4),
    ("kafka_partition", 6),
    ("event_time", 1_000_000_000),
];

fn stored(table: &str, columns: &[Column]) -> Vec<Stored> {
    let stored = |(name, kind): &Column| (*name, *kind, codec(table, name));
    columns.iter().map(stored).collect()
}

fn offsets() -> SkipIndex {
    SkipIndex {
        name: "kafka",
        columns: vec!["kafka_partition", "kafka_offset"],
    }
}

/// The table of trades, with the key that [`order_key`] finds for [`TRADES_ACCESSES`].
///
/// - Why plain `MergeTree`: the sink already writes each row once. `ReplacingMergeTree` would remove a doubled row at some
///   later merge and so hide that there was one; until then a plain `SELECT` shows both.
/// - Why the sequential id behind market and time: it makes the order of trades of one millisecond total. Offsets are not in the key:
///   nobody asks for them but the sink's read-back, and that has the skip index.
/// - Why `PARTITION BY` day for trades: they go by the day (a dropped partition costs nothing, a `DELETE` rewrites parts),
///   queries over all markets look at the last hours, and no merge ever rewrites yesterday. The price is that a block over
///   midnight becomes two parts, which are not one atomic step; the sink reads back whatever it is not sure of, so it
///   needs no such step. Candles are fewer and kept for longer: by month.
/// - The skip index answers "which offsets of this range are there": within a part, rows of one market stand together and
///   in time, so a granule of 8,192 rows spans few offsets of one Kafka partition. A new block stands at the end of every
///   market, so about one granule per market is read, whatever the size of the part.
///
/// # Errors
/// As [`order_key`].
pub fn trades() -> Result<Table, OlapError> {
    Ok(Table {
        columns: stored(TRADES, &TRADES_COLUMNS),
        partition: Some(Partition::Day("event_time")),
        indexes: vec![offsets()],
        settings: merges(),
        ..Table::new(
            TRADES,
            &[],
            order_key(&TRADES_ACCESSES, &DISTINCT, &["market", "event_time", "sequential_id"])?,
        )
    })
}

/// The table of candle versions, with the key that [`order_key`] finds for [`CANDLES_ACCESSES`].
///
/// # Errors
/// As [`order_key`].
pub fn candles() -> Result<Table, OlapError> {
    Ok(Table {
        columns: stored(CANDLES, &CANDLES_COLUMNS),
        partition: Some(Partition::Month("start")),
        indexes: vec![offsets()],
        settings: merges(),
        ..Table::new(
            CANDLES,
            &[],
            order_key(&CANDLES_ACCESSES, &DISTINCT, &["start", "kafka_offset"])?,
        )
    })
}

/// The statements that create the database and its tables, in the order in which they must run. Each may run again.
///
/// # Errors
/// [`OlapError::Name`] when `database` is no identifier.
pub fn schema(database: &str) -> Result<Vec<String>, OlapError> {
    identifier(database, "database")?;
    // Read in full by the guard of every insert: a row per claim, so it stays one small part.
    let owners = Table::new(OWNERS, &OWNERS_COLUMNS, vec!["kafka_partition", "generation", "worker"]);
    let names = CANDLES_COLUMNS.map(|(name, _)| name).join(", ");
    Ok(vec![
        format!("CREATE DATABASE IF NOT EXISTS {database}"),
        trades()?.statement(database)?,
        candles()?.statement(database)?,
        owners.statement(database)?,
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
