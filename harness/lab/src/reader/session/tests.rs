//! What becomes of tests on servers while quick ones fail, with scripts for test programs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Instant;

use super::*;
use crate::labs::runner::Outcome;

/// As libtest says it of one test.
const RED: &str = "echo 'test result: FAILED. 0 passed; 1 failed;'; exit 101";
const GREEN: &str = "echo 'test result: ok. 1 passed; 0 failed;'";

fn case(folder: &Path, program: &str, layer: Layer, script: &str) -> Case {
    let path = folder.join(program);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it may run");
    Case {
        name: TestName {
            program: program.into(),
            test: "task1_it".into(),
        },
        layer,
        path,
        folder: folder.into(),
    }
}

async fn both(folder: &Path, quick: &str, server: &str, enough: bool) -> (Vec<(String, Outcome)>, Option<String>) {
    let quick = vec![case(folder, "quick", Layer::Pure, quick)];
    let server = vec![case(folder, "server", Layer::Server, server)];
    let is_enough = move |ran: &Ran| enough && !ran.passed();
    let up = std::future::ready(Ok(()));
    let (ran, why) = beside(quick, server, up, &How::default(), is_enough, |_| {})
        .await
        .expect("both can be started");
    let ended = ran.into_iter().map(|ran| (ran.name.program, ran.outcome));
    (ended.collect(), why)
}

fn of(program: &str, outcome: Outcome) -> (String, Outcome) {
    (program.into(), outcome)
}

#[tokio::test]
async fn a_quick_test_that_is_red_ends_those_on_servers() {
    let folder = tempfile::tempdir().expect("a folder");
    // Red only when the other is under way, which would last for minutes.
    let quick = format!("while ! [ -s begun ]; do sleep 0.01; done; {RED}");
    let from = Instant::now();
    let (ran, why) = both(folder.path(), &quick, "echo $$ > begun; sleep 100", true).await;
    assert_eq!((ran, why), (vec![of("quick", Outcome::Failed)], None));
    assert!(from.elapsed() < Duration::from_secs(20), "it was waited for");
    let pid = fs::read_to_string(folder.path().join("begun")).expect("it was under way");
    let place = Path::new("/proc").join(pid.trim());
    let left = || fs::read_to_string(place.join("stat")).is_ok_and(|stat| !stat.contains(") Z "));
    while left() {
        assert!(from.elapsed() < Duration::from_secs(20), "{pid} is still there");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_quick_test_of_what_is_not_built_ends_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut ran, why) = both(folder.path(), RED, GREEN, false).await;
    ran.sort_by(|a, b| a.0.cmp(&b.0));
    let wanted = vec![of("quick", Outcome::Failed), of("server", Outcome::Passed)];
    assert_eq!((ran, why), (wanted, None));
}

#[tokio::test]
async fn without_servers_the_quick_tests_are_told_and_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let quick = vec![case(folder.path(), "quick", Layer::Pure, GREEN)];
    let server = vec![case(folder.path(), "server", Layer::Server, GREEN)];
    let up = std::future::ready(Err("no disk".to_owned()));
    let ended = beside(quick, server, up, &How::default(), |_| true, |_| {}).await;
    let (ran, why) = ended.expect("it can be started");
    assert_eq!((ran.len(), why.as_deref()), (1, Some("no disk")));
}
