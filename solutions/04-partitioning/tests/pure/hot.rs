//! A hot key: dealt out, placed, enough of it, and merged again.

use std::collections::BTreeSet;

use market::EventTime;
use placement::{HotError, Merge, NoPartitions, Salt, SubKeys, partition_for};
use proptest::prelude::*;

use crate::{seeded, trade};

fn at(ms: i64) -> EventTime {
    EventTime::from_millis(ms)
}

fn keys(salt: Salt, ways: u16) -> SubKeys {
    SubKeys::new(salt, ways).expect("valid")
}

#[test]
fn task4_ids_that_are_a_time_with_zeros_behind_it_are_spread_evenly() {
    for ways in [2, 4, 5, 8, 10] {
        let keys = keys(Salt::Number, ways);
        let mut loads = vec![0u32; usize::from(ways)];
        for n in 0..20_000 {
            let id = (1_618_678_263_000 + n * 7) * 10_000;
            loads[usize::from(keys.of(&trade("KRW-BTC", id), at(0)))] += 1;
        }
        let fair = 20_000.0 / f64::from(ways);
        assert!(
            loads.iter().all(|load| (f64::from(*load) / fair - 1.0).abs() < 0.1),
            "{ways} sub-keys got {loads:?} of 20,000 trades; look at the mixed number in `SubKeys::of`"
        );
    }
}

#[test]
fn task4_a_repeat_of_a_trade_has_the_sub_key_of_the_trade() {
    let keys = keys(Salt::Number, 8);
    for id in 0..1_000 {
        let sub = keys.of(&trade("KRW-BTC", id), at(1_000));
        assert!(sub < 8, "sub-key {sub} of 8; look at `SubKeys::of`");
        for _ in 0..3 {
            assert_eq!(
                keys.of(&trade("KRW-BTC", id), at(9_999)),
                sub,
                "trade {id} again, as the exchange sends it after a reconnect; look at `SubKeys::of`"
            );
        }
    }
}

#[test]
fn task4_the_sub_key_of_an_id_is_the_same_in_every_program() {
    // The remainders by 8 of the mixed numbers 0 to 7, worked out elsewhere: two producers must deal a trade out alike.
    let keys = keys(Salt::Number, 8);
    let of = |id| keys.of(&trade("KRW-BTC", id), at(0));
    assert_eq!(
        (0..8).map(of).collect::<Vec<u16>>(),
        [7, 1, 6, 5, 2, 2, 0, 7],
        "the remainder of the mixed number; look at `SubKeys::of`"
    );
}

#[test]
fn task4_a_span_of_time_stays_together_and_the_next_has_the_next_sub_key() {
    let keys = keys(Salt::Span { ms: 60_000 }, 3);
    let of = |ms| keys.of(&trade("KRW-BTC", 7), at(ms));
    for (ms, sub) in [
        (0, 0),
        (59_999, 0),
        (60_000, 1),
        (179_999, 2),
        (180_000, 0),
        // Before 1970 the spans go on in the same order.
        (-1, 2),
        (-60_000, 2),
        (-60_001, 1),
        (-180_000, 0),
    ] {
        assert_eq!(
            of(ms),
            sub,
            "{ms} ms in spans of a minute over three sub-keys; look at `SubKeys::of`"
        );
    }
    assert!(of(i64::MIN) < 3 && of(i64::MAX) < 3, "the ends of time have one, too");
}

#[test]
fn task4_sub_keys_lie_in_partitions_of_their_own_from_the_keys_on() {
    // KRW-BTC is in partition 4 of 6.
    let places = |partitions, ways| -> Vec<i32> {
        (0..ways)
            .map(|sub| SubKeys::partition(b"KRW-BTC", sub, partitions).expect("partitions"))
            .collect()
    };
    assert_eq!(
        places(6, 4),
        [4, 5, 0, 1],
        "sub-key 0 stays where the key was; look at `SubKeys::partition`"
    );
    assert_eq!(
        places(6, 8),
        [4, 5, 0, 1, 2, 3, 4, 5],
        "more sub-keys than partitions; look at `SubKeys::partition`"
    );
    assert_eq!(places(1, 3), [0, 0, 0]);
    assert_eq!(
        SubKeys::partition(b"KRW-BTC", u16::MAX, i32::MAX).map(|partition| partition >= 0),
        Ok(true)
    );
    assert_eq!(
        SubKeys::partition(b"KRW-BTC", 0, 0),
        Err(NoPartitions(0)),
        "look at `SubKeys::partition`"
    );
    // What naming them and hashing the names would do: 1 and 2 share a partition, and 3 and 4, and 5 joins the key.
    let named = |sub: u16| partition_for(format!("KRW-BTC#{sub}").as_bytes(), 6).expect("partitions");
    let places: BTreeSet<i32> = (0..6).map(named).collect();
    assert!(places.len() < 5, "{places:?}: chance is no way to avoid a neighbour");
}

#[test]
fn task4_enough_sub_keys_are_the_fewest_that_leave_no_partition_beyond_its_capacity() {
    // KRW-BTC is in partition 4 of 6, so the order of filling is 4, 5, 0, 1, 2, 3.
    let enough = |rate, others: &[u64], capacity| {
        SubKeys::enough(b"KRW-BTC", rate, others, capacity).expect("partitions; look at `SubKeys::enough`")
    };
    let even = [100; 6];
    assert_eq!(enough(0, &even, 100), Some(1));
    assert_eq!(
        enough(500, &even, 600),
        Some(1),
        "exactly what fits; look at `SubKeys::enough`"
    );
    assert_eq!(
        enough(501, &even, 600),
        Some(2),
        "251 each is enough; look at `SubKeys::enough`"
    );
    assert_eq!(
        enough(1_001, &even, 600),
        Some(3),
        "500.5 do not fit: the larger half is 501; look at the rounding in `SubKeys::enough`"
    );
    assert_eq!(enough(3_000, &even, 600), Some(6));
    assert_eq!(
        enough(3_001, &even, 600),
        None,
        "all six are full; look at `SubKeys::enough`"
    );
    assert_eq!(SubKeys::enough(b"KRW-BTC", 1, &[], 1), Err(NoPartitions(0)));
}

#[test]
fn task4_more_sub_keys_than_enough_can_be_too_many() {
    let others = [590, 100, 100, 100, 100, 100];
    let enough = |rate, capacity| SubKeys::enough(b"KRW-BTC", rate, &others, capacity).expect("partitions");
    assert_eq!(
        enough(1_000, 600),
        Some(2),
        "a third sub-key would lie in partition 0, which is nearly full; look at `SubKeys::enough`"
    );
    assert_eq!(
        enough(1_001, 600),
        None,
        "two are too few, and a third has no room; look at `SubKeys::enough`"
    );
    // Only the partitions that get a sub-key count: another hot one elsewhere is not this key's matter.
    let full = [100, 100, 100, 9_999, 100, 100];
    assert_eq!(
        SubKeys::enough(b"KRW-BTC", 1_000, &full, 600),
        Ok(Some(2)),
        "look at `SubKeys::enough`"
    );
}

#[test]
fn what_makes_no_sub_keys_is_refused() {
    assert_eq!(SubKeys::new(Salt::Number, 0), Err(HotError::NoWays));
    assert_eq!(SubKeys::new(Salt::Span { ms: 0 }, 2), Err(HotError::NoSpan(0)));
    let mut merge: Merge<u64, ()> = Merge::new(2);
    assert_eq!(merge.push(2, 0, ()), Err(HotError::NoSubKey(2)));
    assert_eq!(merge.end(7), Err(HotError::NoSubKey(7)));
}

#[test]
fn task4_a_record_waits_until_every_other_sub_key_has_shown_its_next() {
    let mut merge = Merge::new(3);
    merge.push(0, 1, "a").expect("a sub-key");
    merge.push(1, 2, "b").expect("a sub-key");
    assert_eq!(
        merge.pop(),
        None,
        "sub-key 2 may still bring something older; look at `Merge::pop`"
    );
    merge.push(2, 3, "c").expect("a sub-key");
    assert_eq!(merge.pop(), Some((1, "a")), "look at `Merge::pop`");
    assert_eq!(merge.pop(), None, "now sub-key 0 has nothing; look at `Merge::pop`");
    assert_eq!(merge.held(), 2);
    merge.end(0).expect("a sub-key");
    assert_eq!(
        merge.pop(),
        Some((2, "b")),
        "nobody waits for one that has ended; look at `Merge::pop`"
    );
    merge.end(1).expect("a sub-key");
    merge.end(2).expect("a sub-key");
    assert_eq!(
        merge.pop(),
        Some((3, "c")),
        "ended, but not empty; look at `Merge::pop`"
    );
    assert_eq!((merge.pop(), merge.held()), (None, 0));
}

#[test]
fn task4_of_equal_ones_that_of_the_lower_sub_key_comes_first() {
    let mut merge = Merge::new(3);
    for (sub, name) in [(2, "c"), (0, "a"), (1, "b")] {
        merge.push(sub, 7, name).expect("a sub-key");
        merge.end(sub).expect("a sub-key");
    }
    let out: Vec<&str> = std::iter::from_fn(|| merge.pop()).map(|(_, name)| name).collect();
    assert_eq!(
        out,
        ["a", "b", "c"],
        "the same each time, whichever came first; look at `Merge::pop`"
    );
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn task4_the_merge_gives_back_the_order_that_the_split_took(
        ways in 1..6u16,
        mixed in prop::collection::vec((any::<u16>(), any::<u16>()), 0..80),
    ) {
        // Trades 0, 1, 2, … each to its sub-key; then the sub-keys' partitions are read in whatever turn.
        let mut partitions = vec![Vec::new(); usize::from(ways)];
        for (number, (salt, _)) in mixed.iter().enumerate() {
            partitions[usize::from(salt % ways)].push(number);
        }
        let mut merge = Merge::new(ways);
        let (mut read, mut out) = (vec![0; usize::from(ways)], Vec::new());
        let turns = mixed.iter().map(|(_, turn)| usize::from(turn % ways)).chain((0..usize::from(ways)).flat_map(|sub| vec![sub; 81]));
        for sub in turns {
            match partitions[sub].get(read[sub]) {
                Some(number) => {
                    read[sub] += 1;
                    merge.push(sub, *number, ()).expect("a sub-key");
                }
                None => merge.end(sub).expect("a sub-key"),
            }
            out.extend(std::iter::from_fn(|| merge.pop()).map(|(number, ())| number));
        }
        prop_assert!(out.iter().copied().eq(0..mixed.len()), "{out:?}; look at `Merge::pop`");
    }

    #[test]
    fn task4_enough_is_enough_and_one_less_is_not(
        rate in 0..5_000u64,
        others in prop::collection::vec(0..800u64, 1..13),
        capacity in 1..1_500u64,
    ) {
        let fits = |ways: u16| (0..ways).all(|sub| {
            let place = SubKeys::partition(b"KRW-BTC", sub, others.len() as i32).expect("partitions") as usize;
            others[place] + rate.div_ceil(u64::from(ways)) <= capacity
        });
        let fewest = (1..=others.len() as u16).find(|ways| fits(*ways));
        prop_assert_eq!(
            SubKeys::enough(b"KRW-BTC", rate, &others, capacity),
            Ok(fewest),
            "{:?} beside {} under {}; look at `SubKeys::enough`", others, rate, capacity
        );
    }
}
