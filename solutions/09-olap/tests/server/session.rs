//! Sessions that can only read, and only so much.

use clickhouse::Client;
use olap::{Limits, Queries};

use crate::support::{a_million, database, stack};

const LIMITS: Limits = Limits {
    read_rows: 200_000,
    read_bytes: 50_000_000,
    result_rows: 1_000,
    memory_bytes: 200_000_000,
    seconds: 20,
    threads: 2,
};

#[track_caller]
fn refused(what: &str, code: &str, answer: Result<u64, clickhouse::error::Error>) {
    let error = answer.expect_err(what).to_string();
    assert!(error.contains(code), "{what}: {error}; look at `Limits::settings`");
}

async fn count(client: &Client, sql: &str) -> Result<u64, clickhouse::error::Error> {
    client.query_raw(sql).fetch_one::<u64>().await
}

#[tokio::test]
async fn task6_a_session_reads_within_its_limits_and_writes_nothing() {
    let database = database().await;
    a_million(&database).await;
    let session = LIMITS.session(&database.client).unwrap();
    let one = "SELECT count() FROM trades WHERE market = 'KRW-7' AND price > 0";
    let found = count(&session, one)
        .await
        .unwrap_or_else(|error| panic!("{error}: it reads a tenth; look at `Limits::settings`"));
    assert!(found > 90_000, "{found}");
    let all = "SELECT count() FROM trades WHERE price > 0";
    refused(
        "a million rows where 200,000 are allowed",
        "TOO_MANY_ROWS",
        count(&session, all).await,
    );
    let lifted = format!("{all} SETTINGS max_rows_to_read = 0");
    refused(
        "a query that lifts its own limit",
        "READONLY",
        count(&session, &lifted).await,
    );
    let long = session
        .query_raw("SELECT number FROM numbers(1001)")
        .fetch_all::<u64>()
        .await;
    refused(
        "1,001 rows where 1,000 are allowed",
        "TOO_MANY_ROWS_OR_BYTES",
        long.map(|rows| rows.len() as u64),
    );
    for write in [
        "INSERT INTO trades SELECT * FROM trades LIMIT 1",
        "DROP TABLE trades",
        "TRUNCATE TABLE trades",
    ] {
        let answer = session.query_raw(write).execute().await;
        refused(write, "READONLY", answer.map(|()| 0));
    }
    assert_eq!(
        count(&database.client, "SELECT count() FROM trades").await.unwrap(),
        1_000_000,
        "everything is still there"
    );
    // What a dashboard asks is asked through such a session.
    let queries = Queries::new(&session, &database.name);
    assert_eq!(queries.counts().await.unwrap().trades, 1_000_000);
}

#[tokio::test]
async fn task6_a_user_of_the_server_cannot_lift_what_is_a_constant() {
    let database = database().await;
    a_million(&database).await;
    let name = stack::unique("viewer");
    let hash = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8";
    for statement in LIMITS.user(&name, hash, &database.name).unwrap() {
        database.run(&statement).await;
    }
    let url = stack().await.clickhouse().url();
    let viewer = stack::clickhouse_client(url)
        .with_database(&database.name)
        .with_user(&name)
        .with_password("password");
    let all = "SELECT count() FROM trades WHERE price > 0";
    let plain = count(&viewer, all).await;
    let lifted = count(&viewer.clone().with_setting("max_rows_to_read", "0"), all).await;
    let other = count(
        &viewer.clone().with_setting("max_block_size", "1000"),
        "SELECT count() FROM trades",
    )
    .await;
    let elsewhere = count(&viewer, "SELECT count() FROM system.users").await;
    let write = viewer.query_raw("TRUNCATE TABLE trades").execute().await;
    database.run(&format!("DROP USER {name}")).await;
    refused("more rows than are allowed", "TOO_MANY_ROWS", plain);
    refused(
        "a limit that is lifted by the client",
        "SETTING_CONSTRAINT_VIOLATION",
        lifted,
    );
    assert_eq!(other.unwrap(), 1_000_000, "other settings are its own");
    refused("another database", "ACCESS_DENIED", elsewhere);
    refused("a write", "Code: ", write.map(|()| 0));
}
