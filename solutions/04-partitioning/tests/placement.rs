//! Where keys go: as the clients themselves place them.

use std::time::Duration;

use placement::{Load, NoPartitions, Partitioner, Spread, crc32, fnv1a, fnv1a_32, murmur2, partition_for};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rdkafka::config::ClientConfig;
use rdkafka::message::DeliveryResult;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::{ClientContext, Message};

/// A placement that was worked out by hand or by another program.
#[derive(serde::Deserialize)]
struct Known {
    key: String,
    partitions: i32,
    murmur2: i32,
    crc32: i32,
}

#[test]
fn keys_go_where_other_programs_put_them() {
    let known: Vec<Known> = serde_json::from_str(
        r#"[
        {"key": "KRW-ETH", "partitions": 3, "murmur2": 2, "crc32": 1},
        {"key": "KRW-BTC", "partitions": 3, "murmur2": 1, "crc32": 1},
        {"key": "KRW-BTC", "partitions": 6, "murmur2": 4, "crc32": 1}
    ]"#,
    )
    .expect("well-formed");
    for Known {
        key,
        partitions,
        murmur2,
        crc32,
    } in known
    {
        let place = |partitioner: Partitioner| partitioner.partition(Some(key.as_bytes()), partitions);
        assert_eq!(place(Partitioner::Murmur2), Ok(murmur2), "{key} on {partitions}");
        assert_eq!(place(Partitioner::Crc32), Ok(crc32), "{key} on {partitions}");
        assert_eq!(partition_for(key.as_bytes(), partitions), Ok(murmur2));
    }
}

#[test]
fn each_hash_gives_its_published_values() {
    assert_eq!(murmur2(b"21"), -973_932_308);
    assert_eq!(murmur2(b""), 275_646_681);
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926, "the check value of CRC-32");
    assert_eq!(fnv1a_32(b""), 0x811c_9dc5, "the offset basis");
    assert_eq!(fnv1a_32(b"a"), 0xe40c_292c);
    assert_eq!(fnv1a(b""), 2_128_831_035, "negative as 32 bits, so negated");
}

#[test]
fn a_record_without_a_key_is_placed_like_an_empty_key() {
    for partitioner in [Partitioner::Murmur2, Partitioner::Crc32, Partitioner::Fnv1a] {
        assert_eq!(partitioner.partition(None, 17), partitioner.partition(Some(b""), 17));
    }
}

#[test]
fn a_topic_without_partitions_is_an_error() {
    for none in [0, -1, i32::MIN] {
        assert_eq!(partition_for(b"KRW-BTC", none), Err(NoPartitions(none)));
        assert_eq!(Spread::of(Partitioner::Murmur2, none, []), Err(NoPartitions(none)));
    }
}

#[test]
fn a_hot_key_shows_as_skew_that_no_number_of_partitions_cures() {
    let counts = || [(b"KRW-BTC".as_slice(), 60), (b"KRW-ETH", 25), (b"KRW-XRP", 15)];
    let spread = |partitions| Spread::of(Partitioner::Murmur2, partitions, counts()).expect("partitions");
    let six = spread(6);
    assert_eq!(six.loads().iter().map(|load| load.records).sum::<u64>(), 100);
    assert!(
        six.loads().contains(&Load { keys: 2, records: 75 }),
        "KRW-BTC and KRW-XRP share one of six: {six:?}"
    );
    assert!((six.shares().sum::<f64>() - 1.0).abs() < 1e-12);
    assert!(
        spread(60).skew() > six.skew(),
        "more partitions make the hot one stand out more"
    );
    let moved = Spread::moved(Partitioner::Murmur2, 6, 7, counts()).expect("partitions");
    assert_eq!((moved.of_keys, moved.of_records), (3, 100));
    assert!(
        Spread::moved(Partitioner::Murmur2, 6, 6, counts())
            .expect("partitions")
            .keys
            == 0
    );
    assert!(
        Spread::of(Partitioner::Crc32, 3, []).expect("partitions").skew() == 0.0,
        "no records, no skew"
    );
}

#[test]
fn one_more_partition_moves_nearly_every_key() {
    let keys: Vec<String> = (0..10_000).map(|i| format!("KRW-C{i}")).collect();
    let counts = keys.iter().map(|key| (key.as_bytes(), 1));
    let moved = Spread::moved(Partitioner::Murmur2, 6, 7, counts).expect("partitions");
    // A key stays if its hash has the same remainder by 6 and by 7: 6 of 42 do, so 6 in 7 move.
    let share = moved.keys as f64 / moved.of_keys as f64;
    assert!((share - 6.0 / 7.0).abs() < 0.02, "{share} moved");
}

/// Remembers where the broker put each record.
#[derive(Default)]
struct Placed(std::sync::Mutex<Vec<(Vec<u8>, i32)>>);

impl ClientContext for Placed {}

impl ProducerContext for Placed {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let message = result.as_ref().expect("the mock broker takes every record");
        let key = message.key().unwrap_or_default().to_vec();
        self.0
            .lock()
            .expect("no panic while held")
            .push((key, message.partition()));
    }
}

#[test]
fn librdkafka_itself_places_keys_the_same_way() {
    const PARTITIONS: i32 = 17;
    let keys: Vec<String> = (0..300).map(|i| format!("KRW-{}{i}", "비트X".repeat(i % 4))).collect();
    let cluster = MockCluster::new(1).expect("the mock broker runs inside this process");
    for (name, partitioner) in [
        ("murmur2_random", Partitioner::Murmur2),
        ("consistent_random", Partitioner::Crc32),
        ("fnv1a_random", Partitioner::Fnv1a),
    ] {
        cluster.create_topic(name, PARTITIONS, 1).expect("a topic");
        let producer: BaseProducer<Placed> = ClientConfig::new()
            .set("bootstrap.servers", cluster.bootstrap_servers())
            .set("partitioner", name)
            .create_with_context(Placed::default())
            .expect("a producer");
        for key in &keys {
            producer
                .send(BaseRecord::to(name).key(key).payload(""))
                .map_err(|(error, _)| error)
                .expect("room");
        }
        producer
            .flush(Duration::from_secs(30))
            .expect("all delivered within 30 s");
        let placed = producer.context().0.lock().expect("no panic while held").clone();
        assert_eq!(placed.len(), keys.len());
        for (key, partition) in placed {
            let ours = partitioner.partition(Some(&key), PARTITIONS);
            assert_eq!(
                ours,
                Ok(partition),
                "{name} and {partitioner:?} on {:?}",
                String::from_utf8_lossy(&key)
            );
        }
    }
}

/// The same cases in every run.
fn seeded() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::with_cases(512)
    }
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn every_key_has_one_partition_within_the_topic(key in prop::collection::vec(any::<u8>(), 0..64), count in 1..2000) {
        for partitioner in [Partitioner::Murmur2, Partitioner::Crc32, Partitioner::Fnv1a] {
            let partition = partitioner.partition(Some(&key), count).expect("partitions");
            prop_assert!((0..count).contains(&partition));
            prop_assert_eq!(partitioner.partition(Some(&key), count), Ok(partition));
        }
    }
}
