//! The tables: as they are stated, as they are created, and what their keys and indexes spare.

use market::tables::{CANDLES_COLUMNS, OWNERS_COLUMNS, TRADES_COLUMNS};
use olap::{Keep, Plan, Projection, Table};

use crate::support::{a_million, bare, database};

#[tokio::test]
async fn task2_the_tables_have_the_columns_that_other_programs_rely_on() {
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

#[tokio::test]
async fn task5_the_read_back_of_an_offset_range_reads_few_granules() {
    let database = database().await;
    a_million(&database).await;
    // The newest block: the last 3,000 offsets of two partitions.
    let sql = "SELECT kafka_partition, kafka_offset FROM trades WHERE \
               (kafka_partition = 1 AND kafka_offset BETWEEN 163000 AND 166000) OR \
               (kafka_partition = 4 AND kafka_offset BETWEEN 163000 AND 166000)";
    let plan = Plan::of(&database.client, sql).await.unwrap();
    let (read, all) = plan.granules();
    assert!(plan.skip("kafka").is_some(), "the skip index is not used: {plan:#?}");
    assert!(all > 100, "the test needs a table of many granules, it has {all}");
    assert!(
        read * 3 <= all,
        "the skip index leaves {read} of {all} granules to read: {plan:#?}"
    );
}

#[tokio::test]
async fn task5_a_market_s_stretch_of_time_reads_a_granule_or_two() {
    let database = database().await;
    a_million(&database).await;
    let sql = "SELECT price FROM trades WHERE market = 'KRW-7' AND event_time BETWEEN \
               fromUnixTimestamp64Milli(1704067800000, 'UTC') AND fromUnixTimestamp64Milli(1704067860000, 'UTC')";
    let (read, all) = Plan::of(&database.client, sql).await.unwrap().granules();
    assert!(
        all > 100 && read <= 2,
        "the order key leaves {read} of {all} granules to read; look at the keys of `trades`"
    );
}

#[tokio::test]
async fn task5_a_projection_serves_the_stretch_of_time_that_the_key_does_not() {
    let database = bare().await;
    let table = Table {
        projections: vec![Projection {
            name: "by_time",
            key: vec!["event_time"],
        }],
        ..olap::trades().unwrap()
    };
    database.run(&table.statement(&database.name).unwrap()).await;
    a_million(&database).await;
    let sql = "SELECT sum(price) FROM trades WHERE event_time BETWEEN fromUnixTimestamp64Milli(1704067800000, 'UTC') AND \
               fromUnixTimestamp64Milli(1704067860000, 'UTC')";
    let with = Plan::of(&database.client, sql).await.unwrap();
    let plain = database.client.clone().with_setting("optimize_use_projections", "0");
    let without = Plan::of(&plain, sql).await.unwrap();
    assert_eq!(with.reads[0].of, "by_time", "{with:#?}");
    assert!(
        with.granules().0 * 3 <= without.granules().0,
        "{:?} granules of the projection, {:?} of the table; a minute stands in each market's rows",
        with.granules(),
        without.granules()
    );
}

#[tokio::test]
async fn task2_rows_go_when_they_are_old_enough_and_those_of_the_future_stay() {
    let database = bare().await;
    let keep = Keep {
        column: "event_time",
        days: 7,
    };
    let table = Table {
        keep: Some(keep),
        ..olap::trades().unwrap()
    };
    database.run(&table.statement(&database.name).unwrap()).await;
    for time in [
        "'2001-01-01'",
        "now() - INTERVAL 1 HOUR",
        "'2150-01-01'",
        "'2299-12-31'",
    ] {
        database
            .run(&format!(
                "INSERT INTO trades SELECT 'KRW-BTC', 1, toDateTime64({time}, 3, 'UTC'), toDateTime64(0, 3, 'UTC'), 1, 1, 'BID', 0, 1"
            ))
            .await;
    }
    database.run("OPTIMIZE TABLE trades FINAL").await;
    let left = database
        .text("SELECT toYear(event_time) FROM trades WHERE event_time > now() ORDER BY event_time")
        .await;
    assert_eq!(
        left, "2150\n2299\n",
        "a trade with a wrong clock has not expired; look at `Keep::expression`"
    );
    assert_eq!(
        database.text("SELECT count() FROM trades").await,
        "3\n",
        "the one of 2001 has gone, that of an hour ago has not; look at `Keep::expression`"
    );
    // Declared later, it is the same.
    let statement = table.keep_statement(&database.name).unwrap();
    database.run(&statement).await;
    let never = Table { keep: None, ..table };
    database.run(&never.keep_statement(&database.name).unwrap()).await;
}
