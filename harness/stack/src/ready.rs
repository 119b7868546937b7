//! Whether a server really works: a record written and read back, a row inserted and selected. Blocking.

use std::future::Future;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

use crate::client::clickhouse_client;
use crate::error::StackError;
use crate::kafka::{already_exists, create_topic, wait_for_leaders};

/// One attempt at a round trip. The caller tries again.
const LIMIT: Duration = Duration::from_secs(10);
/// For the first question: whoever holds a port by mistake may take connections and never answer.
const NAME_LIMIT: Duration = Duration::from_secs(1);
/// Stays for the life of the cluster: a restarted broker is asked again.
const TOPIC: &str = "tickbook-probe";

/// Writes a record through `bootstrap`, with all replicas acknowledging, and reads it back.
pub(crate) fn kafka(bootstrap: &str, replication: i32) -> Result<(), StackError> {
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
        match create_topic(bootstrap, TOPIC, 1, replication, &[]).await {
            Err(error) if !already_exists(&error) => return Err(error),
            _ => wait_for_leaders(bootstrap, TOPIC, 1)?,
        }
        let record = FutureRecord::<(), _>::to(TOPIC).partition(0).payload(&payload[..]);
        producer
            .send(record, LIMIT)
            .await
            .map_err(|(source, _)| failed("writing a record")(source))
    })??;

    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        // Never joined: the client asks for a name before it lets us assign.
        .set("group.id", TOPIC)
        .set("enable.auto.commit", "false")
        .set("fetch.wait.max.ms", "10")
        .create()
        .map_err(failed("making a consumer"))?;
    let mut place = TopicPartitionList::new();
    place
        .add_partition_offset(TOPIC, delivery.partition, Offset::Offset(delivery.offset))
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

/// Inserts a row and selects it; the server must call itself `display_name`, because an older process may still hold
/// the port.
pub(crate) fn clickhouse(url: &str, display_name: &str) -> Result<(), StackError> {
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
        if name != display_name {
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

/// Drives a future on a runtime of its own, so that nothing of it lives on in the caller's.
fn wait<T>(future: impl Future<Output = T>) -> Result<T, StackError> {
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
