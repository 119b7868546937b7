//! What becomes of servers and files when nobody is left to end them, or when somebody asks that logs stay.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use stack::{Provider, Stack, StackSpec};

/// A test, started a second time with this variable set, is the owner that gets killed.
const OWNER: &str = "STACK_TEST_OWNER";

#[allow(clippy::print_stdout, reason = "shown with the test's name")]
fn not_tested(why: &str) {
    println!("not tested: {why}");
}

/// What the environment asks for, if it is ours to end.
fn wanted() -> Option<StackSpec> {
    let provider = Provider::from_env().expect("a provider's name").resolve();
    let ours = provider != Provider::External;
    if !ours {
        not_tested("these servers are somebody else's");
    }
    ours.then(|| StackSpec {
        provider,
        ..StackSpec::default()
    })
}

async fn until(what: &str, limit: Duration, mut is: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is() {
        assert!(started.elapsed() < limit, "{what} did not happen within {limit:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn exists(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    test_kill_process(pid).is_ok()
}

/// Starts servers, with what a run keeps beside them, says where, and waits to be killed.
async fn own(note: &Path, clickhouse_is_down: bool) {
    let spec = wanted().expect("servers of its own");
    let stack = Stack::start(spec).await.expect("a stack of its own");
    // A container has one where the engine's processes are this machine's.
    let mut pids = vec![stack.kafka().brokers()[0].pid()];
    let clickhouse = stack.clickhouse().server();
    if clickhouse_is_down {
        clickhouse.kill().await.expect("killing it");
    } else {
        pids.push(clickhouse.pid());
    }
    let journal = stack.run_dir().join("lab/journal");
    std::fs::create_dir_all(&journal).expect("creating");
    std::fs::write(journal.join("1"), "trades").expect("writing");
    let pids: Vec<_> = pids.iter().flatten().map(u32::to_string).collect();
    let text = format!("{}\n{}", pids.join(" "), stack.run_dir().display());
    // In one step, so that nobody reads half of it.
    std::fs::write(note.with_extension("half"), text).expect("writing");
    std::fs::rename(note.with_extension("half"), note).expect("renaming");
    std::future::pending::<()>().await;
}

/// Lets the test of that name be an owner, kills it, and sees whether anything is left.
async fn kill_an_owner(test: &str) {
    if wanted().is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let note = folder.path().join("note");
    let mut owner = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", test, "--nocapture"])
        .env(OWNER, &note)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("starting the owner");
    until("the owner's start", Duration::from_secs(120), || {
        note.exists() || owner.try_wait().is_ok_and(|ended| ended.is_some())
    })
    .await;
    let text = std::fs::read_to_string(&note).expect("the owner's note; it ended before it wrote one");
    let (pids, run_dir) = text.split_once('\n').expect("process ids and a folder");
    let pids: Vec<u32> = pids
        .split_whitespace()
        .map(|word| word.parse().expect("a process id"))
        .collect();
    let run_dir = PathBuf::from(run_dir);
    assert!(
        pids.iter().copied().all(exists) && run_dir.join("lab/journal/1").exists(),
        "its servers must run before the owner is killed: {text}"
    );

    let pid = i32::try_from(owner.id())
        .ok()
        .and_then(Pid::from_raw)
        .expect("a process id");
    kill_process(pid, Signal::KILL).expect("killing the owner");
    owner.wait().expect("waiting for the owner");
    until("the servers' end", Duration::from_secs(20), || {
        !pids.iter().copied().any(exists)
    })
    .await;
    until("the removal of the run's folder", Duration::from_secs(20), || {
        !run_dir.exists()
    })
    .await;
}

#[tokio::test]
async fn servers_die_and_everything_of_the_run_goes_when_its_owner_is_killed() {
    match std::env::var_os(OWNER) {
        Some(note) => own(Path::new(&note), false).await,
        None => kill_an_owner("servers_die_and_everything_of_the_run_goes_when_its_owner_is_killed").await,
    }
}

#[tokio::test]
async fn a_server_that_was_killed_before_does_not_keep_the_run_of_a_killed_owner() {
    match std::env::var_os(OWNER) {
        Some(note) => own(Path::new(&note), true).await,
        None => kill_an_owner("a_server_that_was_killed_before_does_not_keep_the_run_of_a_killed_owner").await,
    }
}

#[tokio::test]
async fn a_run_that_failed_keeps_its_logs_and_tells_its_versions_though_its_servers_are_dead() {
    let Some(spec) = wanted() else { return };
    let stack = Stack::start(spec).await.expect("a stack of its own");
    let (run_dir, server) = (stack.run_dir().to_path_buf(), stack.clickhouse().server().clone());
    let asked: String = stack
        .clickhouse()
        .client()
        .query("SELECT version()")
        .fetch_one()
        .await
        .expect("a version");
    server.kill().await.expect("killing it");
    let versions = stack.versions();
    assert_eq!(versions.get("ClickHouse"), Some(&asked), "{versions:?}");
    assert!(
        versions
            .get("Kafka")
            .is_some_and(|version| version.split('.').all(|part| part.parse::<u32>().is_ok())),
        "{versions:?}"
    );
    stack.keep_logs();
    drop(stack);
    assert!(
        server.log().exists() && !run_dir.join("clickhouse/data").exists(),
        "the logs stay and the data goes in {}",
        run_dir.display()
    );
    std::fs::remove_dir_all(run_dir).expect("removing it");
}
