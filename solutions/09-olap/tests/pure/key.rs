//! What a key spares a query, and the key that spares all of them the most.

use olap::{Access, CANDLES_ACCESSES, DISTINCT, Distinct, OlapError, TRADES_ACCESSES, order_key, share_read};
use proptest::prelude::*;

const COLUMNS: [Distinct; 4] = [("market", 100), ("interval", 4), ("time", 1_000_000), ("side", 2)];

fn access(equal: &'static [&'static str], range: Option<(&'static str, f64)>, weight: f64) -> Access {
    Access {
        name: "a query",
        equal,
        range,
        weight,
    }
}

#[track_caller]
fn reads(key: &[&str], access: &Access, wanted: f64) {
    let share = share_read(key, access, &COLUMNS);
    assert!(
        olap::same(share, wanted),
        "{access:?} in the order {key:?} reads a share of {share}, and {wanted} was to be; look at `share_read`"
    );
}

#[test]
fn task1_a_column_compared_with_one_value_leaves_one_of_its_values_and_the_key_goes_on() {
    let query = access(&["market", "interval"], None, 1.0);
    reads(&[], &query, 1.0);
    reads(&["market"], &query, 1.0 / 100.0);
    reads(&["interval", "market"], &query, 1.0 / 400.0);
    reads(&["interval", "unknown", "market"], &query, 1.0 / 4.0);
}

#[test]
fn task1_a_stretch_ends_the_matter() {
    let query = access(&["market"], Some(("time", 0.01)), 1.0);
    reads(&["market", "time"], &query, 0.0001);
    reads(&["time", "market"], &query, 0.01);
}

#[test]
fn task1_a_column_that_the_query_does_not_name_ends_it_as_well() {
    let query = access(&["market"], Some(("time", 0.01)), 1.0);
    reads(&["side", "market", "time"], &query, 1.0);
    reads(&["market", "side", "time"], &query, 0.01);
}

#[test]
fn task1_compared_with_one_value_and_ranged_a_column_counts_as_compared() {
    reads(&["time"], &access(&["time"], Some(("time", 0.5)), 1.0), 1e-6);
}

#[track_caller]
fn key(accesses: &[Access], identity: &[&'static str], wanted: &[&str]) {
    let found = order_key(accesses, &COLUMNS, identity).expect("these columns make a key");
    assert_eq!(found, wanted, "for {accesses:#?}; look at `order_key`");
}

#[test]
fn task1_equality_stands_before_a_stretch() {
    key(
        &[access(&["market"], Some(("time", 0.01)), 1.0)],
        &[],
        &["market", "time"],
    );
}

#[test]
fn task1_of_orders_that_read_the_same_the_one_with_fewer_values_first_is_taken() {
    key(
        &[access(&["market", "interval"], None, 1.0)],
        &[],
        &["interval", "market"],
    );
    key(
        &[access(&["interval", "market", "side"], None, 1.0)],
        &[],
        &["side", "interval", "market"],
    );
}

#[test]
fn task1_the_best_first_column_need_not_begin_the_best_key() {
    // By itself `market` leaves the least of the frequent query; but behind `interval` it does so too, and both are served.
    let queries = [
        access(&["market", "interval"], None, 10.0),
        access(&["interval"], None, 1.0),
    ];
    key(&queries, &[], &["interval", "market"]);
}

#[test]
fn task1_what_is_asked_often_outweighs_what_is_asked_once() {
    let queries = |often: f64| [access(&["market"], None, often), access(&["time"], None, 1.0)];
    key(&queries(1_000.0), &[], &["market"]);
    key(&queries(0.001), &[], &["time"]);
}

#[test]
fn task1_a_column_that_spares_nothing_is_not_kept_and_the_identity_makes_the_order_total() {
    let queries = [
        access(&["market"], Some(("time", 0.01)), 100.0),
        access(&["side"], None, 1.0),
    ];
    // Behind the stretch of time no column helps anybody.
    key(&queries, &["time", "id"], &["market", "time", "id"]);
    key(&[access(&[], None, 1.0)], &["id"], &["id"]);
    key(&[], &["b", "a"], &["b", "a"]);
}

#[test]
fn task1_without_columns_or_with_too_many_there_is_no_key() {
    let look = "look at `order_key`";
    assert!(
        matches!(order_key(&[], &COLUMNS, &[]), Err(OlapError::Key(0))),
        "{look}"
    );
    let seven = access(&["a", "b", "c", "d", "e", "f"], Some(("g", 0.5)), 1.0);
    assert!(
        matches!(order_key(&[seven], &COLUMNS, &["a"]), Err(OlapError::Key(7))),
        "{look}"
    );
    let six = access(&["a", "b", "c", "d", "e", "f"], None, 1.0);
    assert_eq!(
        order_key(&[six, six], &COLUMNS, &["a"]).ok().as_deref(),
        Some(&["a"][..]),
        "{look}"
    );
}

#[test]
fn task1_the_pipeline_s_tables_have_the_keys_of_their_queries() {
    let trades = order_key(&TRADES_ACCESSES, &DISTINCT, &["market", "event_time", "sequential_id"]);
    assert_eq!(
        trades.ok().as_deref(),
        Some(&["market", "event_time", "sequential_id"][..]),
        "trades; look at `order_key`"
    );
    let candles = order_key(&CANDLES_ACCESSES, &DISTINCT, &["start", "kafka_offset"]);
    assert_eq!(
        candles.ok().as_deref(),
        Some(&["interval", "market", "start", "kafka_offset"][..]),
        "candles; look at `order_key`"
    );
}

fn some_access() -> impl Strategy<Value = Access> {
    const SETS: [&[&str]; 5] = [&[], &["market"], &["interval", "market"], &["side"], &["side", "time"]];
    let range = prop_oneof![
        Just(None),
        Just(Some(("time", 0.01))),
        Just(Some(("market", 0.2))),
        Just(Some(("interval", 0.5)))
    ];
    (0..SETS.len(), range, 1..1_000_u32).prop_map(|(set, range, weight)| access(SETS[set], range, f64::from(weight)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, rng_seed: proptest::test_runner::RngSeed::Fixed(9), failure_persistence: None, ..ProptestConfig::default() })]

    /// Every order of up to four columns is tried here, in a way of its own.
    #[test]
    fn task1_no_other_key_lets_the_queries_read_less(accesses in prop::collection::vec(some_access(), 1..4)) {
        let read = |key: &[&str]| accesses.iter().map(|access| access.weight * share_read(key, access, &COLUMNS)).sum::<f64>();
        let found = order_key(&accesses, &COLUMNS, &["id"]).expect("a key");
        let names = ["market", "interval", "time", "side"];
        for number in 0..256 {
            let key: Vec<&str> = (0..4).map(|place| names[number >> (2 * place) & 3]).collect();
            let distinct = key.iter().collect::<std::collections::BTreeSet<_>>().len() == 4;
            prop_assert!(
                !distinct || read(&found) <= read(&key) * (1.0 + 1e-6),
                "{:?} reads {}, and {:?} only {}; look at `order_key`", found, read(&found), key, read(&key)
            );
        }
    }
}
