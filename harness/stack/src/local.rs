//! The local provider: real servers as child processes on loopback, data in the run's folder.

mod clickhouse;
pub(crate) mod cluster;
pub(crate) mod kafka;
mod links;

mod process;
pub(crate) mod replicas;
pub(crate) mod server;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::thread;

use crate::error::StackError;
use crate::provision;
use crate::rundir::RunDir;
use crate::server::{Control, Server};
use crate::spec::StackSpec;
use crate::stack::{Launched, Lease};
use server::LocalServer;

/// Starts Kafka and ClickHouse side by side.
pub(crate) fn launch(spec: &StackSpec) -> Result<Launched, StackError> {
    // Before anything is fetched: a wrong number is the caller's mistake, and is told at once.
    cluster::Cluster::plan(spec.brokers, &mut crate::ports::Random)?;
    let pieces = provision::ensure(spec.progress)?;
    let run = RunDir::create(&provision::home(), spec.keep)?;
    let sizing = spec.sizing;
    let (kafka, clickhouse) = thread::scope(|scope| {
        let kafka = scope.spawn(|| kafka::start(&pieces, run.path(), spec.brokers, sizing, &mut crate::ports::Random));
        let clickhouse = clickhouse::start(&pieces, run.path(), sizing, &mut crate::ports::Random);
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
            // Dropping what did start kills it. The logs stay: the error names one.
            run.keep_logs();
            let error = match (kafka, clickhouse) {
                (Err(error), _) | (_, Err(error)) => error,
                (Ok(_), Ok(_)) => StackError::prepare("starting the servers", "both started"),
            };
            // Why the start failed is what the reader needs.
            if let Err(left) = run.remove() {
                tracing::warn!(%left, "the folder of the run stays");
            }
            return Err(error);
        }
    };

    let mut brokers: Vec<_> = kafka.servers.iter().map(handle).collect();
    let controller = if brokers.len() > kafka.cluster.brokers() {
        brokers.pop()
    } else {
        None
    };
    let replication = i32::try_from(kafka.cluster.brokers()).unwrap_or(1);
    let mut servers = kafka.servers;
    servers.push(Arc::clone(&clickhouse.server));
    Ok(Launched {
        versions: [
            ("ClickHouse".into(), clickhouse.version),
            ("Kafka".into(), pieces.kafka_version),
        ]
        .into(),
        kafka: crate::Kafka::new(kafka.cluster.bootstrap(), brokers, controller, replication),
        clickhouse: crate::ClickHouse::new(clickhouse.url, handle(&clickhouse.server)),
        lease: Box::new(LocalLease { run, servers }),
    })
}

/// What the others are given of a server.
fn handle(server: &Arc<LocalServer>) -> Server {
    let plan = server.process().plan();
    Server::new(&plan.name, plan.log(), Arc::clone(server) as Arc<dyn Control>)
}

/// The processes and the folder of one run.
#[derive(Debug)]
struct LocalLease {
    run: RunDir,
    servers: Vec<Arc<LocalServer>>,
}

impl Lease for LocalLease {
    fn run(&self) -> &RunDir {
        &self.run
    }

    fn end(&self) -> Result<(), StackError> {
        // Strike all before waiting for any: a broker without its controller would take its time over dying politely,
        // and nothing here needs a clean end.
        for server in &self.servers {
            server.process().strike();
        }
        let closed: Result<Vec<()>, _> = self.servers.iter().map(|server| server.process().close()).collect();
        closed?;
        self.run.remove()
    }
}
