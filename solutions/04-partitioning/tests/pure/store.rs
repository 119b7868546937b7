//! Consistent hashing: few keys move, and how even the load is.

use std::collections::BTreeSet;

use placement::{Ring, hash64, jump, mix, rendezvous};
use proptest::prelude::*;

use crate::seeded;

fn hashes() -> Vec<u64> {
    (0..20_000).map(|n| hash64(format!("KRW-C{n}").as_bytes())).collect()
}

fn ring(points_each: u32, nodes: impl IntoIterator<Item = u32>) -> Ring {
    let mut ring = Ring::new(points_each);
    for node in nodes {
        assert!(ring.add(node), "node {node} was not there; look at `Ring::add`");
    }
    ring
}

/// The share of keys that change their place.
fn moved(hashes: &[u64], before: impl Fn(u64) -> Option<u32>, after: impl Fn(u64) -> Option<u32>) -> f64 {
    let moved = hashes.iter().filter(|hash| before(**hash) != after(**hash));
    moved.count() as f64 / hashes.len() as f64
}

/// The fullest of `nodes` as a multiple of its fair share.
fn skew(hashes: &[u64], nodes: u32, place: impl Fn(u64) -> Option<u32>) -> f64 {
    let mut loads = vec![0u32; nodes as usize];
    for hash in hashes {
        loads[place(*hash).expect("a node") as usize] += 1;
    }
    let most = loads.into_iter().max().unwrap_or_default();
    f64::from(most) * f64::from(nodes) / hashes.len() as f64
}

fn heaviest(hash: u64, nodes: &[u64]) -> Option<u32> {
    rendezvous(hash, nodes).map(|at| nodes[at] as u32)
}

#[test]
fn the_mix_keeps_different_numbers_different_and_is_written_down() {
    // The second number of SplitMix64 from seed 0 is the mix of its constant.
    assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
    let mixed: BTreeSet<u64> = (0..10_000).map(mix).collect();
    assert_eq!(mixed.len(), 10_000);
    assert_ne!(hash64(b"KRW-BTC"), hash64(b"KRW-BTD"));
}

#[test]
fn task7_one_bucket_more_takes_its_share_from_all_and_moves_nothing_else() {
    let hashes = hashes();
    for buckets in [3, 6, 12, 48] {
        let share = moved(&hashes, |hash| jump(hash, buckets), |hash| jump(hash, buckets + 1));
        let expected = 1.0 / f64::from(buckets + 1);
        assert!(
            (share - expected).abs() < 0.02,
            "{share} moved from {buckets} to one more; look at `jump`"
        );
        for hash in &hashes {
            let (was, is) = (jump(*hash, buckets), jump(*hash, buckets + 1));
            assert!(
                is == was || is == Some(buckets),
                "{was:?} to {is:?} of {buckets} and one: only the new bucket gets any; look at `jump`"
            );
        }
        let skew = skew(&hashes, buckets, |hash| jump(hash, buckets));
        assert!(skew < 1.2, "{skew} on {buckets}; look at `jump`");
    }
}

#[test]
fn task7_without_a_bucket_a_node_or_a_point_there_is_no_place() {
    assert_eq!(jump(7, 0), None, "look at `jump`");
    assert_eq!(jump(7, 1), Some(0), "look at `jump`");
    assert_eq!(rendezvous(7, &[]), None, "look at `rendezvous`");
    assert_eq!(rendezvous(7, &[42]), Some(0), "look at `rendezvous`");
    assert_eq!(Ring::new(8).node(7), None, "look at `Ring::node`");
    let lonely = ring(0, [5]);
    assert_eq!(
        lonely.node(7),
        Some(5),
        "at least one point a node; look at `Ring::add`"
    );
}

#[test]
fn task7_the_ring_closes_behind_its_last_point_and_a_point_is_its_own_nodes() {
    // With one point each, the points of the nodes 0, 1 and 2 are the mixes of these numbers.
    let mut points: Vec<(u64, u32)> = (0..3).map(|node| (mix(u64::from(node) << 32), node)).collect();
    points.sort_unstable();
    let ring = ring(1, 0..3);
    for (at, (point, node)) in points.iter().enumerate() {
        let next = points[(at + 1) % 3].1;
        assert_eq!(
            ring.node(*point),
            Some(*node),
            "at the point itself; look at `Ring::node`"
        );
        assert_eq!(
            ring.node(point + 1),
            Some(next),
            "right behind point {at} of three; look at `Ring::node`"
        );
    }
    assert_eq!(ring.node(0), Some(points[0].1), "look at `Ring::node`");
    assert_eq!(
        ring.node(u64::MAX),
        Some(points[0].1),
        "behind the last point comes the first; look at `Ring::node`"
    );
}

#[test]
fn task7_a_node_that_is_added_twice_or_was_never_there_changes_nothing() {
    let mut ring = ring(16, 0..4);
    let before = ring.clone();
    assert!(!ring.add(2), "node 2 is there; look at `Ring::add`");
    assert!(!ring.remove(9), "node 9 is not; look at `Ring::remove`");
    assert_eq!(ring, before, "nothing changed; look at `Ring::add`");
    assert!(ring.remove(2) && ring.add(2), "look at `Ring::remove`");
    assert_eq!(ring, before, "away and back; look at `Ring::remove`");
}

#[test]
fn task7_a_node_more_on_the_ring_gets_keys_and_nobody_else_does() {
    let hashes = hashes();
    let (before, after) = (ring(128, 0..12), ring(128, 0..13));
    for hash in &hashes {
        let (was, is) = (before.node(*hash), after.node(*hash));
        assert!(
            is == was || is == Some(12),
            "{was:?} to {is:?}: only node 12 gets any; look at `Ring::add`"
        );
    }
    let share = moved(&hashes, |hash| before.node(hash), |hash| after.node(hash));
    assert!((share - 1.0 / 13.0).abs() < 0.04, "{share} moved; look at `Ring::add`");
}

#[test]
fn task7_more_points_a_node_make_the_ring_more_even() {
    let hashes = hashes();
    let of = |points| {
        let ring = ring(points, 0..12);
        skew(&hashes, 12, |hash| ring.node(hash))
    };
    let (one, many) = (of(1), of(512));
    assert!(
        one > 1.7 && many < 1.2,
        "the fullest of twelve has {one} of its share with one point, {many} with 512; look at `Ring::add`"
    );
}

#[test]
fn task7_any_node_may_go_from_the_middle_and_its_keys_spread_over_the_others() {
    let hashes = hashes();
    let nodes: Vec<u64> = (0..12).collect();
    let without: Vec<u64> = nodes.iter().copied().filter(|node| *node != 5).collect();
    let whole = ring(128, 0..12);
    let mut less = whole.clone();
    less.remove(5);
    let mut heirs = [BTreeSet::new(), BTreeSet::new()];
    for hash in hashes {
        let places = [
            (heaviest(hash, &nodes), heaviest(hash, &without), "rendezvous"),
            (whole.node(hash), less.node(hash), "Ring::node"),
        ];
        for (heirs, (was, is, name)) in heirs.iter_mut().zip(places) {
            match was {
                Some(5) => heirs.extend(is),
                _ => assert_eq!(is, was, "only the keys of node 5 move; look at `{name}`"),
            }
        }
    }
    for (heirs, name) in heirs.iter().zip(["rendezvous", "Ring::add"]) {
        assert_eq!(
            heirs.len(),
            11,
            "its keys go to all others and not to one neighbour: {heirs:?}; look at `{name}`"
        );
    }
}

#[test]
fn task7_a_key_lies_on_the_same_node_in_every_program() {
    // The weights as they are defined, worked out elsewhere: what is stored by them is looked for by them years later.
    let nodes: Vec<u64> = (0..12).collect();
    let places: Vec<Option<usize>> = (0..8).map(|hash| rendezvous(hash, &nodes)).collect();
    assert_eq!(
        places,
        [5, 3, 0, 10, 9, 8, 7, 3].map(Some),
        "the mix of the hash and the mixed node; look at `rendezvous`"
    );
}

#[test]
fn task7_the_highest_weight_does_not_depend_on_the_order_of_the_nodes() {
    let hashes = hashes();
    let nodes: Vec<u64> = (0..12).collect();
    let turned: Vec<u64> = nodes.iter().rev().copied().collect();
    for hash in &hashes {
        assert_eq!(
            heaviest(*hash, &nodes),
            heaviest(*hash, &turned),
            "the same nodes in another order; look at `rendezvous`"
        );
    }
    let skew = skew(&hashes, 12, |hash| heaviest(hash, &nodes));
    assert!(skew < 1.15, "{skew}: as even as chance; look at `rendezvous`");
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn task7_the_ring_forgets_in_which_order_its_nodes_came(
        nodes in prop::collection::btree_set(0..50u32, 1..8),
        gone in prop::collection::btree_set(50..60u32, 0..4),
        points in 1..20u32,
        hash in any::<u64>(),
    ) {
        let straight = ring(points, nodes.iter().copied());
        let mut round = ring(points, gone.iter().chain(nodes.iter()).rev().copied());
        gone.iter().for_each(|node| assert!(round.remove(*node), "look at `Ring::remove`"));
        prop_assert_eq!(straight.node(hash), round.node(hash), "look at `Ring::add`");
        prop_assert_eq!(straight, round, "the same nodes; look at `Ring::add`");
    }
}
