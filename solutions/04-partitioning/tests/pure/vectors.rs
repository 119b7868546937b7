//! Placements that others have published: in Kafka's own tests, in librdkafka's, in Guava's.

use placement::{Partitioner, crc32, fnv1a, jump, murmur2};

/// murmur2 as Java holds it: `UtilsTest` of Kafka, `rdmurmur2.c` of librdkafka.
const MURMUR2: [(&str, i32); 9] = [
    ("21", -973_932_308),
    ("foobar", -790_332_482),
    ("a-little-bit-long-string", -985_981_536),
    ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
    ("kafka", -798_503_068),
    ("1234", -1_614_185_708),
    ("34", -2_026_295_078),
    ("PreAmbleWillBeRemoved,ThePrePartThatIs", 2_017_611_548),
    ("", 275_646_681),
];

/// A key with its partition among 7 and among 17 by each client: `0048-partitioner.c` of librdkafka.
const PLACED: [(Partitioner, &str, i32, i32); 6] = [
    (Partitioner::Murmur2, "23456", 5, 9),
    (Partitioner::Murmur2, "hejsan", 6, 5),
    (
        Partitioner::Crc32,
        "this is another string with more length to it perhaps",
        6,
        15,
    ),
    (Partitioner::Crc32, "", 0, 0),
    (Partitioner::Fnv1a, "23456", 5, 6),
    (Partitioner::Fnv1a, "hejsan", 3, 4),
];

#[test]
fn task1_murmur2_gives_the_published_values() {
    for (key, hash) in MURMUR2 {
        assert_eq!(
            murmur2(key.as_bytes()),
            hash,
            "{key:?}, {} bytes; look at `murmur2`: the words, what is left of {} bytes, the end",
            key.len(),
            key.len() % 4
        );
    }
}

#[test]
fn task1_keys_go_where_the_clients_own_tests_put_them() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926, "the check value of CRC-32");
    assert_eq!(fnv1a(b"giberish123456789"), 2_007_335_573, "negative, so negated");
    for (partitioner, key, of_7, of_17) in PLACED {
        for (partitions, place) in [(7, of_7), (17, of_17)] {
            assert_eq!(
                partitioner.partition(Some(key.as_bytes()), partitions),
                Ok(place),
                "{key:?} on {partitions} by {partitioner:?}; look at `Partitioner::hash`"
            );
        }
    }
}

#[test]
fn task7_jump_gives_the_published_values() {
    // Guava's `HashingTest` and go-jump's.
    let of_100 = [
        0, 55, 62, 8, 45, 59, 86, 97, 82, 59, 73, 37, 17, 56, 86, 21, 90, 37, 38, 83,
    ];
    for (hash, bucket) in (0..).zip(of_100) {
        assert_eq!(
            jump(hash, 100),
            Some(bucket),
            "hash {hash} on 100 buckets; look at `jump`"
        );
    }
    for (hash, buckets, bucket) in [
        (10_863_919_174_838_991, 11, 6),
        (2_016_238_256_797_177_309, 11, 3),
        (1_673_758_223_894_951_030, 11, 5),
        (2, 100_001, 80_343),
        (2_201, 100_001, 22_152),
        (2_202, 100_001, 15_018),
    ] {
        assert_eq!(
            jump(hash, buckets),
            Some(bucket),
            "hash {hash} on {buckets} buckets; look at `jump`"
        );
    }
}
