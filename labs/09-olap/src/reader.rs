//! ClickHouse reading the topic by itself: its Kafka engine, for both encodings.
//!
//! Lab material, and a proof that the record is readable by more than our own worker. The pipeline does not run on it: the
//! engine commits offsets after the parts and apart from them, so a crash between the two doubles rows.

use market::record::Encoding;
use market::tables::TRADES_COLUMNS;

use crate::OlapError;
use crate::name::identifier;

/// What a reader is called and where it reads.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    /// The database that gets the three objects.
    pub database: &'a str,
    /// Their common name: `NAME_queue` (Kafka engine), `NAME` (the rows), `NAME_view` (moves rows from one to the other).
    pub name: &'a str,
    /// `host:port,…`.
    pub brokers: &'a str,
    /// The topic.
    pub topic: &'a str,
    /// The consumer group.
    pub group: &'a str,
    /// How its records are written.
    pub encoding: Encoding,
}

/// The statements that make ClickHouse read a topic into a table of its own, in order: the rows' table, the queue, and the
/// view that starts the reading, last, so that nothing is consumed before there is a place for it.
///
/// Rows have the columns of `trades`; partition and offset come from the engine's virtual columns. Protobuf needs
/// `trade.proto` ([`market::record::PROTO_SCHEMA`]) in the server's `format_schema_path`.
///
/// # Errors
/// [`OlapError::Name`], [`OlapError::Text`].
pub fn kafka_reader(reader: &Reader<'_>) -> Result<Vec<String>, OlapError> {
    let Reader {
        database,
        name,
        brokers,
        topic,
        group,
        encoding,
    } = *reader;
    identifier(database, "database")?;
    identifier(name, "table")?;
    for (text, what) in [(brokers, "broker list"), (topic, "topic"), (group, "group")] {
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic() && b != b'\'' && b != b'\\') {
            return Err(OlapError::Text(text.into(), what));
        }
    }
    let target: Vec<String> = TRADES_COLUMNS
        .iter()
        .map(|(name, kind)| format!("    {name} {kind}"))
        .collect();
    // The record carries milliseconds and, in Protobuf, decimals as text, which has no exact decimal. Read as what they
    // are, convert in the view: what a format does with a number for a DateTime64 differs from format to format.
    let (decimal, price, volume) = match encoding {
        Encoding::Json => ("Decimal(38, 8)", "price", "volume"),
        Encoding::Protobuf => ("String", "toDecimal128(price, 8)", "toDecimal128(volume, 8)"),
    };
    let schema = match encoding {
        Encoding::Json => "",
        Encoding::Protobuf => ",\n    kafka_schema = 'trade.proto:Trade'",
    };
    Ok(vec![
        format!(
            "CREATE TABLE IF NOT EXISTS {database}.{name} (\n{}\n)\nENGINE = MergeTree\nORDER BY (market, event_time, sequential_id)",
            target.join(",\n")
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS {database}.{name}_queue (\n    market String,\n    sequential_id UInt64,\n    event_time Int64,\n    sent_time Int64,\n    price {decimal},\n    volume {decimal},\n    side String\n)\nENGINE = Kafka\nSETTINGS\n    kafka_broker_list = '{brokers}',\n    kafka_topic_list = '{topic}',\n    kafka_group_name = '{group}',\n    kafka_format = '{}'{schema},\n    kafka_flush_interval_ms = 500",
            encoding.clickhouse_format()
        ),
        format!(
            "CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.{name}_view TO {database}.{name} AS\nSELECT\n    market,\n    sequential_id,\n    fromUnixTimestamp64Milli(event_time, 'UTC') AS event_time,\n    fromUnixTimestamp64Milli(sent_time, 'UTC') AS sent_time,\n    {price} AS price,\n    {volume} AS volume,\n    side,\n    toInt32(_partition) AS kafka_partition,\n    toInt64(_offset) AS kafka_offset\nFROM {database}.{name}_queue"
        ),
    ])
}
