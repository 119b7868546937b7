//! Members in processes of their own, killed and frozen: heartbeats come from a thread of the client, so nothing less than a
//! stopped process is silent.

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use common::{Driven, LIMIT, config, drive, fill};
use consumer::{Commit, CommitError, Committed, MemberConfig};
use stack::{Stack, unique};

const PARTITIONS: i32 = 2;
/// Set in the child: brokers, topic and group, separated by spaces.
const ROLE: &str = "TICKBOOK_TEST_MEMBER";

/// Not a test of its own: the member that the tests below start as a process. It reports on stdout, and at each line on stdin
/// commits once, without polling in between.
#[test]
fn member_process() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let mut words = role.split(' ').map(str::to_owned);
    let mut word = || words.next().expect("brokers, topic and group");
    let mut member = Driven::join("child", &config(&word(), &word(), &word()));
    drive(&mut [&mut member], "all partitions", |m| m[0].records() == 200);
    let committer = member.member.committer();
    say("ready");
    for line in std::io::stdin().lock().lines() {
        let metadata = line.expect("a line");
        let commits = [0, 1].map(|partition| Commit {
            partition,
            offset: 50,
            metadata: metadata.clone(),
        });
        say(match committer.commit_sync(&commits) {
            Ok(()) => "committed",
            Err(CommitError::Fenced { .. }) => "fenced",
            Err(CommitError::Retriable { .. }) => "retriable",
            Err(_) => "fatal",
        });
    }
}

/// The test harness captures `print!`; a pipe to the parent it does not.
fn say(word: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nmember: {word}").expect("the parent listens");
    out.flush().expect("the parent listens");
}

struct Process {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Process {
    fn start(config: &MemberConfig) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "member_process", "--nocapture"])
            .env(ROLE, format!("{} {} {}", config.brokers, config.topic, config.group))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a second process");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut process = Self { child, out };
        assert_eq!(process.hear(), "ready");
        process
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        while self.out.read_line(&mut line).expect("a pipe") > 0 {
            if let Some((_, word)) = line.trim_end().split_once("member: ") {
                return word.to_owned();
            }
            line.clear();
        }
        panic!("the member's process ended: {:?}", self.child.try_wait());
    }

    fn ask(&mut self, metadata: &str) {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        writeln!(stdin, "{metadata}").expect("the child listens");
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("a signal to our own child");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn group() -> MemberConfig {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let (topic, group) = (unique("zombie"), unique("group"));
    let brokers = runtime.block_on(async {
        let kafka = Stack::shared().await.expect("the servers").kafka();
        kafka.create_topic(&topic, PARTITIONS, &[]).await.expect("a topic");
        kafka.bootstrap()
    });
    fill(brokers, &topic, PARTITIONS, 0..100);
    config(brokers, &topic, &group)
}

#[test]
fn the_partitions_of_a_killed_member_move_after_its_session() {
    let config = group();
    let mut child = Process::start(&config);
    child.ask("alive");
    assert_eq!(child.hear(), "committed");
    let mut heir = Driven::join("heir", &config);
    let killed = Instant::now();
    child.signal(rustix::process::Signal::KILL);
    drive(&mut [&mut heir], "the dead member's partitions", |m| {
        m[0].held() == [0, 1]
    });
    assert!(
        killed.elapsed() >= config.session_timeout / 2,
        "nobody can know before its heartbeats are missed"
    );
    let found = heir.member.committer().committed(&[0, 1], LIMIT).expect("an answer");
    assert_eq!(
        found[0],
        Committed {
            partition: 0,
            offset: Some(50),
            metadata: "alive".to_owned()
        }
    );
}

/// Freezes the child beyond its session, lets another take over and commit, thaws it, and has it commit at once.
fn zombie(heir_stays: bool) {
    let config = group();
    let mut child = Process::start(&config);
    child.signal(rustix::process::Signal::STOP);
    let mut heir = Driven::join("heir", &config);
    drive(&mut [&mut heir], "the frozen member's partitions", |m| {
        m[0].records() == 200
    });
    let done = [0, 1].map(|partition| Commit {
        partition,
        offset: 100,
        metadata: "heir".to_owned(),
    });
    let started = Instant::now();
    while let Err(error) = heir.member.committer().commit_sync(&done) {
        assert!(
            matches!(error, CommitError::Retriable { .. }) && started.elapsed() < LIMIT,
            "{error}"
        );
        heir.turn();
    }
    let heir = if heir_stays {
        Some(heir)
    } else {
        // Nobody is left: a group without members takes commits without a generation.
        heir.member.leave(LIMIT).expect("left");
        None
    };
    // The question is in the pipe before the child wakes: it commits first, and hears of its death later.
    for _ in 0..3 {
        child.ask("zombie");
    }
    child.signal(rustix::process::Signal::CONT);
    for _ in 0..3 {
        assert_eq!(
            child.hear(),
            "fenced",
            "a member that was out of the group must not commit"
        );
    }
    let mut witness = Driven::join(
        "witness",
        &MemberConfig {
            group: config.group.clone(),
            ..config.clone()
        },
    );
    let found = witness.member.committer().committed(&[0, 1], LIMIT).expect("an answer");
    for c in found {
        assert_eq!(
            (c.offset, c.metadata.as_str()),
            (Some(100), "heir"),
            "the zombie's commit is in partition {}",
            c.partition
        );
    }
    witness.turn();
    drop(heir);
}

#[test]
fn a_thawed_member_cannot_commit_over_who_took_its_place() {
    zombie(true);
}

#[test]
fn a_thawed_member_cannot_commit_into_a_group_that_was_left_meanwhile() {
    zombie(false);
}
