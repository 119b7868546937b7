//! ClickHouse killed: at random moments, and at the very rename that makes a part visible.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use sink::Block;
use support::{Database, block, database_on, until};
use tokio::sync::{Mutex, MutexGuard};

/// Servers of each test's own: others' are not ours to kill. Where somebody else runs them, one test at a time.
///
/// The turn comes before the servers, and goes after them: they are looked at when they are taken and mended when they are let
/// go, and another test's kill must not fall into either.
async fn servers() -> (Option<MutexGuard<'static, ()>>, stack::Stack) {
    static TURN: Mutex<()> = Mutex::const_new(());
    let turn = match stack::Provider::from_env().expect("LAB_STACK names a stack") {
        stack::Provider::External => Some(TURN.lock().await),
        _ => None,
    };
    let started = stack::Stack::own(0).await;
    (
        turn,
        started.unwrap_or_else(|error| panic!("no servers to test on: {error}")),
    )
}

/// Writes `epochs` of 40 to 400 rows through whatever happens; returns them.
async fn deliver(database: &Database, seed: u64, epochs: i64) -> Vec<Block> {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let sink = database.owner("w", &[0, 1]).await;
    let (mut delivered, mut next) = (Vec::new(), 0i64);
    for _ in 0..epochs {
        let rows = random.random_range(20..200);
        let epoch = block(&[(0, next, next + rows - 1), (1, next, next + rows - 1)]);
        next += rows;
        let written = sink.write(&epoch).await.expect("a killed server is waited for");
        assert!(written.lost.is_empty(), "nobody else claims, yet lost: {written:?}");
        delivered.push(epoch);
    }
    delivered
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_at_random_moments_loses_and_doubles_nothing() {
    let (_turn, stack) = servers().await;
    let clickhouse = stack.clickhouse();
    let database = Arc::new(database_on(clickhouse.url(), "").await);
    for seed in 0..3 {
        let database = Arc::new(database_on(clickhouse.url(), "").await);
        let done = Arc::new(AtomicBool::new(false));
        let delivering = tokio::spawn({
            let (database, done) = (Arc::clone(&database), Arc::clone(&done));
            async move {
                let delivered = deliver(&database, seed, 120).await;
                done.store(true, Ordering::SeqCst);
                delivered
            }
        });
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed ^ 0xC4A5);
        let mut kills = 0;
        while kills < 4 && !done.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_micros(random.random_range(1_000..200_000))).await;
            clickhouse.server().kill().await.unwrap();
            clickhouse.server().restart().await.unwrap();
            kills += 1;
        }
        let delivered = tokio::time::timeout(Duration::from_secs(120), delivering)
            .await
            .unwrap_or_else(|_| {
                panic!(
                    "seed {seed}: still not delivered; see {}",
                    clickhouse.server().log().display()
                )
            })
            .unwrap();
        assert!(kills > 0, "seed {seed}: it was over before the server was killed once");
        database
            .holds_exactly(
                &delivered.iter().collect::<Vec<_>>(),
                &format!("seed {seed}, {kills} kills"),
            )
            .await;
    }
    drop(database);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_at_the_rename_of_a_new_part_loses_and_doubles_nothing() {
    let (_turn, stack) = servers().await;
    let clickhouse = stack.clickhouse();
    let database = Arc::new(database_on(clickhouse.url(), "").await);
    let sink = Arc::new(database.owner("w", &[0]).await);
    let path = "SELECT data_paths[1] FROM system.tables WHERE database = {database: String} AND table = 'trades'";
    let path: String = database
        .client
        .query_raw(path)
        .param("database", &database.name)
        .fetch_one()
        .await
        .unwrap();
    let mut delivered = Vec::new();
    // Logs of the server rename parts too, and may be hit first: then the next block has its turn.
    for round in 0..20 {
        let trap = clickhouse.server().kill_at_rename().await.unwrap();
        let epoch = block(&[(0, round * 100, round * 100 + 99)]);
        let writing = tokio::spawn({
            let (sink, epoch) = (Arc::clone(&sink), epoch.clone());
            async move { sink.write(&epoch).await.unwrap() }
        });
        until("the server is killed at a rename", async || {
            !clickhouse.server().is_alive()
        })
        .await;
        let said = trap.seen();
        clickhouse.server().restart().await.unwrap();
        let written = tokio::time::timeout(Duration::from_secs(60), writing)
            .await
            .expect("never written")
            .unwrap();
        assert_eq!(
            (written.trades, written.candles, written.lost),
            (100, 40, vec![]),
            "round {round}"
        );
        delivered.push(epoch);
        database
            .holds_exactly(&delivered.iter().collect::<Vec<_>>(), "after a kill at a rename")
            .await;
        if said
            .lines()
            .any(|line| line.contains("rename") && line.contains(path.trim_end_matches('/')))
        {
            return;
        }
    }
    panic!("in 20 rounds the server was never killed at a rename of {path}");
}
