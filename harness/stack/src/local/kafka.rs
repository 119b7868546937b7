//! Apache Kafka in KRaft mode as child processes: one node that is its own controller, or three brokers and a
//! dedicated controller.
//!
//! Three combined nodes would be lighter, but killing two of them kills the controller quorum too: then no leader is
//! elected, no in-sync set shrinks, and what the fault should show cannot be seen.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::log;
use super::ports::{ATTEMPTS, Offer};
use super::process::Plan;
use super::server::{LocalServer, Probe, Start};
use crate::error::StackError;
use crate::provision::Pieces;
use crate::ready;
use crate::spec::Sizing;

/// Kafka's last line of a start.
pub(crate) const STARTED: &str = "Kafka Server started";

/// The dedicated controller's node id, far from the brokers'.
const CONTROLLER_ID: u32 = 100;

/// How long a broker may take to end politely, and to write its class archive.
const EXIT_LIMIT: Duration = Duration::from_secs(60);

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Broker and controller in one.
    Combined,
    Broker,
    Controller,
}

/// One node of the cluster.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) id: u32,
    pub(crate) role: Role,
    /// For clients and other brokers.
    pub(crate) client_port: u16,
    /// For the controllers' protocol.
    pub(crate) controller_port: u16,
}

/// All nodes, and what they agree on.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub(crate) id: String,
    pub(crate) nodes: Vec<Node>,
}

impl Cluster {
    /// A cluster of 1 or 3 brokers on ports as offered.
    pub(crate) fn plan(brokers: u8, ports: &mut dyn Offer) -> Result<Self, StackError> {
        let mut node = |id, role| {
            let client_port = ports.port();
            let mut controller_port = ports.port();
            while controller_port == client_port {
                controller_port = ports.port();
            }
            Node {
                id,
                role,
                client_port,
                controller_port,
            }
        };
        let nodes = match brokers {
            0 | 1 => vec![node(1, Role::Combined)],
            3 => {
                let brokers = (1..=3).map(|id| (id, Role::Broker));
                brokers
                    .chain([(CONTROLLER_ID, Role::Controller)])
                    .map(|(id, role)| node(id, role))
                    .collect()
            }
            other => return Err(StackError::Brokers(other)),
        };
        Ok(Self {
            id: kafka_uuid(),
            nodes,
        })
    }

    /// What clients connect to.
    pub(crate) fn bootstrap(&self) -> String {
        let brokers = self.nodes.iter().filter(|node| node.role != Role::Controller);
        brokers
            .map(|node| format!("127.0.0.1:{}", node.client_port))
            .collect::<Vec<_>>()
            .join(",")
    }

    /// Brokers, which is also how often each partition is stored.
    pub(crate) fn brokers(&self) -> usize {
        self.nodes.iter().filter(|node| node.role != Role::Controller).count()
    }

    fn ports(&self) -> String {
        self.nodes
            .iter()
            .map(|node| format!("{}, {}", node.client_port, node.controller_port))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// `server.properties` of one node. Many timeouts are far below Kafka's defaults, so that a fault shows within
    /// seconds; in production the defaults are right.
    pub(crate) fn properties(&self, node: &Node, data: &Path, sizing: Sizing) -> String {
        let voters: Vec<_> = self
            .nodes
            .iter()
            .filter(|node| node.role != Role::Broker)
            .map(|node| format!("{}@127.0.0.1:{}", node.id, node.controller_port))
            .collect();
        let replication = self.brokers();
        let in_sync = replication.div_ceil(2);
        let client = format!("CLIENT://127.0.0.1:{}", node.client_port);
        let controller = format!("CONTROLLER://127.0.0.1:{}", node.controller_port);
        let (roles, listeners) = match node.role {
            Role::Combined => ("broker,controller", format!("{client},{controller}")),
            Role::Broker => ("broker", client.clone()),
            Role::Controller => ("controller", controller),
        };
        // A controller refuses to have these two.
        let broker_only = match node.role {
            Role::Controller => String::new(),
            _ => format!("advertised.listeners={client}\ninter.broker.listener.name=CLIENT\n"),
        };
        let (network_threads, io_threads) = match sizing {
            Sizing::Tests => (2, 3),
            Sizing::Throughput => (3, 8),
        };
        format!(
            "process.roles={roles}
node.id={id}
listeners={listeners}
{broker_only}listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.voters={voters}
log.dirs={data}
num.network.threads={network_threads}
num.io.threads={io_threads}
auto.create.topics.enable=false
auto.leader.rebalance.enable=false
default.replication.factor={replication}
min.insync.replicas={in_sync}

# internal topics as large as the cluster can hold them, and few partitions: each costs files at the start
offsets.topic.replication.factor={replication}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={replication}
transaction.state.log.min.isr={in_sync}
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor={replication}
share.coordinator.state.topic.min.isr={in_sync}
share.coordinator.state.topic.num.partitions=4
log.cleaner.dedupe.buffer.size=4194304

# faults show in seconds
broker.heartbeat.interval.ms=200
broker.session.timeout.ms=1500
controller.quorum.fetch.timeout.ms=1000
controller.quorum.election.timeout.ms=500
controller.quorum.election.backoff.max.ms=250
controller.quorum.request.timeout.ms=1000
replica.lag.time.max.ms=1500
replica.fetch.wait.max.ms=200
replica.fetch.backoff.ms=200
replica.socket.timeout.ms=1500
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000

# groups notice a dead member as soon as its client asks for it
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=1000
group.consumer.min.heartbeat.interval.ms=200
",
            id = node.id,
            voters = voters.join(","),
            data = data.display(),
        )
    }
}

/// What Kafka calls a uuid: 16 random bytes in URL-safe base64 without padding. One that begins with a dash would be
/// read as an option.
pub(crate) fn kafka_uuid() -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    loop {
        let bits = uuid::Uuid::new_v4().as_u128();
        // 128 bits are 21 groups of six and one of two, which stands in the upper bits of its group.
        let groups = (0..22).map(|group| {
            if group < 21 {
                bits >> (122 - 6 * group)
            } else {
                bits << 4
            }
        });
        let text: String = groups
            .map(|group| char::from(ALPHABET[(group & 63) as usize]))
            .collect();
        if !text.starts_with('-') {
            return text;
        }
    }
}

/// How the JVM is called, without what varies between servers.
pub(crate) fn jvm(sizing: Sizing, role: Role) -> Vec<OsString> {
    let flags: &[&str] = match (sizing, role) {
        (Sizing::Tests, _) => &["-Xms256m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"],
        (Sizing::Throughput, Role::Controller) => &["-Xms256m", "-Xmx256m", "-XX:+UseG1GC"],
        (Sizing::Throughput, _) => &["-Xms1g", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"],
    };
    let always = [
        "-XX:-UsePerfData",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true",
    ];
    flags.iter().chain(&always).map(OsString::from).collect()
}

/// Kafka's log goes to standard output, which is the server's log file.
const LOG4J: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="warn" shutdownHook="disable">
  <Appenders>
    <Console name="out" target="SYSTEM_OUT"><PatternLayout pattern="%d{ISO8601} %p %m (%c{1})%n"/></Console>
  </Appenders>
  <Loggers>
    <Root level="warn"><AppenderRef ref="out"/></Root>
    <Logger name="kafka" level="info"/>
    <Logger name="org.apache.kafka" level="info"/>
    <Logger name="org.apache.kafka.common.config" level="warn"/>
    <Logger name="org.apache.kafka.common.utils.AppInfoParser" level="warn"/>
  </Loggers>
</Configuration>
"#;

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
    fs::create_dir_all(&data).map_err(StackError::io("creating", &data))?;
    let write = |path: &Path, text: String| fs::write(path, text).map_err(StackError::io("writing", path));
    write(
        &folder.join("server.properties"),
        cluster.properties(node, &data, sizing),
    )?;
    write(&folder.join("log4j2.xml"), LOG4J.into())?;
    if let Some(checkpoint) = checkpoint {
        let meta = format!(
            "version=1\ncluster.id={}\nnode.id={}\ndirectory.id={}\n",
            cluster.id,
            node.id,
            kafka_uuid()
        );
        write(&data.join("meta.properties"), meta)?;
        let copy = data.join("bootstrap.checkpoint");
        fs::copy(checkpoint, &copy).map_err(StackError::io("writing", &copy))?;
    }
    Ok(())
}

/// The process of one node.
pub(crate) fn process(pieces: &Pieces, run: &Path, folder: &Path, name: &str, sizing: Sizing, role: Role) -> Plan {
    let mut arguments = jvm(sizing, role);
    if let Some(archive) = &pieces.archive {
        let mut flag = OsString::from("-XX:SharedArchiveFile=");
        flag.push(archive);
        arguments.push(flag);
    }
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
        let cluster = Cluster::plan(brokers, ports)?;
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
            let probe = probe(&plan, node, cluster.brokers());
            servers.push(Arc::new(LocalServer::new(plan, probe)));
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
    let running = start_with(&pieces, run, 1, Sizing::Tests, &mut super::ports::Random, &[flag])?;
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

/// Ready: Kafka has said so, and a record goes through this very broker and comes back.
fn probe(plan: &Plan, node: &Node, brokers: usize) -> Probe {
    let path = plan.log();
    let (role, address) = (node.role, format!("127.0.0.1:{}", node.client_port));
    let replication = i32::try_from(brokers).unwrap_or(1);
    Box::new(move |mark| {
        if !log::since(&path, mark).contains(STARTED) {
            return Ok(false);
        }
        if role != Role::Controller {
            ready::kafka(&address, replication)?;
        }
        Ok(true)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_as_kafka_reads_them() {
        for _ in 0..1000 {
            let uuid = kafka_uuid();
            assert_eq!(uuid.len(), 22, "{uuid}");
            assert!(!uuid.starts_with('-'), "{uuid}");
            // the last character carries two bits, in its upper end
            assert!(uuid.ends_with(['A', 'Q', 'g', 'w']), "{uuid}");
        }
    }

    #[test]
    fn a_cluster_of_two_is_refused_in_one_sentence() {
        let error = Cluster::plan(2, &mut super::super::ports::Random).expect_err("two brokers have no majority");
        assert!(error.to_string().contains("--brokers 3"), "{error}");
    }
}
