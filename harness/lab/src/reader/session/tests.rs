//! What becomes of tests on servers while quick ones fail, with scripts for test programs.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::*;
use crate::labs::runner::Outcome;

/// As libtest says it of one test.
const RED: &str = "echo 'test result: FAILED. 0 passed; 1 failed;'; exit 101";
const GREEN: &str = "echo 'test result: ok. 1 passed; 0 failed;'";

fn case(folder: &Path, program: &str, layer: Layer, script: &str) -> Case {
    let path = folder.join(program);
    // By another process: a program that this one holds open for writing, as a child of another test may, cannot be run.
    let written = Command::new("sh")
        .args(["-c", r#"printf '#!/bin/sh\n%s\n' "$1" > "$0" && chmod 755 "$0""#])
        .arg(&path)
        .arg(script)
        .status();
    assert!(written.expect("sh").success(), "a script");
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

async fn both(folder: &Path, quick: &str, server: &str, built: bool) -> (Vec<(String, Outcome)>, Option<String>) {
    let quick = vec![case(folder, "quick", Layer::Pure, quick)];
    let server = vec![case(folder, "server", Layer::Server, server)];
    let enough = move |ran: &Ran| is_enough(ran, false, |_| built);
    let up = std::future::ready(Ok(()));
    let (ran, why) = beside(quick, server, up, &How::default(), enough, |_| {})
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

#[tokio::test]
async fn on_somebodys_servers_the_quick_tests_come_first_and_nobody_is_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let quick = case(
        folder.path(),
        "quick",
        Layer::Pure,
        &format!("sleep 0.05; touch over; {RED}"),
    );
    let server = case(
        folder.path(),
        "server",
        Layer::Server,
        &format!("test -e over && {GREEN}"),
    );
    let how = How {
        alone: true,
        ..How::default()
    };
    let run = async |enough: bool| {
        let up = std::future::ready(Ok(()));
        let ended = beside(vec![quick.clone()], vec![server.clone()], up, &how, |_| enough, |_| {}).await;
        let (ran, _) = ended.expect("both can be started");
        ran.into_iter()
            .map(|ran| (ran.name.program, ran.outcome))
            .collect::<Vec<_>>()
    };
    let red = of("quick", Outcome::Failed);
    assert_eq!(run(false).await, [red.clone(), of("server", Outcome::Passed)]);
    assert_eq!(run(true).await, [red], "it was begun although a quick one is red");
}

#[test]
fn tests_on_servers_wait_until_their_task_is_built_unless_they_are_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let named = |program: &str, test: &str, layer| {
        let mut case = case(folder.path(), program, layer, GREEN);
        case.name.test = test.into();
        case
    };
    let cases = || {
        vec![
            named("pure", "task1_a", Layer::Pure),
            named("pure", "task2_a", Layer::Pure),
            named("server", "task1_b", Layer::Server),
            named("server", "task2_b", Layer::Server),
            named("server", "of_no_task", Layer::Server),
            named("mine", "own", Layer::Server),
        ]
    };
    let built = |task: Option<u8>| task.is_none_or(|task| task == 1);
    let names = |cases: &[Case]| cases.iter().map(|case| case.name.to_string()).collect::<Vec<_>>();
    let choice = choose(cases(), false, built);
    assert_eq!(names(&choice.quick), ["pure::task1_a", "pure::task2_a", "mine::own"]);
    assert_eq!(names(&choice.on_servers), ["server::task1_b", "server::of_no_task"]);
    assert_eq!(choice.held_back[0].to_string(), "server::task2_b");
    let asked_for = choose(cases(), true, built);
    assert_eq!((asked_for.on_servers.len(), asked_for.held_back.len()), (3, 0));
}
