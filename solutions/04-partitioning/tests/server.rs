//! A topic that gets more partitions while it is in use, on a real broker.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use market::Position;
use placement::{Growth, Partitioner, Turn, partition_for};
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use stack::{Stack, unique};

const LIMIT: Duration = Duration::from_secs(30);
const FROM: i32 = 3;
const TO: i32 = 6;
const RECORDS: usize = 300;
/// The number of a record that comes to the wrong place. Its key moves.
const STRAY: usize = 2 * RECORDS + 1;

fn client(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    config
}

fn key(number: usize) -> String {
    format!("KRW-C{}", number % 12)
}

/// Writes records with these numbers, each to the partition of its key among `partitions`.
fn write(brokers: &str, topic: &str, partitions: i32, numbers: std::ops::Range<usize>) {
    let mut config = client(brokers);
    let producer: BaseProducer = config.set("enable.idempotence", "true").create().expect("a producer");
    for number in numbers {
        let (key, value) = (key(number), number.to_string());
        let partition = partition_for(key.as_bytes(), partitions).expect("partitions");
        let record = BaseRecord::to(topic).partition(partition).key(&key).payload(&value);
        producer.send(record).map_err(|(error, _)| error).expect("room");
    }
    // Every producer flushes before the cut: what is still on its way would come to stand behind it.
    producer.flush(LIMIT).expect("all acknowledged");
}

/// Where each of the old partitions ends.
fn ends(brokers: &str, topic: &str) -> Vec<i64> {
    let consumer: BaseConsumer = client(brokers).set("group.id", "ends").create().expect("a consumer");
    let end = |partition| consumer.fetch_watermarks(topic, partition, LIMIT).expect("the ends").1;
    (0..FROM).map(end).collect()
}

async fn grow(brokers: &str, topic: &str) {
    let admin: AdminClient<DefaultClientContext> = client(brokers).create().expect("an admin client");
    let options = AdminOptions::new().operation_timeout(Some(LIMIT));
    let partitions = NewPartitions::new(topic, TO as usize);
    let grown = admin.create_partitions([&partitions], &options).await;
    grown.expect("an answer")[0].as_ref().expect("more partitions");
    let started = Instant::now();
    let led = || {
        let metadata = admin.inner().fetch_metadata(Some(topic), LIMIT).expect("metadata");
        let partitions = metadata.topics()[0].partitions().iter();
        partitions.filter(|partition| partition.leader() >= 0).count() == TO as usize
    };
    while !led() {
        assert!(started.elapsed() < LIMIT, "the new partitions have no leaders");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// All records of each partition: key and number, by offset.
fn read(brokers: &str, topic: &str) -> Vec<VecDeque<(String, usize)>> {
    let consumer: BaseConsumer = client(brokers)
        .set("group.id", "read")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "10")
        .create()
        .expect("a consumer");
    consumer
        .fetch_metadata(Some(topic), LIMIT)
        .expect("the topic's partitions");
    let mut list = TopicPartitionList::new();
    for partition in 0..TO {
        let from = Offset::Offset(0);
        list.add_partition_offset(topic, partition, from).expect("an offset");
    }
    consumer.assign(&list).expect("an assignment");
    let (mut logs, mut open) = (vec![VecDeque::new(); TO as usize], TO);
    let started = Instant::now();
    while open > 0 {
        assert!(started.elapsed() < LIMIT, "the topic cannot be read to its end");
        match consumer.poll(Duration::from_millis(50)) {
            Some(Ok(record)) => {
                let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
                let number = text(record.payload()).parse().expect("a number");
                logs[record.partition() as usize].push_back((text(record.key()), number));
            }
            Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
            // An error of the connection passes.
            Some(Err(_)) | None => {}
        }
    }
    logs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task5_a_topic_grows_under_its_readers_and_every_key_keeps_its_order() {
    let kafka = Stack::shared().await.expect("the servers").kafka();
    let (brokers, topic) = (kafka.bootstrap(), unique("placement"));
    kafka.create_topic(&topic, FROM, &[]).await.expect("a topic");
    let blocking = |partitions, numbers: std::ops::Range<usize>| {
        let topic = topic.clone();
        let written = tokio::task::spawn_blocking(move || write(brokers, &topic, partitions, numbers));
        async move {
            written
                .await
                .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
        }
    };
    blocking(FROM, 0..RECORDS).await;
    let name = topic.clone();
    let cuts = tokio::task::spawn_blocking(move || ends(brokers, &name))
        .await
        .expect("the ends");
    assert_eq!(
        cuts.iter().sum::<i64>(),
        RECORDS as i64,
        "all records are before the cut"
    );
    grow(brokers, &topic).await;
    blocking(TO, RECORDS..2 * RECORDS).await;
    // Somebody was forgotten at the switch, and counts three partitions still.
    blocking(FROM, STRAY..STRAY + 1).await;

    let name = topic.clone();
    let mut logs = tokio::task::spawn_blocking(move || read(brokers, &name))
        .await
        .expect("all records");
    let growth = Growth::new(Partitioner::Murmur2, FROM, TO, cuts).expect("a switch");
    assert!(
        growth.moves(key(STRAY).as_bytes()).is_some(),
        "{} is taken for one that moves",
        key(STRAY)
    );
    let (mut next, mut last) = (vec![0i64; TO as usize], BTreeMap::new());
    let (mut taken, mut waited, mut strays) = (0, 0, Vec::new());
    // The new partitions first, again and again: the worst turn for a key that has moved there.
    while logs.iter().any(|log| !log.is_empty()) {
        let before = taken + strays.len();
        for partition in (0..TO).rev() {
            while let Some((key, number)) = logs[partition as usize].front() {
                let offset = next[partition as usize];
                match growth.turn(Position { partition, offset }, key.as_bytes(), &next[..FROM as usize]) {
                    Turn::Now => {
                        let older = last.insert(key.clone(), *number);
                        assert!(
                            older.is_none_or(|older| older < *number),
                            "record {number} of {key} was taken after {older:?}; look at `Growth::turn`"
                        );
                        taken += 1;
                    }
                    Turn::After { .. } => {
                        waited += 1;
                        break;
                    }
                    Turn::Stray { belongs } => strays.push((*number, belongs)),
                }
                next[partition as usize] += 1;
                logs[partition as usize].pop_front();
            }
        }
        assert!(
            taken + strays.len() > before,
            "nothing can be taken any more; look at `Growth::turn`"
        );
    }
    assert_eq!(taken, 2 * RECORDS, "records taken; look at `Growth::turn`");
    assert!(
        waited > 0,
        "no new partition waited for an old one; look at `Growth::turn`"
    );
    let belongs = partition_for(key(STRAY).as_bytes(), TO).expect("partitions");
    assert_eq!(
        strays,
        [(STRAY, belongs)],
        "the record of the forgotten producer, and nothing else; look at `Growth::turn`"
    );
}
