//! The Kafka of a stack: where it is, its brokers, and topics.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use crate::error::StackError;
use crate::made::Made;
use crate::server::{Server, blocking};

/// How long a new topic may take until each of its partitions has a leader.
const TOPIC_LIMIT: Duration = Duration::from_secs(20);
/// How long one request to make a topic may take.
const ASK_LIMIT: Duration = Duration::from_secs(10);
/// How often a cluster is asked to make or delete something, by a client of its own each time. A broker that was cut off a moment ago
/// passes requests on to the controller over a connection that is dead, until its own timeout (`request.timeout.ms`) has passed; another
/// broker answers at once, and which one a client asks is chance.
pub(crate) const TRIES: u32 = 3;

/// Who has a partition, as far as the broker that was asked knows: one that is cut off goes on telling of old times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The partition.
    pub partition: i32,
    /// Node id of its leader; absent while it has none.
    pub leader: Option<i32>,
    /// Node ids of its in-sync replicas.
    pub in_sync: Vec<i32>,
}

/// How long a broker may take to answer who has which partition.
const METADATA_LIMIT: Duration = Duration::from_secs(5);

/// Kafka, whoever runs it.
#[derive(Clone, Debug)]
pub struct Kafka {
    bootstrap: String,
    brokers: Vec<Server>,
    controller: Option<Server>,
    replication: i32,
    /// Where other servers of the stack reach it, if not where clients do.
    for_servers: Option<String>,
    /// Node ids of the brokers, where they are not 1, 2, 3.
    ids: Option<Vec<i32>>,
    /// Where it is noted what is made, if somebody is to remove it.
    made: Option<Arc<Made>>,
}

impl Kafka {
    pub(crate) fn new(bootstrap: String, brokers: Vec<Server>, controller: Option<Server>, replication: i32) -> Self {
        Self {
            bootstrap,
            brokers,
            controller,
            replication,
            for_servers: None,
            ids: None,
            made: None,
        }
    }

    /// With other node ids, in the brokers' order.
    pub(crate) fn with_ids(mut self, ids: Vec<i32>) -> Self {
        self.ids = Some(ids);
        self
    }

    /// With a note of what is made.
    pub(crate) fn made(mut self, made: Arc<Made>) -> Self {
        self.made = Some(made);
        self
    }

    /// Where it is noted what is made, if anywhere.
    pub(crate) fn notes(&self) -> Option<&Made> {
        self.made.as_deref()
    }

    /// Node ids, where they are not 1, 2, 3.
    pub(crate) fn ids(&self) -> Option<&[i32]> {
        self.ids.as_deref()
    }

    /// With another address for the stack's own servers.
    pub(crate) fn for_servers(mut self, bootstrap: String) -> Self {
        self.for_servers = Some(bootstrap);
        self
    }

    /// `HOST:PORT` of each broker, separated by commas: what clients call `bootstrap.servers`.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// The same for the other servers of the stack: what ClickHouse is told as `kafka_broker_list`. In containers, what
    /// this machine calls itself is another.
    pub fn bootstrap_for_servers(&self) -> &str {
        self.for_servers.as_deref().unwrap_or(&self.bootstrap)
    }

    /// The brokers, in order of their node ids.
    pub fn brokers(&self) -> &[Server] {
        &self.brokers
    }

    /// The broker with this node id, as [`Placed`] names it.
    pub fn broker(&self, id: i32) -> Option<&Server> {
        let place = match &self.ids {
            Some(ids) => ids.iter().position(|known| *known == id)?,
            None => usize::try_from(id).ok()?.checked_sub(1)?,
        };
        self.brokers.get(place)
    }

    /// How often each partition is stored: once per broker, and of more than three brokers on three.
    pub fn replication(&self) -> i32 {
        self.replication
    }

    /// Who has each partition of a topic, in their order.
    ///
    /// # Errors
    /// There is no such topic, or no broker answers.
    pub async fn placed(&self, topic: &str) -> Result<Vec<Placed>, StackError> {
        let (bootstrap, topic) = (self.bootstrap.clone(), topic.to_owned());
        blocking("asking who has a topic", move || placed(&bootstrap, &topic)).await
    }

    /// The dedicated controller, if there is one: a single broker is its own.
    pub fn controller(&self) -> Option<&Server> {
        self.controller.as_ref()
    }

    /// Creates a topic with one replica per broker and these settings (`("cleanup.policy", "compact")`), and returns
    /// when every partition has a leader, and each broker that answers knows it: a producer that starts earlier sees partitions that
    /// it cannot write to, or hears from a broker that is behind that there is no such topic.
    ///
    /// # Errors
    /// The topic exists, a setting is unknown, Kafka does not answer, or a broker that answers does not learn of the topic.
    pub async fn create_topic(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) -> Result<(), StackError> {
        // One client for both: to make and to end one takes a tenth of a second.
        let mut client = admin(&self.bootstrap)?;
        let mut created = create_topic(&client, name, partitions, self.replication, settings).await;
        for _ in 1..TRIES {
            if !created.as_ref().is_err_and(timed_out) {
                break;
            }
            client = admin(&self.bootstrap)?;
            created = match create_topic(&client, name, partitions, self.replication, settings).await {
                // By the one that was given up.
                Err(error) if already_exists(&error) => Ok(()),
                other => other,
            };
        }
        created?;
        if let Some(made) = &self.made {
            made.topic(name);
        }
        let (name, bootstrap) = (name.to_owned(), self.bootstrap.clone());
        blocking("waiting for a topic", move || {
            wait_for_leaders(&client, &name, partitions)?;
            let addresses: Vec<_> = bootstrap.split(',').collect();
            // A single broker has just said so itself.
            match addresses.len() {
                1 => Ok(()),
                _ => addresses
                    .into_iter()
                    .try_for_each(|address| wait_for_broker(address, &name, partitions)),
            }
        })
        .await
    }
}

/// A client that only administers.
pub(crate) fn admin(bootstrap: &str) -> Result<AdminClient<DefaultClientContext>, StackError> {
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("client.id", "tickbook-stack")
        .create()
        .map_err(|source| StackError::Kafka {
            doing: "making an admin client".into(),
            source,
        })
}

/// Asks for the topic; does not wait for its leaders.
pub(crate) async fn create_topic(
    admin: &AdminClient<DefaultClientContext>,
    name: &str,
    partitions: i32,
    replication: i32,
    settings: &[(&str, &str)],
) -> Result<(), StackError> {
    let doing = || format!("creating topic {name}");
    let settings: BTreeMap<_, _> = settings.iter().copied().collect();
    let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(replication));
    for (key, value) in settings {
        topic = topic.set(key, value);
    }
    let options = AdminOptions::new()
        .request_timeout(Some(ASK_LIMIT))
        .operation_timeout(Some(ASK_LIMIT));
    let results = admin
        .create_topics([&topic], &options)
        .await
        .map_err(|source| StackError::Kafka { doing: doing(), source })?;
    for result in results {
        if let Err((_, code)) = result {
            return Err(StackError::Kafka {
                doing: doing(),
                source: KafkaError::AdminOp(code),
            });
        }
    }
    Ok(())
}

/// Whether nobody answered in time.
fn timed_out(error: &StackError) -> bool {
    matches!(
        error,
        StackError::Kafka {
            source: KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut | RDKafkaErrorCode::RequestTimedOut),
            ..
        }
    )
}

/// Whether creating failed only because it is there already.
pub(crate) fn already_exists(error: &StackError) -> bool {
    matches!(
        error,
        StackError::Kafka {
            source: KafkaError::AdminOp(RDKafkaErrorCode::TopicAlreadyExists),
            ..
        }
    )
}

/// Asks who has each partition. Blocking.
fn placed(bootstrap: &str, topic: &str) -> Result<Vec<Placed>, StackError> {
    let failed = |source| StackError::Kafka {
        doing: format!("asking who has topic {topic}"),
        source,
    };
    let admin = admin(bootstrap)?;
    let metadata = admin
        .inner()
        .fetch_metadata(Some(topic), METADATA_LIMIT)
        .map_err(failed)?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let found = found.ok_or_else(|| failed(KafkaError::AdminOp(RDKafkaErrorCode::UnknownTopic)))?;
    if let Some(error) = found.error() {
        return Err(failed(KafkaError::MetadataFetch(error.into())));
    }
    let mut all: Vec<Placed> = found
        .partitions()
        .iter()
        .map(|partition| Placed {
            partition: partition.id(),
            leader: (partition.leader() >= 0).then_some(partition.leader()),
            in_sync: partition.isr().to_vec(),
        })
        .collect();
    all.sort_by_key(|placed| placed.partition);
    Ok(all)
}

/// Waits until every partition of the topic has a leader. Blocking.
pub(crate) fn wait_for_leaders(
    admin: &AdminClient<DefaultClientContext>,
    name: &str,
    partitions: i32,
) -> Result<(), StackError> {
    let started = Instant::now();
    while started.elapsed() < TOPIC_LIMIT {
        if let Ok(metadata) = admin.inner().fetch_metadata(Some(name), Duration::from_secs(2))
            && let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name)
            && topic
                .partitions()
                .iter()
                .filter(|p| p.leader() >= 0 && p.error().is_none())
                .count()
                == usize::try_from(partitions).unwrap_or(0)
        {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err(StackError::Late {
        what: format!("a leader for each partition of topic {name}"),
        limit: TOPIC_LIMIT,
    })
}

/// Waits until the broker at this address has heard of the topic's leaders, as brokers do one after the other; one that does not answer
/// is left alone: a topic is made without it, too. Blocking.
fn wait_for_broker(address: &str, name: &str, partitions: i32) -> Result<(), StackError> {
    let started = Instant::now();
    while started.elapsed() < TOPIC_LIMIT {
        // By a client of its own each time: one that has learnt of the other brokers may ask any of them.
        match placed(address, name) {
            Ok(all) => {
                let with_a_leader = all.iter().filter(|one| one.leader.is_some()).count();
                if Ok(with_a_leader) == usize::try_from(partitions) {
                    return Ok(());
                }
            }
            Err(error) if !does_not_know(&error) => return Ok(()),
            Err(_) => {}
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err(StackError::Late {
        what: format!("word of topic {name} at the broker {address}"),
        limit: TOPIC_LIMIT,
    })
}

/// Whether a broker answered, and has not heard of the topic, or of who leads it.
fn does_not_know(error: &StackError) -> bool {
    use RDKafkaErrorCode::{LeaderNotAvailable, UnknownTopic, UnknownTopicOrPartition};
    matches!(
        error,
        StackError::Kafka {
            source: KafkaError::AdminOp(UnknownTopic)
                | KafkaError::MetadataFetch(UnknownTopicOrPartition | LeaderNotAvailable),
            ..
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Stack, unique};

    #[tokio::test]
    async fn a_broker_that_has_not_heard_of_a_topic_is_waited_for_and_one_that_does_not_answer_is_not() {
        let stack = Stack::shared().await.expect("the stack");
        let bootstrap = stack.kafka().bootstrap().to_owned();
        let topic = unique("late");
        let unknown = stack.kafka().placed(&topic).await.expect_err("nobody has made it");
        assert!(does_not_know(&unknown), "taken for a broker that is away: {unknown:?}");

        let (address, name) = (bootstrap.clone(), topic.clone());
        let waiting = tokio::task::spawn_blocking(move || wait_for_broker(&address, &name, 2));
        stack.kafka().create_topic(&topic, 2, &[]).await.expect("a topic");
        waiting.await.expect("no panic").expect("the broker has heard of it");
        let known = stack.kafka().placed(&topic).await.expect("it is known");
        assert_eq!(known.len(), 2);

        // Nobody listens where a listener has just gone.
        let gone = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let gone = gone.expect("a free port").to_string();
        let waiting = tokio::task::spawn_blocking(move || wait_for_broker(&gone, &topic, 2));
        waiting.await.expect("no panic").expect("nothing to wait for");
    }
}
