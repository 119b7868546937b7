//! More partitions: what moves, from where, and when it may be taken.

use std::collections::BTreeMap;

use market::Position;
use placement::{Growth, GrowthError, NoPartitions, Partitioner, Turn, partition_for};
use proptest::prelude::*;

use crate::seeded;

fn growth(from: i32, to: i32, cuts: &[i64]) -> Growth {
    Growth::new(Partitioner::Murmur2, from, to, cuts.to_vec()).expect("a switch")
}

fn place(partition: i32, offset: i64) -> Position {
    Position { partition, offset }
}

fn names() -> impl Iterator<Item = String> {
    (0..400).map(|n| format!("KRW-C{n}"))
}

#[test]
fn task5_a_key_moves_if_its_place_by_the_new_number_is_another() {
    // By murmur2: KRW-BTC is in 1 of 3 and in 4 of 6, KRW-SUI in 1 of both.
    let growth = growth(3, 6, &[0, 0, 0]);
    assert_eq!(growth.moves(b"KRW-BTC"), Some((1, 4)), "look at `Growth::moves`");
    assert_eq!(growth.moves(b"KRW-SUI"), None, "look at `Growth::moves`");
    let crc32 = Growth::new(Partitioner::Crc32, 3, 7, vec![0; 3]).expect("a switch");
    assert_eq!(
        crc32.moves(b"KRW-SOL"),
        Some((0, 6)),
        "by the producers' own hash; look at `Growth::moves`"
    );
}

#[test]
fn task5_what_is_no_switch_is_refused() {
    let new = |from, to, cuts: &[i64]| Growth::new(Partitioner::Murmur2, from, to, cuts.to_vec()).err();
    assert_eq!(new(0, 3, &[]), Some(GrowthError::Partitions(NoPartitions(0))));
    assert_eq!(new(3, 3, &[0; 3]), Some(GrowthError::NotMore { from: 3, to: 3 }));
    assert_eq!(new(6, 3, &[0; 6]), Some(GrowthError::NotMore { from: 6, to: 3 }));
    assert_eq!(new(3, 6, &[0; 2]), Some(GrowthError::Cuts { from: 3, cuts: 2 }));
    let offset = GrowthError::Offset {
        partition: 1,
        offset: -1,
    };
    assert_eq!(new(3, 6, &[5, -1, -2]), Some(offset));
    assert_eq!(growth(3, 6, &[5, 0, 2]).moves(b"KRW-BTC"), Some((1, 4)));
}

#[test]
fn task5_twice_the_partitions_have_one_source_each_and_one_more_has_all() {
    let twice = growth(6, 12, &[0; 6]);
    for new in 6..12 {
        assert_eq!(
            twice.sources(new),
            [new - 6],
            "partition {new} of 12; look at `Growth::sources`"
        );
    }
    for old in 0..6 {
        assert_eq!(
            twice.sources(old),
            [0; 0],
            "what is in {old} of 12 was in {old} of 6; look at `Growth::sources`"
        );
    }
    let one_more = growth(6, 7, &[0; 6]);
    assert_eq!(one_more.sources(6), [0, 1, 2, 3, 4, 5], "look at `Growth::sources`");
    assert_eq!(
        one_more.sources(2),
        [0, 1, 3, 4, 5],
        "without itself; look at `Growth::sources`"
    );
    // 6 and 9 have 3 in common.
    assert_eq!(growth(6, 9, &[0; 6]).sources(7), [1, 4], "look at `Growth::sources`");
    for beyond in [-1, 7, 99] {
        assert_eq!(
            one_more.sources(beyond),
            [0; 0],
            "there is no partition {beyond}; look at `Growth::sources`"
        );
    }
}

#[test]
fn task5_the_sources_are_where_keys_really_come_from() {
    for (from, to) in [(1, 2), (2, 3), (3, 6), (4, 6), (5, 7), (6, 12)] {
        let growth = growth(from, to, &vec![0; from as usize]);
        let mut found = BTreeMap::new();
        for key in names() {
            if let Some((was, is)) = growth.moves(key.as_bytes()) {
                found.entry(is).or_insert_with(Vec::new).push(was);
            }
        }
        for partition in 0..to {
            let mut was = found.remove(&partition).unwrap_or_default();
            was.sort_unstable();
            was.dedup();
            assert_eq!(
                growth.sources(partition),
                was,
                "from {from} to {to}, partition {partition}; look at `Growth::sources`"
            );
        }
    }
}

#[test]
fn task5_a_moved_key_waits_until_its_old_partition_is_read_up_to_the_cut() {
    // KRW-BTC: from 1 of 3 to 4 of 6. Old partition 1 ended at offset 50.
    let growth = growth(3, 6, &[10, 50, 30]);
    let turn = |at, read: &[i64]| growth.turn(at, b"KRW-BTC", read);
    let wait = Turn::After {
        partition: 1,
        offset: 50,
    };
    assert_eq!(
        turn(place(1, 49), &[0, 0, 0]),
        Turn::Now,
        "before the cut it is where it was; look at `Growth::turn`"
    );
    assert_eq!(
        turn(place(4, 0), &[99, 49, 99]),
        wait,
        "offset 49 of partition 1 is still to be taken; look at `Growth::turn`"
    );
    assert_eq!(
        turn(place(4, 0), &[0, 50, 0]),
        Turn::Now,
        "all before the cut is taken; look at `Growth::turn`"
    );
    assert_eq!(
        turn(place(4, 0), &[]),
        wait,
        "nothing is known to be read; look at `Growth::turn`"
    );
    // A key that stays waits for nobody: its older records are before it in its own log.
    assert_eq!(growth.turn(place(1, 50), b"KRW-SUI", &[0, 0, 0]), Turn::Now);
}

#[test]
fn task5_a_record_that_does_not_belong_is_a_stray_on_either_side_of_the_cut() {
    let growth = growth(3, 6, &[10, 50, 30]);
    let all = [99; 3];
    for (at, belongs, why) in [
        (place(1, 50), 4, "a producer that still counts three partitions"),
        (
            place(4, 0),
            4,
            "right, and looked at so that the others are known to be wrong",
        ),
        (place(0, 3), 1, "another hash, before the cut"),
        (place(2, 31), 4, "another hash, after it"),
        (place(99, 0), 4, "a partition that should not be there"),
        (place(-1, 0), 4, "no partition at all"),
    ] {
        let expected = match at.partition == belongs {
            true => Turn::Now,
            false => Turn::Stray { belongs },
        };
        assert_eq!(
            growth.turn(at, b"KRW-BTC", &all),
            expected,
            "{at:?}: {why}; look at `Growth::turn`"
        );
    }
}

/// Records of some keys, numbered through: the first part by three partitions, the rest by seven.
fn logs(keys: &[u8], before: usize, from: i32, to: i32) -> (Vec<Vec<(String, usize)>>, Vec<i64>) {
    let mut logs = vec![Vec::new(); to as usize];
    let mut cuts = Vec::new();
    for (number, key) in keys.iter().enumerate() {
        if number == before {
            cuts = logs[..from as usize].iter().map(|log| log.len() as i64).collect();
        }
        let key = format!("KRW-C{}", key % 12);
        let partitions = if number < before { from } else { to };
        let partition = partition_for(key.as_bytes(), partitions).expect("partitions");
        logs[partition as usize].push((key, number));
    }
    if keys.len() <= before {
        cuts = logs[..from as usize].iter().map(|log| log.len() as i64).collect();
    }
    (logs, cuts)
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn task5_whichever_partition_is_read_first_every_key_keeps_its_order_and_nothing_stands_still(
        keys in prop::collection::vec(any::<u8>(), 1..120),
        before in 0..120usize,
        turns in prop::collection::vec(0..8i32, 400),
        (from, to) in prop_oneof![Just((3, 7)), Just((2, 4)), Just((4, 6)), Just((1, 5))],
    ) {
        let (logs, cuts) = logs(&keys, before, from, to);
        let growth = growth(from, to, &cuts);
        let (mut read, mut last, mut taken) = (vec![0i64; to as usize], BTreeMap::new(), 0);
        // In whatever turn first, then round and round until all is taken.
        let rounds = (0..to).cycle().take(keys.len() * to as usize * 2);
        for partition in turns.into_iter().filter(|turn| *turn < to).chain(rounds) {
            let at = place(partition, read[partition as usize]);
            let Some((key, number)) = logs[partition as usize].get(at.offset as usize) else { continue };
            match growth.turn(at, key.as_bytes(), &read[..from as usize]) {
                Turn::Now => {
                    read[partition as usize] += 1;
                    taken += 1;
                    let older = last.insert(key.clone(), *number);
                    prop_assert!(
                        older.is_none_or(|older| older < *number),
                        "record {number} of {key} was taken after {older:?}; look at `Growth::turn`"
                    );
                }
                Turn::After { partition: old, .. } => {
                    prop_assert!(growth.sources(partition).contains(&old), "{partition} waits for {old}; look at `Growth::sources`");
                }
                stray @ Turn::Stray { .. } => prop_assert!(false, "{key} at {at:?} is a {stray:?}; look at `Growth::turn`"),
            }
        }
        prop_assert_eq!(taken, keys.len(), "some wait for ever; look at `Growth::turn`");
    }
}
