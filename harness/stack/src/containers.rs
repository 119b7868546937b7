//! The provider `containers`: Kafka and ClickHouse in containers of their published images, or of ours that are configured
//! the same way.
//!
//! One node is on one network. Three brokers are on two: by `client` come clients, by `cluster` the brokers and the
//! controller talk, under names that exist only there; so a broker can be taken off the second and stays on the first. The
//! engine publishes ports by the network that sorts first.

mod clickhouse;
mod kafka;
mod start;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use testcontainers::bollard::models::NetworkCreateRequest;

use crate::engine::container::Container;
use crate::engine::images::ensure_images;
use crate::engine::sweep::{self, Keeper};
use crate::engine::{LIMIT, ask, docker, must_answer};
use crate::error::StackError;
use crate::provision;
use crate::rundir::RunDir;
use crate::server::{Control, Server};
use crate::spec::StackSpec;
use crate::stack::{Launched, Lease};

/// Starts Kafka and ClickHouse side by side.
pub(crate) fn launch(spec: &StackSpec) -> Result<Launched, StackError> {
    // Before anything is fetched: a wrong number is the caller's mistake, and is told at once.
    let nodes = kafka::nodes(spec.brokers)?;
    must_answer()?;
    let images = ensure_images(spec.progress)?;
    let launcher = provision::ensure_launcher(spec.progress)?;
    sweep::dead()?;
    let run = RunDir::create(&provision::home(), spec.keep)?;
    let keeper = Keeper::start(&launcher, run.path())?;
    // From here on whatever fails is tidied up by the lease.
    let lease = ContainerLease {
        run,
        keeper: Mutex::new(Some(keeper)),
        containers: Mutex::default(),
    };
    let networks = Networks::make(lease.run.path(), nodes.len() > 1)?;
    let (run, sizing) = (lease.run.path(), spec.sizing);
    let (kafka, clickhouse) = thread::scope(|scope| {
        let kafka = scope.spawn(|| kafka::start(&images.kafka, run, &networks, nodes, sizing));
        let clickhouse = clickhouse::start(&images.clickhouse, run, &networks, sizing);
        let panicked = |_| {
            Err(StackError::prepare(
                "starting Kafka",
                "the thread that waited for it panicked",
            ))
        };
        (kafka.join().unwrap_or_else(panicked), clickhouse)
    });
    let (kafka, clickhouse) = match (kafka, clickhouse) {
        (Ok(kafka), Ok(clickhouse)) => (kafka, clickhouse),
        (kafka, clickhouse) => {
            // The logs stay: the error names one.
            lease.run.keep_logs();
            for started in kafka.iter().flat_map(|kafka| &kafka.servers) {
                lease.hold(started);
            }
            for started in clickhouse.iter() {
                lease.hold(&started.server);
            }
            let error = match (kafka, clickhouse) {
                (Err(error), _) | (_, Err(error)) => error,
                (Ok(_), Ok(_)) => StackError::prepare("starting the servers", "both started"),
            };
            // Why the start failed is what the reader needs; what is left behind goes with the keeper.
            if let Err(left) = lease.end() {
                tracing::warn!(%left, "the containers did not go cleanly");
            }
            return Err(error);
        }
    };
    for server in kafka.servers.iter().chain([&clickhouse.server]) {
        lease.hold(server);
    }
    let mut brokers: Vec<_> = kafka.servers.iter().map(handle).collect();
    let controller = (brokers.len() > 1).then(|| brokers.pop()).flatten();
    let replication = i32::try_from(brokers.len()).unwrap_or(1);
    Ok(Launched {
        versions: [
            ("ClickHouse".into(), clickhouse.version),
            ("Kafka".into(), provision::versions()?.kafka.version.clone()),
        ]
        .into(),
        kafka: crate::Kafka::new(kafka.bootstrap, brokers, controller, replication)
            .for_servers(kafka.bootstrap_for_servers),
        clickhouse: crate::ClickHouse::new(clickhouse.url, handle(&clickhouse.server)),
        lease: Box::new(lease),
    })
}

fn handle(container: &Arc<Container>) -> Server {
    Server::new(
        container.name(),
        container.log(),
        Arc::clone(container) as Arc<dyn Control>,
    )
}

/// The networks of one run.
#[derive(Clone, Debug)]
struct Networks {
    client: String,
    /// Of several brokers.
    cluster: Option<String>,
}

impl Networks {
    fn make(run: &Path, several: bool) -> Result<Self, StackError> {
        let prefix = crate::unique("tickbook");
        // In this order by name, too: see above.
        let (client, cluster) = (format!("{prefix}-client"), format!("{prefix}-cluster"));
        let wanted = if several {
            vec![&client, &cluster]
        } else {
            vec![&client]
        };
        for name in wanted {
            let docker = docker()?;
            let request = NetworkCreateRequest {
                name: name.clone(),
                labels: Some(sweep::labels(run)),
                ..NetworkCreateRequest::default()
            };
            ask("making a network", LIMIT, async move {
                docker.create_network(request).await
            })?;
        }
        Ok(Self {
            client,
            cluster: several.then_some(cluster),
        })
    }
}

/// The containers, the networks and the folder of one run.
#[derive(Debug)]
struct ContainerLease {
    run: RunDir,
    /// Gone once it has been ended.
    keeper: Mutex<Option<Keeper>>,
    containers: Mutex<Vec<Arc<Container>>>,
}

impl ContainerLease {
    fn hold(&self, container: &Arc<Container>) {
        let mut held = self.containers.lock().unwrap_or_else(PoisonError::into_inner);
        held.push(Arc::clone(container));
    }
}

impl Lease for ContainerLease {
    fn run(&self) -> &RunDir {
        &self.run
    }

    fn end(&self) -> Result<(), StackError> {
        let containers = std::mem::take(&mut *self.containers.lock().unwrap_or_else(PoisonError::into_inner));
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut keeper) = keeper else { return Ok(()) };
        for container in &containers {
            container.close();
        }
        if self.run.keeps_all() {
            // Their data is to be saved first, which the keeper does.
            for container in &containers {
                std::mem::forget(container.disown());
            }
        } else {
            // All at once, and not by the keeper, which takes its time over starting programs.
            thread::scope(|scope| {
                let ends: Vec<_> = containers
                    .iter()
                    .map(|container| scope.spawn(|| container.remove()))
                    .collect();
                // What does not go is the keeper's to remove, and its to complain of.
                ends.into_iter().for_each(|end| drop(end.join()));
            });
        }
        keeper.finish()?;
        self.run.remove()
    }
}

impl Drop for ContainerLease {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::warn!(%error, "the containers did not go cleanly");
        }
    }
}
