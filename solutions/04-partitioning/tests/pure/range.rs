//! Shards by ranges of keys: where a key is, what a scan asks, and even split points.

use placement::{RangeError, Ranges};
use proptest::prelude::*;

use crate::seeded;

fn ranges(splits: &[&str]) -> Ranges {
    Ranges::new(splits.iter().map(|split| split.as_bytes().to_vec()).collect())
        .expect("split points; look at `Ranges::new`")
}

fn even(counts: &[(&str, u64)], shards: usize) -> Vec<String> {
    let counts = counts.iter().map(|(key, records)| (key.as_bytes(), *records));
    let made = Ranges::even(counts, shards);
    let splits = made.splits().iter();
    splits
        .map(|split| String::from_utf8_lossy(split).into_owned())
        .collect()
}

#[test]
fn task6_a_split_point_begins_its_shard() {
    let guide = ranges(&["N"]);
    for (key, shard) in [("", 0), ("A", 0), ("MZZ", 0), ("N", 1), ("N-", 1), ("Z", 1)] {
        assert_eq!(guide.shard(key.as_bytes()), shard, "{key:?}; look at `Ranges::shard`");
    }
    let three = ranges(&["KRW-C", "KRW-X"]);
    for (key, shard) in [
        ("BTC-XRP", 0),
        ("KRW-BTC", 0),
        ("KRW-C", 1),
        ("KRW-SOL", 1),
        ("KRW-XRP", 2),
    ] {
        assert_eq!(three.shard(key.as_bytes()), shard, "{key}; look at `Ranges::shard`");
    }
    assert_eq!(
        Ranges::default().shard(b"KRW-BTC"),
        0,
        "without split points there is one shard"
    );
}

#[test]
fn task6_by_the_first_letter_of_the_market_one_shard_has_all_that_is_traded_in_won() {
    let guide = ranges(&["N"]);
    for market in ["KRW-BTC", "KRW-ETH", "KRW-XRP", "KRW-ZIL", "BTC-ETH"] {
        assert_eq!(guide.shard(market.as_bytes()), 0, "{market}; look at `Ranges::shard`");
    }
    assert_eq!(guide.shard(b"USDT-BTC"), 1, "look at `Ranges::shard`");
}

#[test]
fn task6_split_points_that_do_not_ascend_are_refused_by_their_place() {
    let new = |splits: &[&str]| Ranges::new(splits.iter().map(|split| split.as_bytes().to_vec()).collect()).err();
    assert_eq!(new(&["A", "B", "C"]), None, "look at `Ranges::new`");
    assert_eq!(new(&[]), None, "look at `Ranges::new`");
    assert_eq!(
        new(&["A", "C", "B", "A"]),
        Some(RangeError(2)),
        "the first wrong one; look at `Ranges::new`"
    );
    assert_eq!(
        new(&["A", "A"]),
        Some(RangeError(1)),
        "an empty shard; look at `Ranges::new`"
    );
    assert_eq!(
        new(&["", "A"]),
        Some(RangeError(0)),
        "nothing is below the empty key; look at `Ranges::new`"
    );
}

#[test]
fn task6_a_scan_asks_the_shards_of_its_keys_and_no_others() {
    let shards = ranges(&["C", "F", "K"]);
    for (from, to, asked) in [
        ("A", "B", 0..1),
        ("A", "C", 0..1),
        ("A", "CA", 0..2),
        ("C", "F", 1..2),
        ("D", "Z", 1..4),
        ("K", "Z", 3..4),
        ("", "Z", 0..4),
    ] {
        assert_eq!(
            shards.scan(from.as_bytes(), to.as_bytes()),
            asked,
            "from {from:?} on and before {to:?}; look at `Ranges::scan`"
        );
    }
    for (from, to) in [("F", "C"), ("D", "D"), ("", "")] {
        assert!(
            shards.scan(from.as_bytes(), to.as_bytes()).is_empty(),
            "no key is from {from:?} on and before {to:?}; look at `Ranges::scan`"
        );
    }
}

#[test]
fn task6_even_shards_end_where_their_share_is_reached() {
    let alike = [("A", 10), ("B", 10), ("C", 10), ("D", 10), ("E", 10), ("F", 10)];
    assert_eq!(even(&alike, 3), ["C", "E"], "20 records each; look at `Ranges::even`");
    assert_eq!(
        even(&alike, 4),
        ["C", "D", "F"],
        "cut before the first key before which 15, 30, 45 are reached; look at `Ranges::even`"
    );
    assert_eq!(even(&alike, 1), [""; 0], "look at `Ranges::even`");
    assert_eq!(even(&alike, 0), [""; 0], "look at `Ranges::even`");
    assert_eq!(even(&[], 3), [""; 0], "look at `Ranges::even`");
    assert_eq!(
        even(&alike, 100),
        ["B", "C", "D", "E", "F"],
        "no more shards than keys; look at `Ranges::even`"
    );
}

#[test]
fn task6_a_hot_key_reaches_over_several_ends_and_no_split_point_parts_it() {
    let hot = [("A", 5), ("B", 80), ("C", 5), ("D", 5), ("E", 5)];
    assert_eq!(
        even(&hot, 4),
        ["C"],
        "the ends at 25, 50 and 75 all lie in B, so there are two shards; look at `Ranges::even`"
    );
    let last = [("A", 50), ("B", 50), ("C", 0), ("D", 0)];
    assert_eq!(
        even(&last, 2),
        ["B"],
        "keys without records begin no shard behind the last; look at `Ranges::even`"
    );
    assert_eq!(
        even(&[("A", u64::MAX), ("B", u64::MAX)], 2),
        ["B"],
        "sums of records do not wrap round; look at `Ranges::even`"
    );
}

#[test]
fn task6_keys_in_no_order_still_make_split_points_that_ascend() {
    let turned = [("C", 10), ("B", 10), ("A", 10), ("", 10), ("D", 10)];
    assert_eq!(
        even(&turned, 5),
        ["B", "D"],
        "A is below the split point before it, and nothing is below the empty key; look at `Ranges::even`"
    );
    assert_eq!(
        even(&[("A", 10), ("", 10), ("B", 10)], 3),
        ["B"],
        "the empty key begins no shard but the first; look at `Ranges::even`"
    );
}

#[test]
fn task6_one_shard_split_in_two_moves_keys_of_that_shard_only() {
    let before = ranges(&["C", "F"]);
    let after = before
        .split(b"D")
        .expect("D begins no shard yet; look at `Ranges::new`");
    assert_eq!(after.shards(), 4);
    for key in ["A", "BZ", "C", "CZ", "D", "E", "F", "Z"] {
        let (was, is) = (before.shard(key.as_bytes()), after.shard(key.as_bytes()));
        let expected = if key < "D" { was } else { was + 1 };
        assert_eq!(is, expected, "{key}; look at `Ranges::shard`");
    }
    assert_eq!(before.split(b"C"), None);
    assert_eq!(before.split(b""), None);
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn task6_a_scan_finds_every_key_that_it_is_after(
        mut splits in prop::collection::btree_set("[A-D]{1,3}", 0..6),
        keys in prop::collection::vec("[A-E]{0,3}", 1..20),
        from in "[A-E]{0,3}",
        to in "[A-E]{0,3}",
    ) {
        splits.remove("");
        let shards = ranges(&splits.iter().map(String::as_str).collect::<Vec<_>>());
        let asked = shards.scan(from.as_bytes(), to.as_bytes());
        prop_assert!(asked.end <= shards.shards(), "{asked:?} of {}; look at `Ranges::scan`", shards.shards());
        for key in keys.iter().filter(|key| **key >= from && **key < to) {
            prop_assert!(
                asked.contains(&shards.shard(key.as_bytes())),
                "{key} is in shard {} and {asked:?} were asked; look at `Ranges::scan`", shards.shard(key.as_bytes())
            );
        }
    }

    #[test]
    fn task6_even_shards_have_at_most_a_share_and_one_key_more(
        counts in prop::collection::btree_map("[A-Z]{1,4}", 0..100u64, 1..40),
        shards in 1..9usize,
    ) {
        let pairs: Vec<(&[u8], u64)> = counts.iter().map(|(key, records)| (key.as_bytes(), *records)).collect();
        let made = Ranges::even(pairs.iter().copied(), shards);
        prop_assert!(made.shards() <= shards, "{} shards of {shards}; look at `Ranges::even`", made.shards());
        let mut loads = vec![0; made.shards()];
        pairs.iter().for_each(|(key, records)| loads[made.shard(key)] += records);
        let (total, most) = (loads.iter().sum::<u64>(), counts.values().max().copied().unwrap_or_default());
        let limit = total.div_ceil(shards as u64) + most;
        prop_assert!(loads.iter().all(|load| *load <= limit), "{loads:?} over {limit}; look at `Ranges::even`");
    }
}
