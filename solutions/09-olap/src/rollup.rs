//! What else ClickHouse offers for aggregates and for repeats, as material for the chapter. Created only on request, in
//! tables of their own: a view that fails leaves its source's row committed, and a repeated insert reaches a view's target
//! twice, so none of these may feed a table that has to be exact.

use market::tables::{CANDLES_COLUMNS, TRADES};

use crate::OlapError;
use crate::schema::identifier;

/// Statements for a per-minute rollup: an `AggregatingMergeTree` fed by a materialized view on `trades`.
///
/// Open and close need the order of trades, which a sum does not: `argMin` and `argMax` by (event time, sequential id).
/// Read it with the `…Merge` functions and `GROUP BY market, minute`: rows of one key stand apart until a merge.
///
/// # Errors
/// [`OlapError::Name`].
pub fn trades_per_minute(database: &str) -> Result<Vec<String>, OlapError> {
    identifier(database, "database")?;
    Ok(vec![
        format!(
            "CREATE TABLE IF NOT EXISTS {database}.trades_per_minute (\n    market LowCardinality(String),\n    minute DateTime('UTC'),\n    open AggregateFunction(argMin, Decimal(38, 8), Tuple(DateTime64(3, 'UTC'), UInt64)),\n    high SimpleAggregateFunction(max, Decimal(38, 8)),\n    low SimpleAggregateFunction(min, Decimal(38, 8)),\n    close AggregateFunction(argMax, Decimal(38, 8), Tuple(DateTime64(3, 'UTC'), UInt64)),\n    volume SimpleAggregateFunction(sum, Decimal(38, 8)),\n    trades SimpleAggregateFunction(sum, UInt64)\n)\nENGINE = AggregatingMergeTree\nORDER BY (market, minute)"
        ),
        format!(
            "CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.trades_per_minute_view TO {database}.trades_per_minute AS\nSELECT\n    market,\n    toStartOfMinute(event_time) AS minute,\n    argMinState(price, (event_time, sequential_id)) AS open,\n    max(price) AS high,\n    min(price) AS low,\n    argMaxState(price, (event_time, sequential_id)) AS close,\n    sum(volume) AS volume,\n    count() AS trades\nFROM {database}.{TRADES}\nGROUP BY market, minute"
        ),
    ])
}

/// The statement for a `ReplacingMergeTree` of candles, whose version is the offset: the usual way to keep the newest row
/// of a key. Until a merge (and across table partitions for ever) a plain `SELECT` shows the old versions too; `FINAL`
/// hides them and pays for it at each read.
///
/// # Errors
/// [`OlapError::Name`].
pub fn replacing_candles(database: &str) -> Result<String, OlapError> {
    identifier(database, "database")?;
    let columns: Vec<String> = CANDLES_COLUMNS
        .iter()
        .map(|(name, kind)| format!("    {name} {kind}"))
        .collect();
    Ok(format!(
        "CREATE TABLE IF NOT EXISTS {database}.candles_replacing (\n{}\n)\nENGINE = ReplacingMergeTree(kafka_offset)\nORDER BY (interval, market, start)",
        columns.join(",\n")
    ))
}
