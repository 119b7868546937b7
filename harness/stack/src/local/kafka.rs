//! Apache Kafka as child processes: how a node's folder is laid out, its JVM called, and a cluster started.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::cluster::{Cluster, Node};
use super::process::Plan;
use super::server::{LocalServer, Start};
use crate::error::StackError;
use crate::ports::{ATTEMPTS, Offer};
use crate::provision::Pieces;
use crate::ready;
use crate::settings::kafka::{Role, as_properties, jvm};
use crate::spec::Sizing;

/// How long a broker may take to end politely, and to write its class archive.
const EXIT_LIMIT: Duration = Duration::from_secs(60);

/// Kafka's log goes to standard output, which is the server's log file.
const LOG4J: &str = include_str!("../../images/kafka/log4j2.xml");

/// Writes a node's configuration and its formatted data folder. Formatting is two small files; Kafka's own tool would
/// cost a JVM start for them.
pub(crate) fn lay_out(
    folder: &Path,
    cluster: &Cluster,
    node: &Node,
    sizing: Sizing,
    checkpoint: Option<&Path>,
) -> Result<(), StackError> {
    let data = folder.join("data");
    for made in [&data, &folder.join("tmp")] {
        fs::create_dir_all(made).map_err(StackError::io("creating", made))?;
    }
    let write = |path: &Path, text: String| fs::write(path, text).map_err(StackError::io("writing", path));
    let settings = cluster.settings(node, &data, sizing);
    write(&folder.join("server.properties"), as_properties(&settings))?;
    write(&folder.join("log4j2.xml"), LOG4J.into())?;
    if let Some(checkpoint) = checkpoint {
        let meta = format!(
            "version=1\ncluster.id={}\nnode.id={}\ndirectory.id={}\n",
            cluster.id,
            node.id,
            crate::kafka_uuid()
        );
        write(&data.join("meta.properties"), meta)?;
        let copy = data.join("bootstrap.checkpoint");
        fs::copy(checkpoint, &copy).map_err(StackError::io("writing", &copy))?;
    }
    Ok(())
}

/// The process of one node.
pub(crate) fn process(pieces: &Pieces, run: &Path, folder: &Path, name: &str, sizing: Sizing, role: Role) -> Plan {
    let (heap, flags) = jvm(sizing, role);
    let mut arguments: Vec<OsString> = heap.iter().chain(&flags).map(OsString::from).collect();
    if let Some(archive) = &pieces.archive {
        let mut flag = OsString::from("-XX:SharedArchiveFile=");
        flag.push(archive);
        arguments.push(flag);
    }
    // The JVM unpacks native libraries there, and a killed one leaves them behind.
    arguments.push(format!("-Djava.io.tmpdir={}", folder.join("tmp").display()).into());
    arguments.push(format!("-Dlog4j2.configurationFile={}", folder.join("log4j2.xml").display()).into());
    arguments.extend(["-cp".into(), pieces.class_path.clone().into(), "kafka.Kafka".into()]);
    arguments.push(folder.join("server.properties").into());
    Plan {
        name: name.to_owned(),
        launcher: pieces.launcher.clone(),
        run: run.to_path_buf(),
        folder: folder.to_path_buf(),
        program: pieces.java.clone(),
        arguments,
        environment: Vec::new(),
    }
}

/// A running cluster: the servers in the order of [`Cluster::nodes`].
pub(crate) struct Running {
    pub(crate) cluster: Cluster,
    pub(crate) servers: Vec<Arc<LocalServer>>,
}

/// Starts a cluster below `run`, with other ports if those offered are taken.
pub(crate) fn start(
    pieces: &Pieces,
    run: &Path,
    brokers: u8,
    sizing: Sizing,
    ports: &mut dyn Offer,
) -> Result<Running, StackError> {
    start_with(pieces, run, brokers, sizing, ports, &[])
}

/// [`start`], with more flags for the JVM.
fn start_with(
    pieces: &Pieces,
    run: &Path,
    brokers: u8,
    sizing: Sizing,
    ports: &mut dyn Offer,
    flags: &[OsString],
) -> Result<Running, StackError> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let mut cluster = Cluster::plan(brokers, ports)?;
        cluster
            .link()
            .map_err(|error| StackError::prepare("linking the brokers", error))?;
        let mut servers = Vec::with_capacity(cluster.nodes.len());
        for node in &cluster.nodes {
            let name = match node.role {
                Role::Controller => "kafka-controller".to_owned(),
                Role::Combined | Role::Broker => format!("kafka-{}", node.id),
            };
            let folder = run.join(&name);
            let data = folder.join("data");
            if data.exists() {
                fs::remove_dir_all(&data).map_err(StackError::io("removing", &data))?;
            }
            lay_out(&folder, &cluster, node, sizing, Some(&pieces.checkpoint))?;
            let mut plan = process(pieces, run, &folder, &name, sizing, node.role);
            plan.arguments.splice(0..0, flags.iter().cloned());
            let address = format!("127.0.0.1:{}", node.client_port);
            let probe = ready::kafka_probe(plan.log(), node.role, address, cluster.brokers(), ready::TOPIC);
            servers.push(Arc::new(LocalServer::new(plan, probe, node.links.clone())));
        }
        // All at once: no broker is ready before the controller is, nor the other way round.
        let outcomes: Result<Vec<_>, _> = thread::scope(|scope| {
            let starts: Vec<_> = servers.iter().map(|server| scope.spawn(|| server.start())).collect();
            starts
                .into_iter()
                .map(|start| start.join().unwrap_or_else(|_| Err(panicked())))
                .collect()
        });
        let outcomes = outcomes?;
        if outcomes.iter().all(|outcome| *outcome == Start::Ready) {
            return Ok(Running { cluster, servers });
        }
        for server in &servers {
            server.process().kill()?;
        }
        if attempts >= ATTEMPTS {
            let log = servers
                .first()
                .map(|server| server.process().plan().log())
                .unwrap_or_default();
            return Err(StackError::PortsTaken {
                server: "kafka".into(),
                ports: cluster.ports(),
                attempts,
                log,
            });
        }
    }
}

/// Runs a broker once and has its JVM write down the classes it loaded, at its end, into `archive`.
pub(crate) fn record_archive(pieces: &Pieces, run: &Path, checkpoint: &Path, archive: &Path) -> Result<(), StackError> {
    let pieces = Pieces {
        checkpoint: checkpoint.to_path_buf(),
        archive: None,
        ..pieces.clone()
    };
    let mut flag = OsString::from("-XX:ArchiveClassesAtExit=");
    flag.push(archive);
    let running = start_with(&pieces, run, 1, Sizing::Tests, &mut crate::ports::Random, &[flag])?;
    for server in &running.servers {
        // Politely: the archive is written on the way out.
        server.process().signal("end", Signal::TERM)?;
        let asked = Instant::now();
        while server.process().ended().is_none() {
            if asked.elapsed() > EXIT_LIMIT {
                return Err(server
                    .process()
                    .failure(format!("did not end within {EXIT_LIMIT:?}"), 0));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}

fn panicked() -> StackError {
    StackError::prepare("starting a server", "the thread that waited for it panicked")
}
