//! What a Replacing table shows before and after a merge, and the ways to see only the newest.

use olap::{Engine, Newest, newest, replacing, replacing_candles};

use crate::support::{bare, database};

#[tokio::test]
async fn task4_a_replacing_table_shows_old_versions_until_a_merge() {
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

#[tokio::test]
async fn task4_every_way_to_the_newest_gives_the_same_rows_before_a_merge_and_after() {
    let database = database().await;
    let table = replacing(&olap::candles().unwrap(), "kafka_offset", "candles_replacing").unwrap();
    assert_eq!(table.engine, Engine::Replacing("kafka_offset"), "look at `replacing`");
    database.run(&table.statement(&database.name).unwrap()).await;
    database.run("SYSTEM STOP MERGES candles_replacing").await;
    // 40 candles of two months, in three versions each; half of the versions 2 are inserted last.
    for part in ["number % 3 = 0", "number % 3 = 2", "number % 3 = 1"] {
        database
            .run(&format!(
                "INSERT INTO candles_replacing SELECT if(number % 2 = 0, 'KRW-BTC', 'KRW-ETH'), '1m', \
                 fromUnixTimestamp64Milli(1704067200000 + toInt64(intDiv(number, 6)) * 172800000, 'UTC'), 1, 9, 0, \
                 number % 7, 1, 1, number, 0, number FROM numbers(120) WHERE {part}"
            ))
            .await;
    }
    let ask = async |how| {
        let query = newest(&table, &database.name, how).unwrap();
        database
            .text(&format!("SELECT * FROM ({query}) ORDER BY market, start"))
            .await
    };
    let plain = ask(Newest::Plain).await;
    let wanted = ask(Newest::LimitBy).await;
    assert_eq!(
        (plain.lines().count(), wanted.lines().count()),
        (120, 40),
        "look at `newest`"
    );
    for how in [Newest::Final, Newest::ArgMax] {
        assert_eq!(ask(how).await, wanted, "{how:?} before a merge; look at `newest`");
    }
    let closed = async |how| {
        let query = newest(&table, &database.name, how).unwrap();
        database
            .text(&format!("SELECT count() FROM ({query}) WHERE close = 3"))
            .await
    };
    let high = closed(Newest::LimitBy).await;
    for how in [Newest::Final, Newest::ArgMax] {
        assert_eq!(
            closed(how).await,
            high,
            "{how:?}: a condition from outside lets no older version through"
        );
    }
    database.run("SYSTEM START MERGES candles_replacing").await;
    database.run("OPTIMIZE TABLE candles_replacing FINAL").await;
    for how in [Newest::Plain, Newest::Final, Newest::LimitBy, Newest::ArgMax] {
        assert_eq!(ask(how).await, wanted, "{how:?} after a merge; look at `replacing`");
    }
}

#[tokio::test]
async fn a_table_divided_by_what_is_not_in_its_key_keeps_old_versions_for_ever() {
    // Why `replacing` refuses it: the server does not.
    let database = bare().await;
    database
        .run("CREATE TABLE versions (k UInt8, day Date, v UInt8) ENGINE = ReplacingMergeTree(v) PARTITION BY day ORDER BY k")
        .await;
    database.run("INSERT INTO versions VALUES (1, '2024-01-01', 1)").await;
    database.run("INSERT INTO versions VALUES (1, '2024-01-02', 2)").await;
    database.run("OPTIMIZE TABLE versions FINAL").await;
    assert_eq!(
        database.text("SELECT count() FROM versions").await,
        "2\n",
        "after every merge that can be"
    );
}
