//! The asker's side: a stack that another process has started and that all its siblings use.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::words::{LINE_LIMIT, Question, Reply, Seen, Servers};
use crate::clickhouse::ClickHouse;
use crate::error::StackError;
use crate::kafka::Kafka;
use crate::made::Made;
use crate::server::{HandsOff, Known, Server};
use crate::stack::Stack;

/// A host that says nothing for so long is no longer there; while it starts servers it gives signs of life.
const SILENCE: Duration = Duration::from_secs(60);

/// After so many seconds of waiting a person is told.
const PATIENCE: u64 = 10;

/// Asks the host at `socket` for its servers. Blocking; as long as the host lives and is at it.
pub(crate) fn attach(socket: &Path) -> Result<Stack, StackError> {
    let mut told = 0;
    let reply = ask(socket, &Question::Servers, |seconds| {
        if seconds >= told + PATIENCE {
            told = seconds;
            // Not by the print macros, whose words a passing test keeps to itself.
            let _ = writeln!(
                std::io::stderr(),
                "waiting for the servers of this test run: {seconds} s"
            );
        }
    })?;
    match reply {
        Reply::Servers(servers) => stack(socket, *servers),
        Reply::Failed(sentence) => Err(StackError::NotHosted(sentence)),
        other => Err(unexpected(&other)),
    }
}

fn unexpected(reply: &Reply) -> StackError {
    lost(format!("it answered {reply:?}"))
}

fn lost(why: impl ToString) -> StackError {
    StackError::HostLost(why.to_string())
}

/// One question, and the reply to it; `waiting` hears of the signs of life before it.
pub(super) fn ask(socket: &Path, question: &Question, mut waiting: impl FnMut(u64)) -> Result<Reply, StackError> {
    let mut host = UnixStream::connect(socket).map_err(lost)?;
    host.set_read_timeout(Some(SILENCE)).map_err(lost)?;
    host.set_write_timeout(Some(SILENCE)).map_err(lost)?;
    let mut line = serde_json::to_string(question).map_err(lost)?;
    line.push('\n');
    host.write_all(line.as_bytes()).map_err(lost)?;
    let mut replies = BufReader::new(host);
    loop {
        line.clear();
        replies.by_ref().take(LINE_LIMIT).read_line(&mut line).map_err(lost)?;
        if line.is_empty() {
            return Err(lost("it has ended"));
        }
        match serde_json::from_str(&line).map_err(lost)? {
            Reply::Starting(seconds) => waiting(seconds),
            reply => return Ok(reply),
        }
    }
}

/// Notes at the host what was made in servers that stay.
pub(crate) fn note(socket: &Path, topic: bool, name: &str) {
    let question = Question::Made {
        topic,
        name: name.to_owned(),
    };
    if let Err(error) = ask(socket, &question, |_| ()) {
        tracing::warn!(%error, name, "nobody will remove it");
    }
}

fn stack(socket: &Path, servers: Servers) -> Result<Stack, StackError> {
    let handle = |seen: Seen| {
        let control = Attached {
            name: seen.name.clone(),
            pid: seen.pid,
            socket: socket.to_path_buf(),
        };
        Server::new(&seen.name, seen.log, Arc::new(HandsOff(control)))
    };
    let provider = servers.provider.parse()?;
    let brokers = servers.brokers.into_iter().map(handle).collect();
    let controller = servers.controller.map(handle);
    let mut kafka = Kafka::new(servers.bootstrap, brokers, controller, servers.replication)
        .for_servers(servers.bootstrap_for_servers);
    let mut clickhouse = ClickHouse::new(servers.clickhouse_url, handle(servers.clickhouse));
    if let Some(ids) = servers.broker_ids {
        kafka = kafka.with_ids(ids);
    }
    if servers.stay {
        let made = Arc::new(Made::at_host(socket));
        (kafka, clickhouse) = (kafka.made(Arc::clone(&made)), clickhouse.made(made));
    }
    Ok(Stack::attached(
        provider,
        kafka,
        clickhouse,
        servers.versions,
        servers.run_dir,
    ))
}

/// A server that others use at this moment.
struct Attached {
    name: String,
    pid: Option<u32>,
    socket: PathBuf,
}

impl Known for Attached {
    fn name(&self) -> &str {
        &self.name
    }

    fn pid(&self) -> Option<u32> {
        self.pid
    }

    fn is_alive(&self) -> bool {
        let asked = ask(&self.socket, &Question::Alive(self.name.clone()), |_| ());
        matches!(asked, Ok(Reply::Alive(true)))
    }

    fn why(&self) -> String {
        "every test of this run uses it; take servers of your own with Stack::own".into()
    }
}
