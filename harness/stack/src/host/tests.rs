//! A host and its askers, in one process; `tests/host.rs` has them in several.

use std::sync::Mutex;

use super::attached::ask;
use super::*;
use crate::server::Server;
use crate::spec::Provider;

fn wanted() -> StackSpec {
    StackSpec {
        provider: Provider::from_env().expect("a provider's name").resolve(),
        ..StackSpec::default()
    }
}

fn asker(host: &Host) -> Result<Stack, StackError> {
    attach(&host.variable().1)
}

/// Ends the host off the runtime, as `lab test` does.
async fn closed(host: Host) {
    let closing = tokio::task::spawn_blocking(|| host.close());
    closing.await.expect("no panic").expect("the servers go");
}

#[tokio::test]
async fn a_server_that_is_shared_answers_and_cannot_be_hurt_and_what_was_made_goes_with_the_host() {
    let host = Arc::new(Host::open(wanted()).expect("a place to listen"));
    let asking = Arc::clone(&host);
    let stack = tokio::task::spawn_blocking(move || asker(&asking)).await;
    let stack = stack.expect("no panic").expect("the servers");
    let topic = crate::unique("shared");
    stack.kafka().create_topic(&topic, 1, &[]).await.expect("a topic");
    let one: u8 = stack
        .clickhouse()
        .client()
        .query("SELECT 1")
        .fetch_one()
        .await
        .expect("a row");
    assert_eq!(one, 1);

    let servers = stack.kafka().brokers().iter().chain([stack.clickhouse().server()]);
    for server in servers.clone() {
        assert!(server.is_alive(), "{server:?}");
        assert!(server.log().starts_with(stack.run_dir()), "{server:?}");
        let refusals = [
            server.kill().await,
            server.restart().await,
            server.freeze().await,
            server.thaw().await,
            server.cut().await,
            server.heal().await,
            server.kill_at_rename().await.map(drop),
        ];
        for refused in refusals {
            let sentence = refused.expect_err("others use it").to_string();
            assert!(
                sentence.contains("Stack::own") && sentence.starts_with(server.name()) && sentence.lines().count() == 1,
                "{sentence}"
            );
        }
        assert!(server.is_alive(), "{server:?} was hurt all the same");
    }

    stack.keep_logs();
    let run_dir = stack.run_dir().to_path_buf();
    closed(Arc::into_inner(host).expect("nobody else has it")).await;
    match stack.provider() {
        Provider::External => {
            let gone = async {
                while stack.kafka().placed(&topic).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            let gone = tokio::time::timeout(Duration::from_secs(10), gone).await;
            assert!(gone.is_ok(), "topic {topic} is still there");
        }
        _ => {
            let pids = servers.filter_map(Server::pid).map(|pid| format!("/proc/{pid}"));
            let left: Vec<_> = pids.filter(|place| Path::new(place).exists()).collect();
            assert!(left.is_empty(), "still there: {left:?}");
            assert!(
                stack.clickhouse().server().log().exists() && !run_dir.join("clickhouse/data").exists(),
                "the logs stay and the data goes in {}",
                run_dir.display()
            );
        }
    }
    std::fs::remove_dir_all(run_dir).expect("removing it");
    let late = stack.clickhouse().server().is_alive();
    assert!(!late, "nobody is left who could know");
}

#[test]
fn servers_that_cannot_be_started_are_told_in_the_same_words_to_everyone_who_asks() {
    let spec = StackSpec {
        provider: Provider::Local,
        brokers: 2,
        ..StackSpec::default()
    };
    let host = Host::open(spec).expect("a place to listen");
    let heard = Mutex::new(Vec::new());
    let hear = || {
        let error = asker(&host).expect_err("two have no majority").to_string();
        heard.lock().expect("no panic").push(error);
    };
    thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(hear))));
    hear();
    let heard = heard.into_inner().expect("no panic");
    assert_eq!(heard.len(), 4);
    for sentence in &heard {
        assert_eq!(*sentence, StackError::Brokers(2).to_string());
    }
}

#[test]
fn a_host_that_nobody_asks_starts_nothing_and_leaves_nothing() {
    let host = Host::open(wanted()).expect("a place to listen");
    let folder = host.folder.path().to_path_buf();
    assert!(folder.join("host").exists());
    assert_eq!((host.run_dir(), host.keep_logs()), (None, None));
    assert!(matches!(*host.shared.state(), State::Idle), "{host:?}");
    host.close().expect("nothing to end");
    assert!(!folder.exists(), "{} is still there", folder.display());
}

#[test]
fn who_asks_waits_for_as_long_as_the_host_gives_signs_of_life_and_no_longer() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let listener = UnixListener::bind(socket(folder.path())).expect("a socket");
    let host = thread::spawn(move || {
        let (asker, _) = listener.accept().expect("somebody asks");
        for seconds in [2, 4] {
            say(&asker, &Reply::Starting(seconds)).expect("it listens");
        }
        say(&asker, &Reply::Failed("no disk".into())).expect("it listens");
        drop(listener.accept().expect("somebody asks"));
        listener
    });
    let mut waited = Vec::new();
    let reply = ask(&socket(folder.path()), &Question::Servers, |seconds| {
        waited.push(seconds)
    });
    assert!(matches!(reply, Ok(Reply::Failed(sentence)) if sentence == "no disk"));
    assert_eq!(waited, [2, 4]);
    let hung_up = attach(&socket(folder.path()));
    drop(host.join().expect("no panic"));
    let nobody = attach(&socket(folder.path()));
    for asked in [hung_up, nobody] {
        let error = asked.expect_err("there is no host").to_string();
        assert!(error.contains("lab test") && error.lines().count() == 1, "{error}");
    }
}
