//! What the server's log says of queries that have run.

use olap::{Evidence, OlapError, Plan};

use crate::support::{a_million, database};

#[tokio::test]
async fn task5_the_log_agrees_with_the_plan() {
    let database = database().await;
    a_million(&database).await;
    let sql = "SELECT sum(price) FROM trades WHERE market = 'KRW-7' AND event_time BETWEEN \
               fromUnixTimestamp64Milli(1704067800000, 'UTC') AND fromUnixTimestamp64Milli(1704067860000, 'UTC')";
    let id = stack::unique("evidence");
    let told = database
        .client
        .query_raw(sql)
        .with_setting("query_id", id.as_str())
        .fetch_one::<i128>()
        .await;
    told.expect("the query is answered");
    let evidence = Evidence::read(&database.client, &id).await.unwrap();
    let (read, _) = Plan::of(&database.client, sql).await.unwrap().granules();
    assert_eq!(
        evidence.selected_marks, read,
        "look at `Plan::granules` and `Evidence::of`"
    );
    assert_eq!(evidence.selected_parts, 1, "look at `Evidence::of`");
    assert!(
        evidence.read_rows > 0 && evidence.read_rows <= read * 8_192,
        "{evidence:?}: whole granules are read, and no more of them; look at `Evidence::of`"
    );
    assert!(
        evidence.read_bytes < evidence.read_rows * 40,
        "{evidence:?}: three of nine columns; look at `Evidence::of`"
    );
}

#[tokio::test]
async fn task5_a_query_that_failed_says_so_instead_of_counting_as_cheap() {
    let database = database().await;
    let id = stack::unique("evidence");
    let query = database
        .client
        .query_raw("SELECT throwIf(1, 'on purpose')")
        .with_setting("query_id", id.as_str());
    query.fetch_one::<u8>().await.expect_err("it throws");
    let error = Evidence::read(&database.client, &id)
        .await
        .expect_err("a failure; look at `Evidence::of`");
    assert!(
        matches!(&error, OlapError::Evidence { why, .. } if why.contains("on purpose")),
        "{error}; look at `Evidence::of`"
    );
}
