//! The plan of a Kafka cluster in KRaft mode: one node that is its own controller, or three brokers and a dedicated
//! controller; and each node's settings.
//!
//! Three combined nodes would be lighter, but killing two of them kills the controller quorum too: then no leader is
//! elected, no in-sync set shrinks, and what the fault should show cannot be seen.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::links::{Links, Mover};
use super::ports::Offer;
use crate::error::StackError;
use crate::spec::Sizing;

/// The dedicated controller's node id, far from the brokers'.
const CONTROLLER_ID: u32 = 100;

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
    /// For clients; where there are no others, for the broker itself too.
    pub(crate) client_port: u16,
    /// For other brokers, which come by way of [`Links::to_broker`].
    pub(crate) internal_port: u16,
    /// For the controllers' protocol.
    pub(crate) controller_port: u16,
    /// Of a broker of several.
    pub(crate) links: Option<Arc<Links>>,
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
        let mut taken = BTreeSet::new();
        let mut port = || loop {
            let port = ports.port();
            if taken.insert(port) {
                return port;
            }
        };
        let mut node = |id, role| Node {
            id,
            role,
            client_port: port(),
            internal_port: port(),
            controller_port: port(),
            links: None,
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

    /// Makes the links between the brokers and the controller, if they are not one node. From then on they work.
    pub(crate) fn link(&mut self) -> io::Result<()> {
        let of = |node: &Node| (node.role == Role::Controller).then_some(node.controller_port);
        let Some(controller) = self.nodes.iter().find_map(of) else {
            return Ok(());
        };
        let mover = Arc::new(Mover::start()?);
        for node in self.nodes.iter_mut().filter(|node| node.role == Role::Broker) {
            node.links = Some(Arc::new(Links::new(&mover, node.internal_port, controller)?));
        }
        Ok(())
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

    /// All of them, for a person to look up.
    pub(super) fn ports(&self) -> String {
        self.nodes
            .iter()
            .map(|node| format!("{}, {}, {}", node.client_port, node.internal_port, node.controller_port))
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
            .map(|voter| {
                let links = node.links.as_ref();
                let port = links.map_or(voter.controller_port, |links| links.to_controller);
                format!("{}@127.0.0.1:{port}", voter.id)
            })
            .collect();
        let replication = self.brokers();
        let in_sync = replication.div_ceil(2);
        let client = format!("CLIENT://127.0.0.1:{}", node.client_port);
        let controller = format!("CONTROLLER://127.0.0.1:{}", node.controller_port);
        let internal = format!("INTERNAL://127.0.0.1:{}", node.internal_port);
        let (roles, listeners) = match node.role {
            Role::Combined => ("broker,controller", format!("{client},{controller}")),
            Role::Broker => ("broker", format!("{client},{internal}")),
            Role::Controller => ("controller", controller),
        };
        // A controller refuses to have these two.
        let broker_only = match (node.role, &node.links) {
            (Role::Controller, _) => String::new(),
            (_, None) => format!("advertised.listeners={client}\ninter.broker.listener.name=CLIENT\n"),
            (_, Some(links)) => format!(
                "advertised.listeners={client},INTERNAL://127.0.0.1:{}\ninter.broker.listener.name=INTERNAL\n",
                links.to_broker
            ),
        };
        // A broker whose heartbeats starve for a session is fenced. Tests want to see a death at once; a run at full rate
        // starves everybody now and then, and must not lose its only broker for that.
        // A heartbeat may take no longer than the interval between two.
        let (network_threads, io_threads, heartbeat_ms, session_ms) = match sizing {
            Sizing::Tests => (2, 3, 500, 2_000),
            Sizing::Throughput => (3, 8, 1_000, 4_000),
        };
        format!(
            "process.roles={roles}
node.id={id}
listeners={listeners}
{broker_only}listener.security.protocol.map=CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT
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
broker.heartbeat.interval.ms={heartbeat_ms}
broker.session.timeout.ms={session_ms}
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
        let error = Cluster::plan(2, &mut crate::local::ports::Random).expect_err("two brokers have no majority");
        assert!(error.to_string().contains("--brokers 3"), "{error}");
    }
}
