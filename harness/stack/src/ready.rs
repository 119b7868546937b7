//! Whether a server really works: a record written and read back, a row inserted and selected. Blocking.

use std::future::Future;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

use crate::client::clickhouse_client;
use crate::error::StackError;
use crate::kafka::{admin, already_exists, create_topic, wait_for_leaders};
use crate::log;
use crate::settings::kafka::Role;

/// Asks a starting server whether it is ready. `since` is where in its log this start begins. `Ok(false)`: not yet. An
/// error is "not yet" too, and is told if the time runs out.
pub(crate) type Probe = Box<dyn Fn(u64) -> Result<bool, StackError> + Send + Sync>;

/// From start to ready, on the busiest machine that we care for.
pub(crate) const READY_LIMIT: Duration = Duration::from_secs(90);
/// Between two looks.
pub(crate) const LOOK: Duration = Duration::from_millis(15);
/// How long a restart waits for its own ports to come free.
pub(crate) const PORT_LIMIT: Duration = Duration::from_secs(15);

/// Kafka's last line of a start.
pub(crate) const STARTED: &str = "Kafka Server started";

/// One attempt at a round trip. The caller tries again.
const LIMIT: Duration = Duration::from_secs(10);
/// For the first question: whoever holds a port by mistake may take connections and never answer.
const NAME_LIMIT: Duration = Duration::from_secs(1);
/// In servers of our own; stays for the life of the cluster, because a restarted broker is asked again.
pub(crate) const TOPIC: &str = "tickbook-probe";

/// Whether the node with this log and, if it is a broker, this address is ready: Kafka has said so, and a record goes
/// through this very broker and comes back, in a topic that is made if it is not there.
pub(crate) fn kafka_probe(log: PathBuf, role: Role, address: String, brokers: usize, topic: &str) -> Probe {
    let (replication, topic) = (i32::try_from(brokers).unwrap_or(1), topic.to_owned());
    Box::new(move |mark| {
        if !log::since(&log, mark).contains(STARTED) {
            return Ok(false);
        }
        if role != Role::Controller {
            kafka(&address, replication, &topic)?;
        }
        Ok(true)
    })
}

/// Writes a record through `bootstrap`, with all replicas acknowledging, and reads it back.
pub(crate) fn kafka(bootstrap: &str, replication: i32, topic: &str) -> Result<(), StackError> {
    let failed = |doing: &str| {
        let doing = format!("{doing} through {bootstrap}");
        move |source| StackError::Kafka { doing, source }
    };
    let payload = uuid::Uuid::new_v4().into_bytes();
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("message.timeout.ms", LIMIT.as_millis().to_string())
        .set("linger.ms", "0")
        .create()
        .map_err(failed("making a producer"))?;
    let delivery = wait(async {
        let admin = admin(bootstrap)?;
        match create_topic(&admin, topic, 1, replication, &[]).await {
            Err(error) if !already_exists(&error) => return Err(error),
            _ => wait_for_leaders(&admin, topic, 1)?,
        }
        let record = FutureRecord::<(), _>::to(topic).partition(0).payload(&payload[..]);
        producer
            .send(record, LIMIT)
            .await
            .map_err(|(source, _)| failed("writing a record")(source))
    })??;

    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        // Never joined: the client asks for a name before it lets us assign.
        .set("group.id", topic)
        .set("enable.auto.commit", "false")
        .set("fetch.wait.max.ms", "10")
        .create()
        .map_err(failed("making a consumer"))?;
    let mut place = TopicPartitionList::new();
    place
        .add_partition_offset(topic, delivery.partition, Offset::Offset(delivery.offset))
        .and_then(|()| consumer.assign(&place))
        .map_err(failed("assigning a partition"))?;
    let started = Instant::now();
    while started.elapsed() < LIMIT {
        match consumer.poll(Duration::from_millis(50)) {
            Some(Ok(record)) if record.payload() == Some(&payload[..]) => return Ok(()),
            Some(Err(source)) => return Err(failed("reading a record")(source)),
            _ => {}
        }
    }
    Err(StackError::Late {
        what: format!("a record's way through {bootstrap} and back"),
        limit: LIMIT,
    })
}

/// Inserts a row and selects it; the server must call itself `display_name`, if that is known, because an older process
/// may still hold the port.
pub(crate) fn clickhouse(url: &str, display_name: Option<&str>) -> Result<(), StackError> {
    let failed = |doing: &str| {
        let doing = doing.to_owned();
        move |source| StackError::ClickHouse {
            doing,
            source: Box::new(source),
        }
    };
    let client = clickhouse_client(url);
    let table = crate::unique("probe");
    wait(async {
        let name = client.query("SELECT displayName()").fetch_one::<String>();
        let name = tokio::time::timeout(NAME_LIMIT, name)
            .await
            .map_err(|_| StackError::Late {
                what: format!("an answer of {url}"),
                limit: NAME_LIMIT,
            })?
            .map_err(failed("asking its name"))?;
        if display_name.is_some_and(|wanted| wanted != name) {
            return Err(StackError::prepare(
                format!("finding ClickHouse at {url}"),
                format!("{name} answers there"),
            ));
        }
        let create = format!("CREATE TABLE {table} (n UInt64) ENGINE = MergeTree ORDER BY n");
        client
            .query(&create)
            .execute()
            .await
            .map_err(failed("creating a table"))?;
        let insert = format!("INSERT INTO {table} VALUES (42)");
        client
            .query(&insert)
            .execute()
            .await
            .map_err(failed("inserting a row"))?;
        let read: u64 = client
            .query(&format!("SELECT n FROM {table}"))
            .fetch_one()
            .await
            .map_err(failed("selecting a row"))?;
        client
            .query(&format!("DROP TABLE {table} SYNC"))
            .execute()
            .await
            .map_err(failed("dropping a table"))?;
        if read == 42 {
            Ok(())
        } else {
            Err(StackError::prepare("reading a row back", format!("it was {read}")))
        }
    })?
}

/// What a server that is ready calls its version.
pub(crate) fn clickhouse_version(url: &str) -> Result<String, StackError> {
    let client = clickhouse_client(url);
    wait(async {
        let version = client.query("SELECT version()").fetch_one::<String>().await;
        version.map_err(|source| StackError::ClickHouse {
            doing: "asking its version".into(),
            source: Box::new(source),
        })
    })?
}

/// Drops databases, those of them that are there.
pub(crate) fn drop_databases(url: &str, names: &[String]) -> Result<(), StackError> {
    let client = clickhouse_client(url);
    wait(async {
        for name in names {
            let drop = client
                .query("DROP DATABASE IF EXISTS ? SYNC")
                .bind(clickhouse::sql::Identifier(name));
            drop.execute().await.map_err(|source| StackError::ClickHouse {
                doing: format!("dropping database {name}"),
                source: Box::new(source),
            })?;
        }
        Ok(())
    })?
}

/// Drives a future on a runtime of its own, so that nothing of it lives on in the caller's.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> Result<T, StackError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| StackError::prepare("starting a runtime", error))?;
    runtime
        .block_on(async { tokio::time::timeout(LIMIT * 2, future).await })
        .map_err(|_| StackError::Late {
            what: "a round trip".into(),
            limit: LIMIT * 2,
        })
}
