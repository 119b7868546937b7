//! The plan of a Kafka cluster in KRaft mode: one node that is its own controller, or three brokers and a dedicated
//! controller; and each node's place.
//!
//! Three combined nodes would be lighter, but killing two of them kills the controller quorum too: then no leader is
//! elected, no in-sync set shrinks, and what the fault should show cannot be seen.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::links::{Links, Mover};
use crate::error::StackError;
use crate::ports::Offer;
use crate::settings::kafka::{CONTROLLER_ID, Listener, Place, Role, settings};
use crate::spec::Sizing;

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
    /// Where a controller of several says that it is: a broker whose connection has ended comes by that way, and must
    /// not get past its link.
    pub(crate) told_port: Option<u16>,
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
            told_port: None,
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
            id: crate::kafka_uuid(),
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
            node.links = Some(Arc::new(Links::new(&mover, node.id, node.internal_port, controller)?));
        }
        let told = mover.to_controller(controller)?;
        for node in self.nodes.iter_mut().filter(|node| node.role == Role::Controller) {
            node.told_port = Some(told);
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

    /// What one node is told.
    pub(crate) fn settings(&self, node: &Node, data: &Path, sizing: Sizing) -> Vec<(&'static str, String)> {
        let here = |port: u16| format!("127.0.0.1:{port}");
        let listener = |name, port, advertised: Option<u16>| Listener {
            name,
            bind: here(port),
            advertised: advertised.map(here),
        };
        let client = || listener(Listener::CLIENT, node.client_port, Some(node.client_port));
        let controller = || listener(Listener::CONTROLLER, node.controller_port, node.told_port);
        let internal = |links: &Links| listener(Listener::INTERNAL, node.internal_port, Some(links.to_broker));
        let links = node.links.as_deref();
        let listeners = match node.role {
            Role::Combined => vec![client(), controller()],
            Role::Broker => std::iter::once(client()).chain(links.map(internal)).collect(),
            Role::Controller => vec![controller()],
        };
        let voter = self.nodes.iter().find(|node| node.role != Role::Broker);
        let voter = voter.map(|voter| {
            let port = links.map_or(voter.controller_port, |links| links.to_controller);
            format!("{}@{}", voter.id, here(port))
        });
        let place = Place {
            listeners,
            inter_broker: links.map_or(Listener::CLIENT, |_| Listener::INTERNAL),
            voter: voter.unwrap_or_default(),
            data: data.display().to_string(),
        };
        settings(node.id, node.role, self.brokers(), sizing, &place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_of_two_is_refused_in_one_sentence() {
        let error = Cluster::plan(2, &mut crate::ports::Random).expect_err("two brokers have no majority");
        assert!(error.to_string().contains("--brokers 3"), "{error}");
    }
}
