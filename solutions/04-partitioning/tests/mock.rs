//! A real client against a cluster in the process: where it puts keys, and what its retries leave in a log. No server needed.

use std::sync::Mutex;
use std::time::Duration;

use placement::{Fate, Log, Partitioner, Sending, send};
use rdkafka::config::ClientConfig;
use rdkafka::message::DeliveryResult;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _, ProducerContext};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use rdkafka::{ClientContext, Message as _};

const LIMIT: Duration = Duration::from_secs(20);

/// Remembers where the broker put each record: key, partition, offset.
#[derive(Default)]
struct Placed(Mutex<Vec<(Vec<u8>, i32, i64)>>);

impl ClientContext for Placed {}

impl ProducerContext for Placed {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let message = result.as_ref().expect("the mock broker takes every record in the end");
        let key = message.key().unwrap_or_default().to_vec();
        let placed = (key, message.partition(), message.offset());
        self.0.lock().expect("no panic while held").push(placed);
    }
}

fn producer(cluster: &MockCluster<'_, DefaultProducerContext>, settings: &[(&str, &str)]) -> BaseProducer<Placed> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", cluster.bootstrap_servers());
    for (name, value) in settings {
        config.set(*name, *value);
    }
    config.create_with_context(Placed::default()).expect("a producer")
}

fn put(producer: &BaseProducer<Placed>, topic: &str, key: &str) {
    let record = BaseRecord::to(topic).key(key).payload("");
    producer.send(record).map_err(|(error, _)| error).expect("room");
}

fn placed(producer: &BaseProducer<Placed>) -> Vec<(Vec<u8>, i32, i64)> {
    producer.flush(LIMIT).expect("all delivered in time");
    producer.context().0.lock().expect("no panic while held").clone()
}

#[test]
fn task1_librdkafka_itself_places_keys_the_same_way() {
    const PARTITIONS: i32 = 17;
    let keys: Vec<String> = (0..300).map(|i| format!("KRW-{}{i}", "비트X".repeat(i % 4))).collect();
    let cluster = MockCluster::new(1).expect("the mock broker runs inside this process");
    for (name, partitioner) in [
        ("murmur2_random", Partitioner::Murmur2),
        ("consistent_random", Partitioner::Crc32),
        ("fnv1a_random", Partitioner::Fnv1a),
    ] {
        cluster.create_topic(name, PARTITIONS, 1).expect("a topic");
        let producer = producer(&cluster, &[("partitioner", name)]);
        keys.iter().for_each(|key| put(&producer, name, key));
        let placed = placed(&producer);
        assert_eq!(placed.len(), keys.len());
        for (key, partition, _) in placed {
            assert_eq!(
                partitioner.partition(Some(&key), PARTITIONS),
                Ok(partition),
                "{name} and {partitioner:?} on {:?}; look at `Partitioner::hash`",
                String::from_utf8_lossy(&key)
            );
        }
    }
}

#[test]
fn task1_the_clients_default_and_javas_part_the_same_key() {
    let cluster = MockCluster::new(1).expect("the mock broker runs inside this process");
    cluster.create_topic("t", 6, 1).expect("a topic");
    let places = |settings: &[(&str, &str)]| {
        let producer = producer(&cluster, settings);
        put(&producer, "t", "KRW-BTC");
        placed(&producer)[0].1
    };
    let (default, java) = (places(&[]), places(&[("partitioner", "murmur2_random")]));
    assert_ne!(
        default, java,
        "nobody reports an error, and a join by partition finds nothing"
    );
    assert_eq!(
        [Partitioner::Crc32, Partitioner::Murmur2].map(|partitioner| partitioner.partition(Some(b"KRW-BTC"), 6)),
        [Ok(default), Ok(java)],
        "look at `Partitioner::partition`"
    );
}

/// What of records 0, 1, 2, … is in the log, in its order, when the first request is rejected once; a record a request.
fn with_one_rejected(in_flight: usize, records: usize) -> Vec<usize> {
    let cluster = MockCluster::new(1).expect("the mock broker runs inside this process");
    cluster.create_topic("t", 1, 1).expect("a topic");
    let in_flight = in_flight.to_string();
    let settings = [
        ("enable.idempotence", "false"),
        ("max.in.flight.requests.per.connection", in_flight.as_str()),
        ("batch.num.messages", "1"),
        ("linger.ms", "0"),
        ("retry.backoff.ms", "10"),
        ("reconnect.backoff.ms", "10"),
    ];
    let producer = producer(&cluster, &settings);
    put(&producer, "t", "first, so that the client is connected");
    placed(&producer);
    // All records are with the client before it can send the first one; else it would be luck how many are ready when that is
    // rejected. And no answer comes before all that may be in flight is on its way.
    cluster.broker_down(1).expect("no broker");
    (0..records).for_each(|number| put(&producer, "t", &number.to_string()));
    let rejected = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS;
    cluster.request_errors(RDKafkaApiKey::Produce, &[rejected]);
    cluster
        .broker_round_trip_time(1, Duration::from_millis(100))
        .expect("a slower broker");
    cluster.broker_up(1).expect("a broker again");
    let mut found = placed(&producer);
    found.sort_by_key(|(_, _, offset)| *offset);
    let numbers = found.iter().skip(1).map(|(key, ..)| String::from_utf8_lossy(key));
    numbers.map(|number| number.parse().expect("a number")).collect()
}

// ANCHOR: one_in_flight
#[test]
fn one_request_in_flight_does_not_keep_the_order_without_idempotence() {
    // The next request is made while the first one is on its way, and what is made goes before what is sent again.
    assert_eq!(with_one_rejected(1, 5), [1, 0, 2, 3, 4]);
}
// ANCHOR_END: one_in_flight

#[test]
fn task3_a_rejected_request_leaves_librdkafkas_log_as_it_leaves_the_models() {
    const RECORDS: usize = 8;
    for in_flight in [1, 5] {
        let found = with_one_rejected(in_flight, RECORDS);
        let mut log = Log::default();
        let batches: Vec<Vec<usize>> = (0..RECORDS).map(|number| vec![number]).collect();
        let sending = Sending {
            producer: None,
            // librdkafka makes the next request while it waits (queue.buffering.backpressure.threshold is 1), and what is made goes
            // before what is rejected. So even one in flight does not keep the order without idempotence.
            in_flight: in_flight + 1,
        };
        send(&mut log, &batches, sending, |batch, attempt| match (batch, attempt) {
            (0, 0) => Fate::Rejected,
            _ => Fate::Answered,
        });
        assert_eq!(
            found,
            log.records(),
            "librdkafka's log and the model's, {in_flight} in flight; look at `Log::append`"
        );
        assert!(!found.is_sorted(), "{in_flight} in flight: {found:?}");
    }
}
