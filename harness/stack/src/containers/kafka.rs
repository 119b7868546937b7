//! Apache Kafka in containers: how a node is told what it is, and how a cluster is started.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use super::Networks;
use super::start::{Wanted, start as start_container};
use crate::engine::container::{Container, Link};
use crate::error::StackError;
use crate::kafka_uuid;
use crate::ports::{ATTEMPTS, Offer, Random};
use crate::ready;
use crate::settings::kafka::{CONTROLLER_ID, Listener, Place, Role, as_variable, jvm, settings};
use crate::spec::Sizing;

/// In both images a volume.
const DATA: &str = "/var/lib/kafka/data";
/// For clients in other containers.
const SERVERS_PORT: u16 = 9092;
const CONTROLLER_PORT: u16 = 9093;
/// For other brokers.
const INTERNAL_PORT: u16 = 9094;
/// What the controller is called by the brokers.
const CONTROLLER: &str = "controller";

/// How long the JVM remembers addresses of others: not at all. docker-compose.yml mounts the very file.
const NAMES: &str = include_str!("../../images/kafka/names.security");
const NAMES_FILE: &str = "/etc/kafka/docker/names.security";

/// One node of a cluster to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    id: u32,
    role: Role,
}

impl Node {
    fn name(self) -> String {
        match self.role {
            Role::Controller => "kafka-controller".into(),
            Role::Combined | Role::Broker => format!("kafka-{}", self.id),
        }
    }

    /// What others call it on the cluster's network.
    fn alias(self) -> String {
        match self.role {
            Role::Controller => CONTROLLER.into(),
            Role::Combined | Role::Broker => format!("broker-{}", self.id),
        }
    }
}

/// The nodes of a cluster of 1 or 3 brokers; a dedicated controller is the last.
pub(super) fn nodes(brokers: u8) -> Result<Vec<Node>, StackError> {
    let node = |id, role| Node { id, role };
    match brokers {
        0 | 1 => Ok(vec![node(1, Role::Combined)]),
        3 => Ok((1..=3)
            .map(|id| node(id, Role::Broker))
            .chain([node(CONTROLLER_ID, Role::Controller)])
            .collect()),
        other => Err(StackError::Brokers(other)),
    }
}

/// A running cluster: the servers in the order of the nodes.
pub(super) struct Running {
    pub(super) bootstrap: String,
    /// For a client in another container.
    pub(super) bootstrap_for_servers: String,
    pub(super) servers: Vec<Arc<Container>>,
}

/// Starts a cluster. All nodes at once: no broker is ready before the controller is, nor the other way round.
pub(super) fn start(
    image: &str,
    run: &Path,
    networks: &Networks,
    nodes: Vec<Node>,
    sizing: Sizing,
) -> Result<Running, StackError> {
    let cluster = Cluster {
        id: kafka_uuid(),
        brokers: nodes.iter().filter(|node| node.role != Role::Controller).count(),
        image,
        run,
        networks,
        sizing,
    };
    let started: Result<Vec<_>, _> = thread::scope(|scope| {
        let starts: Vec<_> = nodes.iter().map(|node| scope.spawn(|| cluster.start(*node))).collect();
        let panicked = |_| {
            Err(StackError::prepare(
                "starting a container",
                "the thread that waited for it panicked",
            ))
        };
        // Each is waited for, whatever becomes of the others.
        let ends: Vec<_> = starts
            .into_iter()
            .map(|start| start.join().unwrap_or_else(panicked))
            .collect();
        ends.into_iter().collect()
    });
    let started: Vec<Started> = started?;
    let joined = |of: &dyn Fn(&Started) -> Option<String>| started.iter().filter_map(of).collect::<Vec<_>>().join(",");
    Ok(Running {
        bootstrap: joined(&|started| Some(format!("127.0.0.1:{}", started.port?))),
        bootstrap_for_servers: joined(&|started| started.port.map(|_| format!("{}:{SERVERS_PORT}", started.container))),
        servers: started.into_iter().map(|started| started.server).collect(),
    })
}

struct Started {
    /// On this machine, of a broker.
    port: Option<u16>,
    /// The name of the container.
    container: String,
    server: Arc<Container>,
}

struct Cluster<'a> {
    id: String,
    brokers: usize,
    image: &'a str,
    run: &'a Path,
    networks: &'a Networks,
    sizing: Sizing,
}

impl Cluster<'_> {
    fn start(&self, node: Node) -> Result<Started, StackError> {
        let name = node.name();
        let folder = self.run.join(&name);
        std::fs::create_dir_all(&folder).map_err(StackError::io("creating", &folder))?;
        let log = folder.join("server.log");
        let (mut attempts, mut tried) = (0, 0);
        while attempts < ATTEMPTS {
            attempts += 1;
            // Known before the start: a broker tells clients where it is to be found.
            let port = (node.role != Role::Controller).then(|| Random.port());
            tried = port.unwrap_or(0);
            let wanted = self.wanted(node, &name, port, &folder, log.clone())?;
            let container = wanted.container.clone();
            let address = format!("127.0.0.1:{tried}");
            let probe = ready::kafka_probe(log.clone(), node.role, address, self.brokers, ready::TOPIC);
            if let Some(server) = start_container(wanted, probe)? {
                let server = Arc::new(server);
                return Ok(Started {
                    port,
                    container,
                    server,
                });
            }
        }
        Err(StackError::PortsTaken {
            server: name,
            ports: tried.to_string(),
            attempts,
            log,
        })
    }

    fn wanted<'a>(
        &'a self,
        node: Node,
        name: &'a str,
        port: Option<u16>,
        folder: &Path,
        log: PathBuf,
    ) -> Result<Wanted<'a>, StackError> {
        let container = format!("{}-{name}", self.networks.client.trim_end_matches("-client"));
        let place = place(node, port.unwrap_or(0), &container);
        let settings = settings(node.id, node.role, self.brokers, self.sizing, &place);
        let (heap, flags) = jvm(self.sizing, node.role);
        let mut variables: Vec<_> = settings
            .into_iter()
            .map(|(key, value)| (as_variable(key), value))
            .collect();
        let own = [
            ("CLUSTER_ID", self.id.clone()),
            ("KAFKA_HEAP_OPTS", heap.join(" ")),
            ("KAFKA_JVM_PERFORMANCE_OPTS", flags.join(" ")),
            ("KAFKA_OPTS", forgetful()),
        ];
        variables.extend(own.map(|(key, value)| (key.to_owned(), value)));
        // For a person to look up.
        let text: String = variables
            .iter()
            .map(|(key, value)| format!("{key}={value}\n"))
            .collect();
        let path = folder.join("server.env");
        std::fs::write(&path, text).map_err(StackError::io("writing", &path))?;
        let names = folder.join("names.security");
        std::fs::write(&names, NAMES).map_err(StackError::io("writing", &names))?;
        let network = |name: &String| Link {
            network: name.clone(),
            aliases: vec![node.alias()],
        };
        Ok(Wanted {
            name,
            container,
            image: self.image,
            run: self.run,
            network: &self.networks.client,
            link: self.networks.cluster.as_ref().map(network),
            variables,
            port: port.map(|port| (port, port)),
            files: vec![(NAMES_FILE.to_owned(), names)],
            data: DATA,
            log,
        })
    }
}

fn forgetful() -> String {
    format!("-Djava.security.properties={NAMES_FILE}")
}

/// Where a node in this container listens.
fn place(node: Node, port: u16, container: &str) -> Place {
    let listener = |name, port, advertised: Option<String>| Listener {
        name,
        bind: format!("0.0.0.0:{port}"),
        advertised,
    };
    let client = listener(Listener::CLIENT, port, Some(format!("127.0.0.1:{port}")));
    let servers = listener(
        Listener::SERVERS,
        SERVERS_PORT,
        Some(format!("{container}:{SERVERS_PORT}")),
    );
    let internal = listener(
        Listener::INTERNAL,
        INTERNAL_PORT,
        Some(format!("{}:{INTERNAL_PORT}", node.alias())),
    );
    let controller = listener(Listener::CONTROLLER, CONTROLLER_PORT, None);
    let (listeners, inter_broker, voter) = match node.role {
        // The one port that is the same inside and outside is its own way to itself, too.
        Role::Combined => (vec![client, servers, controller], Listener::CLIENT, "1@localhost"),
        Role::Broker => (vec![client, servers, internal], Listener::INTERNAL, "100@controller"),
        Role::Controller => (vec![controller], Listener::INTERNAL, "100@controller"),
    };
    Place {
        listeners,
        inter_broker,
        voter: format!("{voter}:{CONTROLLER_PORT}"),
        data: DATA.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_voter_is_the_node_that_holds_the_office() {
        for brokers in [1, 3] {
            let nodes = nodes(brokers).expect("a plan");
            let voter = nodes.iter().find(|node| node.role != Role::Broker).expect("a voter");
            for node in &nodes {
                let place = place(*node, 20_000, "kafka");
                assert!(place.voter.starts_with(&format!("{}@", voter.id)), "{}", place.voter);
            }
        }
        assert!(nodes(2).is_err());
    }
    /// Where the settings stand a second time, because Compose reads nothing of ours.
    const COMPOSE: &str = include_str!("../../../../docker-compose.yml");

    #[test]
    fn docker_compose_has_the_very_same_settings() {
        let lines: Vec<&str> = COMPOSE.lines().map(str::trim).collect();
        for node in nodes(3).expect("a plan") {
            let port = u16::try_from(19_091 + node.id).expect("a port");
            let place = place(node, port, &node.name());
            for (key, value) in settings(node.id, node.role, 3, Sizing::Tests, &place) {
                let line = format!("{}: \"{value}\"", as_variable(key));
                assert!(
                    lines.contains(&line.as_str()),
                    "docker-compose.yml does not say what settings/kafka.rs says of {}: {line}",
                    node.name()
                );
            }
        }
        let names = format!("KAFKA_OPTS: {}", forgetful());
        assert!(
            lines.contains(&names.as_str()),
            "docker-compose.yml does not say {names}"
        );
        let mount = format!("- ./harness/stack/images/kafka/names.security:{NAMES_FILE}:ro");
        let mounted = lines.iter().filter(|line| **line == mount).count();
        assert_eq!(mounted, 4, "nodes of docker-compose.yml that have {mount}");
    }
}
