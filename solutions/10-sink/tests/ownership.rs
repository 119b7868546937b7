//! Claims, guards and takeovers: only the newest owner writes, and only after its predecessors are done.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use sink::{Sink, SinkConfig, SinkError};
use support::proxy::{Fault, Proxy};
use support::{block, claim, database, database_on, shared_url, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

#[tokio::test]
async fn a_zombie_writes_nothing_into_either_table() {
    let database = database().await;
    let old = database.owner("zed", &[0, 1]).await;
    let first = block(&[(0, 0, 20), (1, 0, 20)]);
    old.write(&first).await.unwrap();
    let _new = database.owner("abe", &[0]).await;

    let mut trades_only = block(&[(0, 21, 40)]);
    trades_only.candles.clear();
    let mut candles_only = block(&[(0, 21, 40)]);
    candles_only.trades.clear();
    for (what, epoch) in [("trades", trades_only), ("candles", candles_only)] {
        let written = old.write(&epoch).await.unwrap();
        assert_eq!(
            (written.trades, written.candles, written.lost),
            (0, 0, vec![0]),
            "{what} of a lost partition"
        );
        database.holds_exactly(&[&first], what).await;
    }
}

#[tokio::test]
async fn when_one_partition_is_lost_the_rest_of_the_block_is_written() {
    let database = database().await;
    let old = database.owner("zed", &[0, 1, 2]).await;
    let _new = database.owner("abe", &[1]).await;
    let written = old.write(&block(&[(0, 0, 20), (1, 0, 20), (2, 0, 20)])).await.unwrap();
    assert_eq!(
        (written.trades, written.candles, &written.lost),
        (42, 24, &vec![1]),
        "{written:?}"
    );
    database
        .holds_exactly(&[&block(&[(0, 0, 20), (2, 0, 20)])], "all but the lost partition")
        .await;
    // The next block of the rest goes through at the first attempt.
    let written = old.write(&block(&[(0, 21, 40), (2, 21, 40)])).await.unwrap();
    assert_eq!((written.inserts, written.lost), (2, vec![]));
}

#[tokio::test]
async fn a_claim_raises_the_generation_even_over_one_s_own() {
    let database = database().await;
    let sink = database.sink("w").await;
    for generation in 1..=3 {
        let claims = sink.claim(&[5]).await.unwrap();
        assert_eq!(
            (claims.granted[0].partition, claims.granted[0].generation),
            (5, generation)
        );
    }
    let other = database.sink("w").await;
    let claims = other.claim(&[5, 6]).await.unwrap();
    let granted: Vec<_> = claims
        .granted
        .iter()
        .map(|claim| (claim.partition, claim.generation))
        .collect();
    assert_eq!(granted, [(5, 4), (6, 1)], "each partition has generations of its own");
    let written = sink.write(&block(&[(5, 0, 10)])).await.unwrap();
    assert_eq!(written.lost, [5], "a worker of the same name is another owner");
}

#[tokio::test]
async fn of_racing_claims_exactly_one_may_write() {
    let database = Arc::new(database().await);
    for round in 0..10i64 {
        let sinks: Vec<Sink> = futures(6, |i| {
            let database = Arc::clone(&database);
            async move { database.sink(&format!("w{i}")).await }
        })
        .await;
        let racing: Vec<_> = sinks
            .into_iter()
            .map(|sink| {
                tokio::spawn(async move {
                    sink.claim(&[0]).await.unwrap();
                    sink
                })
            })
            .collect();
        let mut writers = 0;
        let epoch = block(&[(0, round * 10, round * 10 + 9)]);
        for sink in racing {
            let sink = sink.await.unwrap();
            writers += usize::from(sink.write(&epoch).await.unwrap().lost.is_empty());
        }
        assert_eq!(
            writers, 1,
            "round {round}: of six workers that claimed at once, so many could write"
        );
    }
    database
        .holds_exactly(&[&block(&[(0, 0, 99)])], "ten rounds, one writer each")
        .await;
}

async fn futures<T, F: Future<Output = T> + Send + 'static>(n: usize, make: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
{
    let tasks: Vec<_> = (0..n).map(|i| tokio::spawn(make(i))).collect();
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await.unwrap());
    }
    done
}

#[tokio::test]
async fn a_takeover_kills_the_insert_that_passed_its_guard_before() {
    // Each row takes 20 ms, so the zombie's insert runs for 2 s after its guard was asked.
    let slow = ", CONSTRAINT slow CHECK sleepEachRow(0.02) = 0";
    let database = Arc::new(database_on(&shared_url().await, slow).await);
    let old = Arc::new(database.owner("zed", &[0, 1]).await);
    let new = database.sink("abe").await;
    let zombie = tokio::spawn({
        let old = Arc::clone(&old);
        async move { old.write(&block(&[(0, 0, 99)])).await.unwrap() }
    });
    let running = format!(
        "SELECT count() FROM system.processes WHERE query_id LIKE 'tickbook-{}-%' AND query LIKE 'INSERT INTO trades%'",
        database.name
    );
    until("the zombie's insert runs", async || {
        database.number(&running).await == 1
    })
    .await;
    let started = Instant::now();
    claim(&new, &[0]).await;
    let took = started.elapsed();
    assert_eq!(
        database.number(&running).await,
        0,
        "claim() returned while an older insert was still running"
    );
    assert!(took < Duration::from_secs(5), "the takeover took {took:?}");
    let written = zombie.await.unwrap();
    assert_eq!((written.trades, written.candles, written.lost), (0, 0, vec![0]));
    database.holds_exactly(&[], "the killed insert left nothing").await;
}

#[tokio::test]
async fn a_takeover_leaves_inserts_of_other_partitions_alone() {
    let slow = ", CONSTRAINT slow CHECK sleepEachRow(0.02) = 0";
    let database = Arc::new(database_on(&shared_url().await, slow).await);
    let old = Arc::new(database.owner("zed", &[0, 1]).await);
    let new = database.sink("abe").await;
    let busy = tokio::spawn({
        let old = Arc::clone(&old);
        async move { old.write(&block(&[(0, 0, 49)])).await.unwrap() }
    });
    let running = format!(
        "SELECT count() FROM system.processes WHERE query_id LIKE 'tickbook-{}-%'",
        database.name
    );
    until("the insert runs", async || database.number(&running).await == 1).await;
    claim(&new, &[1]).await;
    let written = busy.await.unwrap();
    assert_eq!(
        (written.trades, written.inserts, written.lost),
        (50, 2, vec![]),
        "it had to be sent again"
    );
}

/// The worker is frozen in the middle of sending a block that does not fit into the socket buffers.
#[tokio::test]
async fn a_takeover_does_not_wait_for_a_body_that_is_still_being_sent() {
    let database = database().await;
    let proxy = Proxy::to(&database.url).await;
    let old = Sink::connect(SinkConfig {
        url: proxy.url.clone(),
        ..database.config("zed")
    })
    .await
    .unwrap();
    claim(&old, &[0]).await;
    let gate = Arc::new(Notify::new());
    proxy.arm("INSERT+INTO+trades", Fault::StallAfter(2_000_000, Arc::clone(&gate)));
    let zombie = tokio::spawn(async move { old.write(&block(&[(0, 0, 99_999)])).await.unwrap() });
    until("the zombie's body is stuck", async || proxy.struck()).await;

    let started = Instant::now();
    let new = database.owner("abe", &[0]).await;
    let took = started.elapsed();
    assert!(
        took < Duration::from_secs(2),
        "the takeover took {took:?}: it waited for the open body"
    );
    let mut recovered = block(&[(0, 0, 49_999)]);
    recovered.recover = vec![0];
    new.write(&recovered).await.unwrap();
    gate.notify_one();
    let written = zombie.await.unwrap();
    assert_eq!((written.trades, written.lost), (0, vec![0]), "the thawed zombie");
    database.holds_exactly(&[&recovered], "only the new owner's rows").await;
}

/// An insert by a client that lets the server wait for its body: nothing the sink does, but what it must survive.
async fn open_insert(url: &str, database: &str, comment: &str) -> TcpStream {
    let query = "INSERT+INTO+trades+SELECT+*+FROM+input('market+String,sequential_id+UInt64,event_time+DateTime64(3),\
                 sent_time+DateTime64(3),price+Decimal(38,8),volume+Decimal(38,8),side+String,kafka_partition+Int32,\
                 kafka_offset+Int64')+FORMAT+CSV";
    let mut socket = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "POST /?database={database}&query_id=tickbook-{database}-old&log_comment={comment}&query={query} HTTP/1.1\r\n\
         Host: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let rows = "KRW-BTC,1,1704067200000,1704067200000,1,1,BID,0,1\n".repeat(8_000); // past the 256 KiB that are buffered
    socket
        .write_all(format!("{:x}\r\n{rows}\r\n", rows.len()).as_bytes())
        .await
        .unwrap();
    socket
}

#[tokio::test]
async fn an_insert_stuck_in_its_body_is_killed_and_its_rows_never_appear() {
    let database = Arc::new(database().await);
    database.owner("zed", &[0]).await;
    let mut open = open_insert(&database.url, &database.name, "0:1:zed.0/0000000001").await;
    let listed = |killed: u8| {
        format!(
            "SELECT count() FROM system.processes WHERE query_id = 'tickbook-{}-old' AND is_cancelled = {killed}",
            database.name
        )
    };
    until("the open insert runs", async || database.number(&listed(0)).await == 1).await;

    let impatient = SinkConfig {
        takeover_timeout: Duration::from_millis(200),
        ..database.config("abe")
    };
    let error = Sink::connect(impatient).await.unwrap().claim(&[0]).await.unwrap_err();
    assert!(
        matches!(&error, SinkError::TakeoverTimeout { partitions, queries, .. }
            if partitions == &[0] && queries[0].ends_with("-old")),
        "a takeover that cannot finish says what it waits for: {error}"
    );

    let taking = tokio::spawn({
        let database = Arc::clone(&database);
        async move { database.owner("abe", &[0]).await }
    });
    until("it is marked as killed", async || {
        database.number(&listed(1)).await == 1
    })
    .await;
    assert!(
        !taking.is_finished(),
        "claim() must not return while the insert is listed"
    );
    // The body ends at last: with its end the insert would have been complete.
    open.write_all(b"0\r\n\r\n").await.unwrap();
    taking.await.unwrap();
    let mut answer = String::new();
    open.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 500") || answer.starts_with("HTTP/1.1 4"),
        "the killed insert heard {answer:?}"
    );
    database.holds_exactly(&[], "the killed insert left nothing").await;
}
