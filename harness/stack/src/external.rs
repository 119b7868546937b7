//! The provider `external`: servers that somebody else runs. Nothing of them is started, stopped or removed here, but the
//! topics and databases that a run made; what a fault has hurt is whole again when the run ends, in the middle of it, too.
//!
//! Where they are: `TICKBOOK_KAFKA` (bootstrap servers) and `TICKBOOK_CLICKHOUSE` (a URL); left out, the ports that
//! docker-compose.yml publishes. If they turn out to be containers of that project on this machine, they can be hurt as
//! those of the other providers can.

mod compose;
mod stranger;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::admin::AdminOptions;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::engine::container::Container;
use crate::engine::version;
use crate::error::StackError;
use crate::kafka::{TRIES, admin};
use crate::made::Made;
use crate::provision;
use crate::ready;
use crate::rundir::RunDir;
use crate::server::{HandsOff, Server};
use crate::spec::{Provider, StackSpec};
use crate::stack::{Launched, Lease};
use compose::Project;
use stranger::Stranger;

/// What docker-compose.yml publishes.
pub(crate) const KAFKA: &str = "127.0.0.1:19092,127.0.0.1:19093,127.0.0.1:19094";
pub(crate) const CLICKHOUSE: &str = "http://127.0.0.1:18123";

/// How long a cluster may take to say which brokers it has.
const METADATA_LIMIT: Duration = Duration::from_secs(10);
/// How long a cluster may take to delete topics.
const DELETE_LIMIT: Duration = Duration::from_secs(5);
/// How long a cluster may take to be whole after one of it was started.
const AGREE_LIMIT: Duration = Duration::from_secs(5);

/// A broker as the cluster tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Broker {
    id: i32,
    host: String,
    port: u16,
}

/// Where the servers are.
struct Endpoints {
    kafka: String,
    clickhouse: String,
}

impl Endpoints {
    fn from_env() -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            kafka: set("TICKBOOK_KAFKA").unwrap_or_else(|| KAFKA.into()),
            clickhouse: set("TICKBOOK_CLICKHOUSE").unwrap_or_else(|| CLICKHOUSE.into()),
        }
    }
}

/// Looks whether the servers are there and as many as asked for.
pub(crate) fn check(brokers: u8) -> Result<(), StackError> {
    reached(&Endpoints::from_env(), brokers).map(drop)
}

/// The brokers that there are, if there are as many as asked for; 0 takes whatever there is.
fn reached(endpoints: &Endpoints, wanted: u8) -> Result<Vec<Broker>, StackError> {
    let from = Instant::now();
    loop {
        let brokers = brokers(&endpoints.kafka)?;
        if wanted == 0 || usize::from(wanted) == brokers.len() {
            return Ok(brokers);
        }
        // One that has just come back knows nobody else for a moment.
        if from.elapsed() > AGREE_LIMIT {
            return Err(StackError::OtherBrokers {
                bootstrap: endpoints.kafka.clone(),
                found: brokers.len(),
                wanted,
            });
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn unreached(what: String, why: impl ToString) -> StackError {
    StackError::Unavailable {
        provider: Provider::External,
        why: format!("{what} does not answer ({})", why.to_string()),
        instead: "`docker compose up -d --wait`, or set TICKBOOK_KAFKA and TICKBOOK_CLICKHOUSE to servers that run",
    }
}

/// The brokers of a cluster, by their ids.
fn brokers(bootstrap: &str) -> Result<Vec<Broker>, StackError> {
    let failed = |why| unreached(format!("Kafka at {bootstrap}"), why);
    let admin = admin(bootstrap)?;
    let metadata = admin.inner().fetch_metadata(None, METADATA_LIMIT);
    let metadata = metadata.map_err(|error| failed(error.to_string()))?;
    let mut brokers: Vec<_> = metadata
        .brokers()
        .iter()
        .map(|broker| Broker {
            id: broker.id(),
            host: broker.host().to_owned(),
            port: u16::try_from(broker.port()).unwrap_or(0),
        })
        .collect();
    brokers.sort_by_key(|broker| broker.id);
    Ok(brokers)
}

/// Finds the servers and sees that they work.
pub(crate) fn launch(spec: &StackSpec) -> Result<Launched, StackError> {
    let endpoints = Endpoints::from_env();
    let brokers = reached(&endpoints, spec.brokers)?;
    let run = RunDir::create(&provision::home(), spec.keep)?;
    let replication = i32::try_from(brokers.len().min(3)).unwrap_or(1);
    let made = Arc::new(Made::default());
    let probe = crate::unique("tickbook-probe");
    made.topic(&probe);
    let mut lease = ExternalLease {
        run,
        bootstrap: endpoints.kafka.clone(),
        clickhouse: endpoints.clickhouse.clone(),
        made: Arc::clone(&made),
        containers: Vec::new(),
    };
    let mut works = ready::kafka(&endpoints.kafka, replication, &probe);
    for _ in 1..TRIES {
        if works.is_ok() {
            break;
        }
        works = ready::kafka(&endpoints.kafka, replication, &probe);
    }
    works?;
    ready::clickhouse(&endpoints.clickhouse, None)
        .map_err(|error| unreached(format!("ClickHouse at {}", endpoints.clickhouse), error))?;

    // Without an engine, or without the project, these are servers of which only the address is known.
    let project = match version() {
        Ok(_) => Project::find(lease.run.path(), &brokers, &endpoints.clickhouse, &probe)?,
        Err(error) => Project::unseen(error),
    };
    lease.containers.clone_from(&project.containers);
    let stranger = |name: String, address: String| {
        let log = lease.run.path().join(&name).join("server.log");
        let unseen = project.unseen.clone();
        Server::new(
            &name.clone(),
            log,
            Arc::new(HandsOff(Stranger { name, address, unseen })),
        )
    };
    let handles: Vec<_> = brokers
        .iter()
        .map(|broker| {
            let known = project.broker(broker.id);
            known.unwrap_or_else(|| {
                stranger(
                    format!("kafka-{}", broker.id),
                    format!("{}:{}", broker.host, broker.port),
                )
            })
        })
        .collect();
    let clickhouse = project.clickhouse.clone().unwrap_or_else(|| {
        let address = endpoints.clickhouse.split("://").last().unwrap_or_default();
        stranger("clickhouse".into(), address.trim_end_matches('/').to_owned())
    });
    let kafka_version = project.kafka_version.clone();
    let ids = brokers.iter().map(|broker| broker.id).collect();
    let mut kafka = crate::Kafka::new(
        endpoints.kafka.clone(),
        handles,
        project.controller.clone(),
        replication,
    )
    .with_ids(ids)
    .made(Arc::clone(&made));
    if let Some(bootstrap) = &project.bootstrap_for_servers {
        kafka = kafka.for_servers(bootstrap.clone());
    }
    Ok(Launched {
        versions: [
            ("ClickHouse".into(), ready::clickhouse_version(&endpoints.clickhouse)?),
            ("Kafka".into(), kafka_version.unwrap_or_else(|| "unknown".into())),
        ]
        .into(),
        kafka,
        clickhouse: crate::ClickHouse::new(endpoints.clickhouse, clickhouse).made(made),
        lease: Box::new(lease),
    })
}

/// What a run made in servers that stay, and its folder.
#[derive(Debug)]
struct ExternalLease {
    run: RunDir,
    bootstrap: String,
    clickhouse: String,
    made: Arc<Made>,
    /// Those of the servers that can be hurt.
    containers: Vec<Arc<Container>>,
}

impl ExternalLease {
    /// Undoes what was done to the servers, side by side; what the first could not that did not come back.
    fn mend(&self) -> Result<(), StackError> {
        thread::scope(|scope| {
            let mends: Vec<_> = self
                .containers
                .iter()
                .map(|container| scope.spawn(|| container.mend()))
                .collect();
            let ends: Vec<_> = mends
                .into_iter()
                .map(|mend| mend.join().unwrap_or_else(|_| panicked("mending a server")))
                .collect();
            ends.into_iter().collect()
        })
    }

    /// Removes what was made. One kind that cannot be removed does not keep the other.
    fn remove_made(&self) -> Result<(), StackError> {
        let (topics, databases) = self.made.take();
        // On a thread of its own: a stack may be dropped inside a runtime, where nothing can wait for another.
        thread::scope(|scope| {
            let removal = scope.spawn(|| {
                let topics = delete_topics(&self.bootstrap, &topics);
                topics.and(ready::drop_databases(&self.clickhouse, &databases))
            });
            removal.join().unwrap_or_else(|_| panicked("removing what was made"))
        })
    }
}

fn panicked(doing: &'static str) -> Result<(), StackError> {
    Err(StackError::prepare(doing, "the thread panicked"))
}

impl Lease for ExternalLease {
    fn run(&self) -> &RunDir {
        &self.run
    }

    fn answer_for_all(&self) {
        for container in &self.containers {
            container.suspect();
        }
    }

    fn end(&self) -> Result<(), StackError> {
        // First: what is frozen or gone removes nothing.
        let mended = self.mend();
        let removed = match self.run.keeps_all() {
            true => Ok(()),
            false => self.remove_made(),
        };
        mended.and(removed).and(self.run.remove())
    }
}

impl Drop for ExternalLease {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::warn!(%error, "not everything of the run could be removed");
        }
    }
}

fn delete_topics(bootstrap: &str, topics: &[String]) -> Result<(), StackError> {
    if topics.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = topics.iter().map(String::as_str).collect();
    let options = AdminOptions::new().request_timeout(Some(DELETE_LIMIT));
    let ask = || {
        let admin = admin(bootstrap)?;
        ready::wait(admin.delete_topics(&names, &options))?.map_err(|source| StackError::Kafka {
            doing: format!("deleting topics {}", topics.join(", ")),
            source,
        })
    };
    let mut answer = ask();
    for _ in 1..TRIES {
        if answer.is_ok() {
            break;
        }
        answer = ask();
    }
    for deleted in answer? {
        match deleted {
            // One that is gone already is as good.
            Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition)) => {}
            Err((topic, code)) => {
                return Err(StackError::Kafka {
                    doing: format!("deleting topic {topic}"),
                    source: KafkaError::AdminOp(code),
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_reached_is_one_sentence_that_says_how_to_start_it() {
        let error = unreached("Kafka at 127.0.0.1:1".into(), "refused").to_string();
        assert!(
            error.contains("docker compose up") && error.contains("TICKBOOK_KAFKA") && error.lines().count() == 1,
            "{error}"
        );
    }

    #[test]
    fn a_topic_that_cannot_be_deleted_keeps_no_database_from_being_dropped() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let clickhouse = format!("http://{}", listener.local_addr().expect("an address"));
        let (asked, asks) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("somebody asks");
            let mut start = [0; 4];
            std::io::Read::read_exact(&mut stream, &mut start).expect("a request");
            let _ = asked.send(start);
        });
        let home = tempfile::tempdir().expect("a temporary folder");
        let made = Arc::new(Made::default());
        made.topic("trades");
        made.database("lab");
        let lease = ExternalLease {
            run: RunDir::create(home.path(), false).expect("a folder"),
            // Nobody listens there.
            bootstrap: "127.0.0.1:1".into(),
            clickhouse,
            made,
            containers: Vec::new(),
        };
        lease.end().expect_err("neither could be removed");
        let request = asks.recv_timeout(Duration::from_secs(10)).expect("ClickHouse is asked");
        assert_eq!(&request, b"POST");
    }

    #[test]
    fn what_is_taken_when_nothing_is_said_is_what_docker_compose_publishes() {
        let compose = include_str!("../../../docker-compose.yml");
        let clickhouse = format!("{}:8123", CLICKHOUSE.trim_start_matches("http://"));
        let kafka = KAFKA.split(',').map(|address| {
            let port = address.rsplit(':').next().expect("a port");
            format!("{address}:{port}")
        });
        for published in kafka.chain([clickhouse]) {
            assert!(
                compose.contains(&format!("- \"{published}\"")),
                "docker-compose.yml does not publish {published}"
            );
        }
        assert_eq!(
            compose.matches("- \"127.0.0.1:").count(),
            compose.matches("    ports:").count(),
            "a port is published on more than loopback"
        );
    }
}
