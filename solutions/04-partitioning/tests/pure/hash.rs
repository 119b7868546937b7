//! Where keys go, how even that is, and what another number of partitions moves.

use placement::{Load, NoPartitions, Partitioner, Spread, fnv1a, fnv1a_32, partition_for};
use proptest::prelude::*;

use crate::seeded;

const ALL: [Partitioner; 3] = [Partitioner::Murmur2, Partitioner::Crc32, Partitioner::Fnv1a];

#[test]
fn task1_keys_go_where_other_programs_put_them() {
    // Key, partitions, by murmur2, by CRC-32. On 3 partitions KRW-BTC alone would show no difference.
    for (key, partitions, murmur2, crc32) in [
        ("KRW-BTC", 3, 1, 1),
        ("KRW-BTC", 6, 4, 1),
        ("KRW-ETH", 3, 2, 1),
        ("KRW-ETH", 6, 5, 4),
        ("KRW-SOL", 12, 3, 9),
        ("USDT-BTC", 12, 8, 7),
    ] {
        let place = |partitioner: Partitioner| partitioner.partition(Some(key.as_bytes()), partitions);
        assert_eq!(
            place(Partitioner::Murmur2),
            Ok(murmur2),
            "{key} on {partitions} by murmur2; look at `murmur2` and the sign bit in `Partitioner::hash`"
        );
        assert_eq!(place(Partitioner::Crc32), Ok(crc32), "{key} on {partitions} by CRC-32");
        assert_eq!(
            partition_for(key.as_bytes(), partitions),
            Ok(murmur2),
            "{key} on {partitions}"
        );
    }
}

#[test]
fn task1_the_sign_bit_is_dropped_and_nothing_is_negated() {
    // murmur2("21") is -973932308. Without its sign bit it is 1173551340, negated 973932308.
    assert_eq!(
        Partitioner::Murmur2.hash(b"21"),
        1_173_551_340,
        "Java's toPositive is `& 0x7fffffff`; look at `Partitioner::hash`"
    );
    assert_eq!(
        Partitioner::Murmur2.partition(Some(b"21"), 7),
        Ok(3),
        "`abs` would say 6; look at `Partitioner::hash`"
    );
    assert_eq!(
        Partitioner::Crc32.hash(b"123456789"),
        0xcbf4_3926,
        "CRC-32 is unsigned and keeps all its bits; look at `Partitioner::hash`"
    );
    assert_eq!(fnv1a_32(b"a") as i32, -468_965_076);
    assert_eq!(
        Partitioner::Fnv1a.hash(b"a"),
        468_965_076,
        "Sarama negates; look at `Partitioner::hash`"
    );
    assert_eq!(fnv1a(b""), 2_128_831_035, "negative as 32 bits, so negated");
}

#[test]
fn task1_a_record_without_a_key_is_placed_like_an_empty_key() {
    for partitioner in ALL {
        assert_eq!(
            partitioner.partition(None, 17),
            partitioner.partition(Some(b""), 17),
            "by {partitioner:?}; look at `Partitioner::partition`"
        );
    }
}

#[test]
fn task1_a_topic_without_partitions_is_an_error() {
    for none in [0, -1, i32::MIN] {
        assert_eq!(
            partition_for(b"KRW-BTC", none),
            Err(NoPartitions(none)),
            "look at `Partitioner::partition`"
        );
        assert_eq!(
            Spread::of(Partitioner::Murmur2, none, []),
            Err(NoPartitions(none)),
            "look at `Partitioner::partition`"
        );
    }
}

#[test]
fn task1_a_hot_key_shows_as_skew_that_no_number_of_partitions_cures() {
    let counts = || [(b"KRW-BTC".as_slice(), 60), (b"KRW-ETH", 25), (b"KRW-XRP", 15)];
    let spread = |partitions| Spread::of(Partitioner::Murmur2, partitions, counts()).expect("partitions");
    let six = spread(6);
    assert_eq!(six.loads().iter().map(|load| load.records).sum::<u64>(), 100);
    assert!(
        six.loads().contains(&Load { keys: 2, records: 75 }),
        "KRW-BTC and KRW-XRP share one of six: {six:?}"
    );
    assert!((six.shares().sum::<f64>() - 1.0).abs() < 1e-12, "{six:?}");
    assert!(
        spread(60).skew() > six.skew(),
        "more partitions make the hot one stand out more: {:?}",
        spread(60)
    );
    let moved = Spread::moved(Partitioner::Murmur2, 6, 7, counts()).expect("partitions");
    assert_eq!((moved.of_keys, moved.of_records), (3, 100), "{moved:?}");
    let moved = Spread::moved(Partitioner::Murmur2, 6, 6, counts()).expect("partitions");
    assert_eq!((moved.keys, moved.records), (0, 0), "nothing changed: {moved:?}");
    let none = Spread::of(Partitioner::Crc32, 3, []).expect("partitions");
    assert!(none.skew() == 0.0, "no records, no skew: {none:?}");
}

#[test]
fn task1_one_more_partition_moves_nearly_every_key_and_twice_as_many_only_half() {
    let keys: Vec<String> = (0..10_000).map(|i| format!("KRW-C{i}")).collect();
    let share = |from, to| {
        let counts = keys.iter().map(|key| (key.as_bytes(), 1));
        let moved = Spread::moved(Partitioner::Murmur2, from, to, counts).expect("partitions");
        moved.keys as f64 / moved.of_keys as f64
    };
    // A key stays if its hash has the same remainder by both: 6 of 42 do by 6 and 7, and 6 of 12 by 6 and 12.
    for (to, expected) in [(7, 6.0 / 7.0), (12, 0.5)] {
        let moved = share(6, to);
        assert!(
            (moved - expected).abs() < 0.02,
            "from 6 to {to}: {moved} moved, not about {expected}; look at `Partitioner::partition`"
        );
    }
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn task1_every_key_has_one_partition_within_the_topic(key in prop::collection::vec(any::<u8>(), 0..64), count in 1..2000) {
        for partitioner in ALL {
            let partition = partitioner.partition(Some(&key), count).expect("partitions");
            prop_assert!((0..count).contains(&partition), "{partition} of {count}; look at `Partitioner::partition`");
            prop_assert_eq!(partitioner.partition(Some(&key), count), Ok(partition));
        }
    }
}
