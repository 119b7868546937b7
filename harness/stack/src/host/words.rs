//! What a host and its askers say to each other: one question a connection, each a JSON line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::server::Server;
use crate::stack::Stack;

/// More than any of these lines is long.
pub(super) const LINE_LIMIT: u64 = 1 << 20;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Question {
    /// Where are they? Starts them.
    Servers,
    /// Does the server of this name run?
    Alive(String),
    /// A topic, or else a database, was made, which is to go with the run where the servers stay.
    Made { topic: bool, name: String },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    /// Not yet, for so many seconds; another reply follows.
    Starting(u64),
    Servers(Box<Servers>),
    /// They cannot be had: the sentence that says why.
    Failed(String),
    Alive(bool),
    Noted,
}

/// Everything of a stack that another process can know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Servers {
    pub(super) provider: String,
    pub(super) bootstrap: String,
    pub(super) bootstrap_for_servers: String,
    pub(super) broker_ids: Option<Vec<i32>>,
    pub(super) replication: i32,
    pub(super) clickhouse_url: String,
    pub(super) versions: BTreeMap<String, String>,
    pub(super) run_dir: PathBuf,
    pub(super) brokers: Vec<Seen>,
    pub(super) controller: Option<Seen>,
    pub(super) clickhouse: Seen,
    /// Whether the host wants to hear what is made.
    pub(super) stay: bool,
}

/// One server.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) name: String,
    pub(super) log: PathBuf,
    pub(super) pid: Option<u32>,
}

impl Seen {
    fn of(server: &Server) -> Self {
        Self {
            name: server.name().to_owned(),
            log: server.log().to_path_buf(),
            pid: server.pid(),
        }
    }
}

impl Servers {
    pub(super) fn of(stack: &Stack) -> Self {
        let (kafka, clickhouse) = (stack.kafka(), stack.clickhouse());
        Self {
            provider: stack.provider().name().to_owned(),
            bootstrap: kafka.bootstrap().to_owned(),
            bootstrap_for_servers: kafka.bootstrap_for_servers().to_owned(),
            broker_ids: kafka.ids().map(<[i32]>::to_vec),
            replication: kafka.replication(),
            clickhouse_url: clickhouse.url().to_owned(),
            versions: stack.versions().clone(),
            run_dir: stack.run_dir().to_path_buf(),
            brokers: kafka.brokers().iter().map(Seen::of).collect(),
            controller: kafka.controller().map(Seen::of),
            clickhouse: Seen::of(clickhouse.server()),
            stay: kafka.notes().is_some(),
        }
    }
}
