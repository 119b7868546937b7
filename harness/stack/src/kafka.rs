//! The Kafka of a stack: where it is, its brokers, and topics.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use crate::error::StackError;
use crate::server::{Server, blocking};

/// How long a new topic may take until each of its partitions has a leader.
const TOPIC_LIMIT: Duration = Duration::from_secs(20);

/// Kafka, whoever runs it.
#[derive(Clone, Debug)]
pub struct Kafka {
    bootstrap: String,
    brokers: Vec<Server>,
    controller: Option<Server>,
    replication: i32,
}

impl Kafka {
    pub(crate) fn new(bootstrap: String, brokers: Vec<Server>, controller: Option<Server>, replication: i32) -> Self {
        Self {
            bootstrap,
            brokers,
            controller,
            replication,
        }
    }

    /// `HOST:PORT` of each broker, separated by commas: what clients call `bootstrap.servers`.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// The brokers, in order of their node ids.
    pub fn brokers(&self) -> &[Server] {
        &self.brokers
    }

    /// The dedicated controller, if there is one: a single broker is its own.
    pub fn controller(&self) -> Option<&Server> {
        self.controller.as_ref()
    }

    /// Creates a topic with one replica per broker and these settings (`("cleanup.policy", "compact")`), and returns
    /// when every partition has a leader: a producer that starts earlier sees partitions that it cannot write to.
    ///
    /// # Errors
    /// The topic exists, a setting is unknown, or Kafka does not answer.
    pub async fn create_topic(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) -> Result<(), StackError> {
        create_topic(&self.bootstrap, name, partitions, self.replication, settings).await?;
        let (bootstrap, name) = (self.bootstrap.clone(), name.to_owned());
        blocking("waiting for a topic", move || {
            wait_for_leaders(&bootstrap, &name, partitions)
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
    bootstrap: &str,
    name: &str,
    partitions: i32,
    replication: i32,
    settings: &[(&str, &str)],
) -> Result<(), StackError> {
    let doing = || format!("creating topic {name}");
    let admin = admin(bootstrap)?;
    let settings: BTreeMap<_, _> = settings.iter().copied().collect();
    let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(replication));
    for (key, value) in settings {
        topic = topic.set(key, value);
    }
    let options = AdminOptions::new()
        .request_timeout(Some(TOPIC_LIMIT))
        .operation_timeout(Some(TOPIC_LIMIT));
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

/// Waits until every partition of the topic has a leader. Blocking.
pub(crate) fn wait_for_leaders(bootstrap: &str, name: &str, partitions: i32) -> Result<(), StackError> {
    let admin = admin(bootstrap)?;
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
