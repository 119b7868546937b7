//! The tables: as they are stated, as they are created, and what their keys and indexes spare.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use market::Encoding;
use market::tables::{CANDLES_COLUMNS, OWNERS_COLUMNS, TRADES_COLUMNS};
use olap::{OlapError, Reader, kafka_reader, replacing_candles, schema, trades_per_minute};
use support::database;

#[test]
fn the_statements_are_these() {
    insta::assert_snapshot!("schema", schema("tickbook").unwrap().join(";\n\n"));
    insta::assert_snapshot!("rollup", trades_per_minute("tickbook").unwrap().join(";\n\n"));
    insta::assert_snapshot!("replacing", replacing_candles("tickbook").unwrap());
    for encoding in [Encoding::Json, Encoding::Protobuf] {
        let reader = Reader {
            database: "tickbook",
            name: "from_kafka",
            brokers: "127.0.0.1:9092",
            topic: "trades",
            group: "clickhouse",
            encoding,
        };
        insta::assert_snapshot!(
            format!("reader_{encoding}"),
            kafka_reader(&reader).unwrap().join(";\n\n")
        );
    }
}

#[test]
fn names_that_would_have_to_be_quoted_are_refused() {
    for name in ["", "a-b", "a.b", "1a", "a`b", "a b", "ä", &"a".repeat(129)] {
        assert!(
            matches!(schema(name), Err(OlapError::Name(..))),
            "{name:?} was taken for an identifier"
        );
    }
    let reader = Reader {
        database: "d",
        name: "n",
        brokers: "h:1",
        topic: "t' SETTINGS kafka_topic_list = 'u",
        group: "g",
        encoding: Encoding::Json,
    };
    assert!(
        matches!(kafka_reader(&reader), Err(OlapError::Text(..))),
        "a quote got into a Kafka setting"
    );
}

#[tokio::test]
async fn the_tables_have_the_columns_that_other_programs_rely_on() {
    let database = database().await;
    olap::create(&database.client, &database.name)
        .await
        .expect("creating them again changes nothing");
    for (table, columns) in [
        ("trades", &TRADES_COLUMNS[..]),
        ("candles", &CANDLES_COLUMNS[..]),
        ("candles_newest", &CANDLES_COLUMNS[..]),
        ("owners", &OWNERS_COLUMNS[..]),
    ] {
        let sql = format!(
            "SELECT name, replaceAll(type, '\\'', '\"') FROM system.columns WHERE database = '{}' AND table = '{table}' ORDER BY position",
            database.name
        );
        let wanted: String = columns
            .iter()
            .map(|(name, kind)| format!("{name}\t{}\n", kind.replace('\'', "\"")))
            .collect();
        assert_eq!(database.text(&sql).await, wanted, "columns of {table}, in order");
    }
}

/// 1,000,000 trades of 10 markets in one merged part, as the sink would have written them.
async fn a_million(database: &support::Database) {
    database
        .run(
            "INSERT INTO trades SELECT concat('KRW-', toString(cityHash64(number) % 10)), number, \
             fromUnixTimestamp64Milli(1704067200000 + toInt64(number) * 3, 'UTC'), \
             fromUnixTimestamp64Milli(1704067200000 + toInt64(number) * 3, 'UTC'), 1, 1, 'BID', \
             cityHash64(number) % 10 % 6, intDiv(number, 6) FROM numbers(1000000)",
        )
        .await;
    database.run("OPTIMIZE TABLE trades FINAL").await;
}

/// `Granules: 3/124` of the last step of an `EXPLAIN indexes = 1`, and of the step before: (read, of how many).
fn granules(explain: &str) -> Vec<(u32, u32)> {
    explain
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Granules: "))
        .map(|text| {
            let (read, all) = text.split_once('/').unwrap();
            (read.parse().unwrap(), all.parse().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn the_read_back_of_an_offset_range_reads_few_granules() {
    let database = database().await;
    a_million(&database).await;
    // The newest block: the last 3,000 offsets of two partitions.
    let sql = "EXPLAIN indexes = 1 SELECT kafka_partition, kafka_offset FROM trades WHERE \
               (kafka_partition = 1 AND kafka_offset BETWEEN 163000 AND 166000) OR \
               (kafka_partition = 4 AND kafka_offset BETWEEN 163000 AND 166000)";
    let plan = database.text(sql).await;
    assert!(plan.contains("Name: kafka"), "the skip index is not used:\n{plan}");
    let (read, _) = *granules(&plan).last().unwrap();
    let (_, all) = *granules(&plan).first().unwrap();
    assert!(
        all > 100,
        "the test needs a table of many granules, it has {all}:\n{plan}"
    );
    assert!(
        read * 3 <= all,
        "the skip index leaves {read} of {all} granules to read:\n{plan}"
    );
}

#[tokio::test]
async fn a_market_s_stretch_of_time_reads_a_granule_or_two() {
    let database = database().await;
    a_million(&database).await;
    let sql = "EXPLAIN indexes = 1 SELECT price FROM trades WHERE market = 'KRW-7' AND event_time BETWEEN \
               fromUnixTimestamp64Milli(1704067800000, 'UTC') AND fromUnixTimestamp64Milli(1704067860000, 'UTC')";
    let plan = database.text(sql).await;
    let (read, _) = *granules(&plan).last().unwrap();
    assert!(read <= 2, "the order key leaves {read} granules to read:\n{plan}");
}
