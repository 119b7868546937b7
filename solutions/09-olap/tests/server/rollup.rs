//! A rollup that a view feeds, and what it says against the trades themselves.

use crate::support::database;
use clickhouse::Row;
use olap::{Rollup, trades_per_minute};
use serde::Deserialize;

#[tokio::test]
async fn task3_a_rollup_fed_by_a_view_agrees_with_the_trades() {
    let database = database().await;
    for statement in trades_per_minute(&database.name).unwrap() {
        database.run(&statement).await;
    }
    // In several inserts, so that keys stand in several parts and only the merging functions put them together.
    for i in 0..5 {
        database
            .run(&format!(
                "INSERT INTO trades SELECT if(number % 3 = 0, 'KRW-BTC', 'KRW-ETH'), number, \
                 fromUnixTimestamp64Milli(1704067200000 + toInt64(cityHash64(number) % 600000), 'UTC'), \
                 fromUnixTimestamp64Milli(1704067200000, 'UTC'), toDecimal128(cityHash64(number) % 100000, 8) / 100, \
                 toDecimal128('0.00000001', 8) * number, 'BID', 0, number FROM numbers({}, 1000)",
                i * 1000
            ))
            .await;
    }
    // In minutes 1 to 5 of ten; the rest must not be there.
    let (from, to) = (1_704_067_260_000_i64, 1_704_067_560_000_i64);
    let computed = format!(
        "SELECT toStartOfMinute(event_time) AS minute, argMin(price, (event_time, sequential_id)), max(price), min(price), \
         argMax(price, (event_time, sequential_id)), sum(volume), count(), avg(price), uniqExact(sequential_id) \
         FROM trades WHERE market = 'KRW-ETH' AND event_time >= fromUnixTimestamp64Milli({from}, 'UTC') \
         AND event_time < fromUnixTimestamp64Milli({to}, 'UTC') GROUP BY minute ORDER BY minute"
    );
    let computed = database.text(&computed).await;
    assert_eq!(computed.lines().count(), 5, "five minutes");
    let query = Rollup::candles().query(&database.name).unwrap();
    let rolled = async || {
        let mut cursor = database
            .client
            .query_raw(&query)
            .param("market", "KRW-ETH")
            .param("from", from)
            .param("to", to)
            .fetch_bytes("TSV")
            .unwrap_or_else(|error| panic!("{query}: {error}; look at `Rollup::query`"));
        let bytes = cursor.collect().await;
        let bytes = bytes.unwrap_or_else(|error| panic!("{query}: {error}; look at `Rollup::query`"));
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    assert_eq!(
        rolled().await,
        computed,
        "in five parts; look at `Measure`, and at GROUP BY in `Rollup::query`"
    );
    database.run("OPTIMIZE TABLE trades_per_minute FINAL").await;
    assert_eq!(
        rolled().await,
        computed,
        "merged into one part; look at `Measure::column`"
    );
}

#[tokio::test]
async fn task3_an_insert_that_is_sent_twice_counts_twice_but_for_what_is_distinct() {
    #[derive(Debug, PartialEq, Row, Deserialize)]
    struct Kept {
        trades: u64,
        ids: u64,
    }
    let database = database().await;
    for statement in trades_per_minute(&database.name).unwrap() {
        database.run(&statement).await;
    }
    for _ in 0..2 {
        database
            .run("INSERT INTO trades SELECT 'KRW-BTC', number, fromUnixTimestamp64Milli(1704067200000, 'UTC'), fromUnixTimestamp64Milli(0, 'UTC'), 1, 1, 'BID', 0, number FROM numbers(100)")
            .await;
    }
    let query = Rollup::candles().query(&database.name).unwrap();
    let kept: Vec<Kept> = database
        .client
        .query_raw(&format!("SELECT trades, ids FROM ({query})"))
        .param("market", "KRW-BTC")
        .param("from", 0_i64)
        .param("to", i64::MAX / 1_000_000)
        .fetch_all()
        .await
        .unwrap_or_else(|error| panic!("{query}: {error}; look at `Rollup::query`"));
    assert_eq!(
        kept,
        [Kept { trades: 200, ids: 100 }],
        "look at `Fold::Count` and `Fold::Distinct`"
    );
}
