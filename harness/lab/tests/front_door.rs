//! `./lab up` as its user meets it: stopped, killed in the middle, kept, hurt in every way it offers, started again; and
//! what `./lab audit` says afterwards.

#![allow(clippy::unwrap_used)] // a panic is the failure

mod common;

use std::time::{Duration, Instant};

use common::{
    CLICKHOUSE, FIRST_ROW, Running, WORKER, all_there, home, lab, no_folder_left, nobody_left, process, run_folders,
};
use ledger::{Report, Verdict};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A second wish to stop counts as one only so long after the first: what sends a signal twice at once means it once.
const APART: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outlives_a_run_that_is_killed_and_the_report_of_the_run_before_is_not_its_own() {
    let home = home();
    let none = Running::start(&home, &["audit"]).end().await;
    assert_eq!(none.code, Some(2), "{none:?}");
    assert!(none.stderr.contains("no run has been audited yet"), "{none:?}");
    std::fs::create_dir(home.join("last-run")).unwrap();
    let before = Report {
        verdict: Verdict::Pass,
        ..Report::default()
    };
    before.write(&home.join("last-run/report.json")).unwrap();
    assert!(lab(&home, &["audit"]).await.unwrap().starts_with("PASS"));

    // A run without --for would want eleven gigabytes of disk at this rate, and be refused where they are not free.
    let mut run = Running::start(&home, &["up", "--rate", "max", "--for", "15s", "--plain"]);
    run.says(FIRST_ROW).await;
    all_there(&home);
    run.signal(Signal::KILL);
    run.end().await;
    nobody_left(&home).await;
    no_folder_left(&home).await;
    let stale = Running::start(&home, &["audit"]).end().await;
    assert_eq!((stale.code, stale.stdout.as_str()), (Some(2), ""), "{stale:?}");
    assert!(stale.stderr.contains("the last run has no audit"), "{stale:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outlives_a_run_that_is_killed_while_it_drains() {
    let home = home();
    let mut run = Running::start(&home, &["up", "--rate", "max", "--for", "3s", "--plain"]);
    run.says(FIRST_ROW).await;
    // Into a ClickHouse that is frozen nothing drains: the run cannot be over before it is killed.
    let clickhouse = Pid::from_raw(process(&home, CLICKHOUSE)).unwrap();
    kill_process(clickhouse, Signal::STOP).unwrap();
    run.says("draining: ").await;
    run.signal(Signal::KILL);
    let ended = run.end().await;
    assert_eq!(ended.code, None, "it had ended before it was killed: {ended:?}");
    nobody_left(&home).await;
    no_folder_left(&home).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_drains_and_audits_and_what_is_not_to_be_kept_goes() {
    let home = home();
    let mut run = Running::start(&home, &["up", "--for", "ever", "--plain"]);
    run.says(FIRST_ROW).await;
    run.signal(Signal::INT);
    let ended = run.end().await;
    // PASS says that it was drained: what is cut off is INCONCLUSIVE.
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.starts_with("PASS\n"), "{ended:?}");
    nobody_left(&home).await;
    assert_eq!(run_folders(&home), Vec::<std::path::PathBuf>::new());
    assert_eq!(lab(&home, &["audit"]).await.unwrap(), ended.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_ctrl_c_stops_at_once() {
    let home = home();
    let mut run = Running::start(&home, &["up", "--plain"]);
    run.says(FIRST_ROW).await;
    all_there(&home);
    // A worker that is frozen delivers nothing: the drain cannot be over before the second signal.
    let worker = Pid::from_raw(process(&home, WORKER)).unwrap();
    kill_process(worker, Signal::STOP).unwrap();
    run.signal(Signal::INT);
    let first = Instant::now();
    run.says("draining: ").await;
    tokio::time::sleep(APART.saturating_sub(first.elapsed())).await;
    run.signal(Signal::INT);
    let second = Instant::now();
    let ended = run.end().await;
    assert!(second.elapsed() < Duration::from_secs(15), "{ended:?}");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
    assert!(
        ended.stderr.contains("stopped at once: not drained, not audited"),
        "{ended:?}"
    );
    nobody_left(&home).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keep_keeps_and_clean_removes() {
    let home = home();
    lab(&home, &["up", "--for", "2s", "--plain", "--keep"]).await.unwrap();
    nobody_left(&home).await;
    let kept = run_folders(&home);
    assert_eq!(kept.len(), 1, "{kept:?}");
    for part in ["kafka-1/data", "clickhouse", "lab/journal", "lab/logs/ingest.log"] {
        assert!(kept[0].join(part).exists(), "{part} is not in {kept:?}");
    }
    lab(&home, &["clean"]).await.unwrap();
    assert_eq!(run_folders(&home), Vec::<std::path::PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_faults_of_the_exchange_the_servers_and_the_workers_passes_its_audit() {
    let home = home();
    let faults = [
        "garbage@1s",
        "socket-drop@2s",
        "worker-kill@4s",
        "broker-kill@9s",
        "clickhouse-restart@14s",
        "worker-freeze@18s",
        "worker-join@19s",
    ];
    let mut args = vec!["up", "--for", "28s", "--plain", "--json"];
    args.extend(faults.iter().flat_map(|fault| ["--fault", *fault]));
    let ended = Running::start(&home, &args).end().await;
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stderr, ended.stdout);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["verdict"], "PASS", "{report:#}");
    let struck = report["faults"].as_array().unwrap();
    assert_eq!(struck.len(), faults.len(), "{struck:#?}");
    for fault in struck {
        assert_eq!(fault["struck"], true, "{fault:#}");
    }
    // Half of the six: the fault before it has left as many workers as it found.
    let joined = struck.iter().find(|fault| fault["name"] == "worker-join").unwrap();
    let what = joined["what"].as_str().unwrap();
    assert!(what.contains("had 3 partitions"), "{what}");
    nobody_left(&home).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_soak_audits_each_round_and_says_what_every_process_took() {
    let home = home();
    let words = "soak --for 14s --every 6s --brokers 1 --faults worker-kill,socket-drop --seed 7 --plain -- --json";
    let args: Vec<&str> = words.split(' ').collect();
    let ended = Running::start(&home, &args).end().await;
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stderr, ended.stdout);
    let soak: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        (soak["seed"].as_u64(), soak["verdict"].as_str()),
        (Some(7), Some("PASS")),
        "{soak:#}"
    );
    let rounds = soak["rounds"].as_array().unwrap();
    assert!(!rounds.is_empty(), "{soak:#}");
    for round in rounds {
        assert_eq!(round["verdict"], "PASS", "{round:#}");
        assert!(round["sent"].as_u64() > Some(0), "{round:#}");
    }
    let faults = soak["report"]["faults"].as_array().unwrap();
    assert!(!faults.is_empty(), "{soak:#}");
    assert!(faults.iter().all(|fault| fault["struck"] == true), "{faults:#?}");
    let table = ended.stderr.split("\nsoak PASS: ").nth(1).unwrap_or_default();
    for process in ["workers", "ingest", "kafka-1", "clickhouse", "exchange"] {
        let line = table.lines().find(|line| line.starts_with(process));
        assert!(
            line.is_some_and(|line| line.matches(" MiB").count() == 2),
            "{process}: {}",
            ended.stderr
        );
    }
    nobody_left(&home).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_cannot_be_set_up_leaves_the_logs_of_its_servers() {
    let home = home();
    // In place of the lock of the run that others join: found out when the servers are there already.
    std::fs::create_dir(home.join("run.lock")).unwrap();
    let ended = Running::start(&home, &["up", "--plain"]).end().await;
    let logs = home.join("last-run/logs");
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains(logs.to_str().unwrap()), "{ended:?}");
    for log in ["kafka-1.log", "clickhouse.log"] {
        let text = std::fs::read_to_string(logs.join(log));
        assert!(text.is_ok_and(|text| !text.is_empty()), "{log} says nothing");
    }
    let audit = Running::start(&home, &["audit"]).end().await;
    assert_eq!(audit.code, Some(2), "{audit:?}");
    assert!(audit.stderr.contains(logs.to_str().unwrap()), "{audit:?}");
    nobody_left(&home).await;
}
