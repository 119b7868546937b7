//! What the audit finds wrong, `./lab up` says: FAIL, the stage, and an exit code of its own.

#![allow(clippy::unwrap_used)] // a panic is the failure

mod common;

use common::{Ended, Running, WORKER, home, nobody_left, process, run_folders};

const WORKER_STAGE: &str = "worker (topic → table): ";
const INGEST_STAGE: &str = "ingest (exchange → topic): ";

fn failed_at(ended: &Ended, stage: &str) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.starts_with("FAIL\n"), "{ended:?}");
    let named = |line: &str| line.contains(stage) && line.contains(" lost, ");
    assert!(ended.stdout.lines().any(named), "{}", ended.stdout);
}

/// The value of a flag that a process was started with.
fn flag(pid: i32, flag: &str) -> String {
    let called = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    let called = String::from_utf8(called).unwrap();
    let mut words = called.split('\0').skip_while(|word| *word != flag).skip(1);
    words.next().expect("the flag is given").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_removed_behind_its_back_is_a_fail_of_the_worker_s_stage() {
    let home = home();
    let mut run = Running::start(&home, &["up", "--for", "4s", "--plain"]);
    run.says("the first trade is a row").await;
    let worker = process(&home, WORKER);
    let client = clickhouse::Client::default()
        .with_url(flag(worker, "--clickhouse"))
        .with_database(flag(worker, "--database"))
        .with_setting("mutations_sync", "1");
    let first = "kafka_offset < 5";
    let removed = client.query(&format!("SELECT count() FROM trades WHERE {first}"));
    assert!(
        removed.fetch_one::<u64>().await.unwrap() > 0,
        "nothing is there to be removed"
    );
    let remove = client.query(&format!("ALTER TABLE trades DELETE WHERE {first}"));
    remove.execute().await.unwrap();
    let ended = run.end().await;
    failed_at(&ended, WORKER_STAGE);
    assert!(!ended.stdout.contains(INGEST_STAGE), "{}", ended.stdout);
    nobody_left(&home).await;
    let kept = run_folders(&home);
    assert!(
        kept.len() == 1 && ended.stderr.contains(kept[0].to_str().unwrap()),
        "{kept:?}: {ended:?}"
    );
    let audit = Running::start(&home, &["audit"]).end().await;
    assert_eq!((audit.code, &audit.stdout), (Some(1), &ended.stdout));
}

/// A leader that is cut off acknowledges alone, and forgets it all when it hears of the next one.
#[tokio::test(flavor = "multi_thread")]
async fn acknowledgements_of_a_leader_alone_that_is_cut_off_are_a_fail_of_the_ingest_s_stage() {
    let home = home();
    let args = [
        "up",
        "--brokers",
        "3",
        "--acks",
        "1",
        "--for",
        "12s",
        "--fault",
        "broker-cut@3s",
        "--plain",
    ];
    let ended = Running::start(&home, &args).end().await;
    failed_at(&ended, INGEST_STAGE);
    assert!(ended.stdout.contains("broker-cut"), "{}", ended.stdout);
    assert!(!ended.stdout.contains(WORKER_STAGE), "{}", ended.stdout);
    nobody_left(&home).await;
}
