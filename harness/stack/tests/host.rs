//! Test processes that share one set of servers.

use std::process::{Command, Stdio};

use stack::{Host, Provider, Stack, StackSpec};

/// Set in the processes that this program starts of itself: what they find is theirs to say.
const ASKER: &str = "STACK_TEST_ASKER";

/// Not a test of its own: a test process that wants servers.
#[tokio::test]
async fn asker() {
    if std::env::var_os(ASKER).is_none() {
        return;
    }
    let stack = Stack::shared().await.expect("the servers of the test run");
    let pid = stack.clickhouse().server().pid();
    // The test harness captures `print!`; a pipe to the parent it does not.
    let found = format!(
        "\nfound: {} {} {} {pid:?}",
        stack.provider(),
        stack.run_dir().display(),
        stack.kafka().bootstrap()
    );
    std::io::Write::write_all(&mut std::io::stdout(), found.as_bytes()).expect("the parent listens");
}

#[test]
fn two_test_processes_have_the_same_servers_which_are_started_when_the_first_asks_and_go_with_the_run() {
    let provider = Provider::from_env().expect("a provider's name").resolve();
    let spec = StackSpec {
        provider,
        ..StackSpec::default()
    };
    let host = Host::open(spec).expect("a place to listen");
    let (name, socket) = host.variable();
    assert_eq!(host.run_dir(), None, "nobody has asked");
    let askers = [(); 2].map(|()| {
        Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "asker", "--nocapture"])
            .env(ASKER, "1")
            .env(name, &socket)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a second process")
    });
    let found = askers.map(|asker| {
        let ended = asker.wait_with_output().expect("its words");
        let said = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert!(ended.status.success(), "{said}");
        let found = said.lines().find(|line| line.starts_with("found: "));
        found.map(str::to_owned).unwrap_or_else(|| panic!("{said}"))
    });
    let run_dir = host.run_dir().expect("they were started");
    assert_eq!(found[0], found[1]);
    assert!(
        found[0].contains(provider.name()) && found[0].contains(&run_dir.display().to_string()),
        "{}",
        found[0]
    );
    assert!(run_dir.is_dir(), "they stay when those who asked have ended");
    host.close().expect("the servers go");
    assert!(!run_dir.exists(), "{} is still there", run_dir.display());
}
