//! The columns of the tables, because more than one program reads and writes them: the sink, the queries, the auditor.
//! Engines, order keys and views are not the domain's business; they stand with the tables.

/// A column: its name and its ClickHouse type.
pub type Column = (&'static str, &'static str);

/// Table of trades: every trade once.
pub const TRADES: &str = "trades";
/// Table of candle versions: every version of a candle once.
pub const CANDLES: &str = "candles";
/// View of the candles: the newest version of each.
pub const CANDLES_NEWEST: &str = "candles_newest";
/// Table of owners: which worker may write a partition's rows.
pub const OWNERS: &str = "owners";

/// Columns of [`TRADES`], in the order in which a row is written. `kafka_offset` says where the trade stands in the log.
pub const TRADES_COLUMNS: [Column; 9] = [
    ("market", "LowCardinality(String)"),
    ("sequential_id", "UInt64"),
    ("event_time", "DateTime64(3, 'UTC')"),
    ("sent_time", "DateTime64(3, 'UTC')"),
    ("price", "Decimal(38, 8)"),
    ("volume", "Decimal(38, 8)"),
    ("side", "Enum8('BID' = 1, 'ASK' = 2)"),
    ("kafka_partition", "Int32"),
    ("kafka_offset", "Int64"),
];

/// Columns of [`CANDLES`], in the order in which a row is written. `kafka_offset` is that of the last trade applied: the
/// version.
pub const CANDLES_COLUMNS: [Column; 12] = [
    ("market", "LowCardinality(String)"),
    ("interval", "Enum8('1s' = 1, '1m' = 2, '5m' = 3, '15m' = 4)"),
    ("start", "DateTime64(3, 'UTC')"),
    ("open", "Decimal(38, 8)"),
    ("high", "Decimal(38, 8)"),
    ("low", "Decimal(38, 8)"),
    ("close", "Decimal(38, 8)"),
    ("volume", "Decimal(38, 8)"),
    ("quote_volume", "Decimal(38, 16)"),
    ("trades", "UInt64"),
    ("kafka_partition", "Int32"),
    ("kafka_offset", "Int64"),
];

/// Columns of [`OWNERS`]. The owner of a partition is the row with the highest (generation, worker).
pub const OWNERS_COLUMNS: [Column; 4] = [
    ("kafka_partition", "Int32"),
    ("generation", "UInt64"),
    ("worker", "String"),
    ("claimed_at", "DateTime64(3, 'UTC')"),
];
