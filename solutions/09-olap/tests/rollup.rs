//! The other engines do what the chapter says of them, for better and for worse.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use olap::{replacing_candles, trades_per_minute};
use support::database;

#[tokio::test]
async fn a_rollup_fed_by_a_view_agrees_with_the_trades() {
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
    let rolled = "SELECT market, minute, argMinMerge(open), max(high), min(low), argMaxMerge(close), sum(volume), \
                  sum(trades) FROM trades_per_minute GROUP BY market, minute ORDER BY market, minute";
    let computed = "SELECT market, toStartOfMinute(event_time) AS minute, argMin(price, (event_time, sequential_id)), \
                    max(price), min(price), argMax(price, (event_time, sequential_id)), sum(volume), count() \
                    FROM trades GROUP BY market, minute ORDER BY market, minute";
    let rolled = database.text(rolled).await;
    assert_eq!(rolled.lines().count(), 20, "two markets, ten minutes");
    assert_eq!(rolled, database.text(computed).await);
}

#[tokio::test]
async fn a_replacing_table_shows_old_versions_until_a_merge() {
    let database = database().await;
    database.run(&replacing_candles(&database.name).unwrap()).await;
    database.run("SYSTEM STOP MERGES candles_replacing").await;
    for offset in [5, 7, 6] {
        database
            .run(&format!(
                "INSERT INTO candles_replacing VALUES ('KRW-BTC', '1m', fromUnixTimestamp64Milli(0, 'UTC'), 1, 1, 1, 1, 1, \
                 1, 1, 0, {offset})"
            ))
            .await;
    }
    assert_eq!(
        database.text("SELECT count() FROM candles_replacing").await,
        "3\n",
        "a plain SELECT"
    );
    let newest = "SELECT kafka_offset FROM candles_replacing";
    assert_eq!(
        database.text(&format!("{newest} FINAL")).await,
        "7\n",
        "FINAL takes the highest version, not the last"
    );
    database.run("SYSTEM START MERGES candles_replacing").await;
    database.run("OPTIMIZE TABLE candles_replacing FINAL").await;
    assert_eq!(database.text(newest).await, "7\n", "after a merge");
}
