//! ClickHouse servers that replicate each other's tables, and the ZooKeeper by which they agree.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::process::Plan;
use super::server::{LocalServer, Start};
use super::{LocalLease, clickhouse, handle};
use crate::ClickHouse;
use crate::error::StackError;
use crate::ports::{ATTEMPTS, Offer, Random};
use crate::provision::{self, Pieces};
use crate::rundir::RunDir;
use crate::server::{Server, blocking};
use crate::spec::{Provider, Sizing};
use crate::stack::{Ending, Lease as _};

const KEEPER: &str = "zookeeper";

/// How long the probe waits for a word.
const ANSWER: Duration = Duration::from_secs(1);

/// Replicated ClickHouse, for an experiment of its own: not part of a [`Stack`](crate::Stack), because nothing else needs
/// it. Local processes only. Dropped, the servers go and their folder with them.
#[derive(Debug)]
pub struct Replicas {
    nodes: Vec<ClickHouse>,
    keeper: Server,
    versions: BTreeMap<String, String>,
    ending: Ending,
}

impl Replicas {
    /// Starts so many servers, of which each is replica `{replica}` of the same shard, and returns when all answer. Fetches
    /// ZooKeeper first, if it is not there.
    ///
    /// # Errors
    /// [`StackError::Unavailable`] where `LAB_STACK` wants another provider than local processes; else what cannot be
    /// fetched or started.
    pub async fn own(nodes: u8) -> Result<Self, StackError> {
        let provider = Provider::from_env()?;
        blocking("starting replicas", move || start(provider.resolve(), nodes)).await
    }

    /// The servers.
    pub fn nodes(&self) -> &[ClickHouse] {
        &self.nodes
    }

    /// ZooKeeper.
    pub fn keeper(&self) -> &Server {
        &self.keeper
    }

    /// Versions by name, as of a [`Stack`](crate::Stack).
    pub fn versions(&self) -> &BTreeMap<String, String> {
        &self.versions
    }
}

impl Drop for Replicas {
    fn drop(&mut self) {
        if let Err(error) = self.ending.now() {
            tracing::warn!(%error, "the replicas did not go cleanly");
        }
    }
}

fn start(provider: Provider, nodes: u8) -> Result<Replicas, StackError> {
    if provider != Provider::Local {
        return Err(StackError::Unavailable {
            provider,
            why: "replicated tables need a ZooKeeper, which only local processes have".into(),
            instead: "--stack local",
        });
    }
    let pieces = provision::ensure(true)?;
    let class_path = provision::ensure_zookeeper(&pieces, true)?;
    let run = RunDir::create(&provision::home(), false)?;
    let mut servers = Vec::new();
    let started = start_in(&pieces, &class_path, run.path(), nodes, &mut servers);
    if started.is_err() {
        run.keep_logs();
    }
    let lease = LocalLease { run, servers };
    match started {
        Ok((keeper, nodes, versions)) => Ok(Replicas {
            keeper,
            nodes,
            versions,
            ending: Ending::of(Some(Box::new(lease))),
        }),
        Err(error) => {
            // Why the start failed is what the reader needs.
            if let Err(left) = lease.end() {
                tracing::warn!(%left, "the folder of the run stays");
            }
            Err(error)
        }
    }
}

/// What runs, and its versions.
type Started = (Server, Vec<ClickHouse>, BTreeMap<String, String>);

/// Starts them all; what was started is in `servers` also when the rest fails.
fn start_in(
    pieces: &Pieces,
    class_path: &str,
    run: &Path,
    nodes: u8,
    servers: &mut Vec<Arc<LocalServer>>,
) -> Result<Started, StackError> {
    let (port, keeper) = start_keeper(pieces, class_path, run, &mut Random)?;
    servers.push(Arc::clone(&keeper));
    let (mut all, mut versions) = (Vec::new(), BTreeMap::new());
    for node in 1..=nodes {
        let name = format!("clickhouse-{node}");
        let more = |interserver| Some(replica(&name, port, interserver));
        let running = clickhouse::start_as(&name, &more, pieces, run, Sizing::Tests, &mut Random)?;
        all.push(ClickHouse::new(running.url, handle(&running.server)));
        servers.push(running.server);
        versions.insert("ClickHouse".into(), running.version);
    }
    versions.insert("ZooKeeper".into(), provision::versions()?.zookeeper.version.clone());
    Ok((handle(&keeper), all, versions))
}

/// What makes a server a replica. Where others fetch parts from it is bound to loopback, as all its ports.
fn replica(name: &str, keeper: u16, interserver: u16) -> String {
    format!(
        "<clickhouse>
  <interserver_http_port>{interserver}</interserver_http_port>
  <interserver_http_host>127.0.0.1</interserver_http_host>
  <interserver_listen_host>127.0.0.1</interserver_listen_host>
  <zookeeper>
    <node><host>127.0.0.1</host><port>{keeper}</port></node>
    <session_timeout_ms>6000</session_timeout_ms>
  </zookeeper>
  <macros><shard>1</shard><replica>{name}</replica></macros>
</clickhouse>
"
    )
}

/// Starts ZooKeeper below `run`, with another port if the one offered is taken; the port.
fn start_keeper(
    pieces: &Pieces,
    class_path: &str,
    run: &Path,
    ports: &mut dyn Offer,
) -> Result<(u16, Arc<LocalServer>), StackError> {
    let folder = run.join(KEEPER);
    let data = folder.join("data");
    fs::create_dir_all(&data).map_err(StackError::io("creating", &data))?;
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(StackError::io("writing", &path))
    };
    let mut attempts = 0;
    loop {
        attempts += 1;
        let port = ports.port();
        let data = data.display();
        write(
            "zoo.cfg",
            format!(
                "tickTime=500\ndataDir={data}\nclientPort={port}\nclientPortAddress=127.0.0.1\nmaxClientCnxns=0\n\
                 admin.enableServer=false\n4lw.commands.whitelist=srvr\n"
            ),
        )?;
        let arguments = [
            "-Xms64m",
            "-Xmx256m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp",
            class_path,
            "org.apache.zookeeper.server.ZooKeeperServerMain",
            "./zoo.cfg",
        ];
        let plan = Plan {
            name: KEEPER.into(),
            launcher: pieces.launcher.clone(),
            run: run.to_path_buf(),
            folder: folder.clone(),
            program: pieces.java.clone(),
            arguments: arguments.map(Into::into).into(),
            environment: Vec::new(),
        };
        let server = Arc::new(LocalServer::new(plan, Box::new(move |_| is_ok(port)), None));
        match server.start()? {
            Start::Ready => return Ok((port, server)),
            Start::PortTaken if attempts < ATTEMPTS => {}
            Start::PortTaken => {
                return Err(StackError::PortsTaken {
                    server: KEEPER.into(),
                    ports: port.to_string(),
                    attempts,
                    log: server.process().plan().log(),
                });
            }
        }
    }
}

/// Whether it serves. (To `ruok` it says yes while it fails to start.)
fn is_ok(port: u16) -> Result<bool, StackError> {
    let asked = || {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, ANSWER)?;
        stream.set_read_timeout(Some(ANSWER))?;
        stream.write_all(b"srvr")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        std::io::Result::Ok(answer)
    };
    match asked() {
        Ok(answer) => Ok(answer.contains("Mode:")),
        Err(error) => Err(StackError::prepare("asking ZooKeeper how it is", error)),
    }
}
