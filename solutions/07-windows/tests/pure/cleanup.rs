//! When a window's state is gone, and a key's.

use proptest::prelude::*;
use windows::{Accumulation, Assigner, Early, Sum, TimeDomain, WindowOperator};

use super::{Operator, Owned, config, event, k, row, seeded, tumbling, watermark};

#[test]
fn task4_without_lateness_a_window_is_gone_with_its_firing_and_its_key_with_it() {
    let mut operator = Operator::new(tumbling(1000, 0)).expect("valid");
    event(&mut operator, 1, 0);
    assert_eq!((operator.open_windows(), operator.keys()), (1, 1));
    assert_eq!(watermark(&mut operator, 999), [k(1, 0, 1000)]);
    assert_eq!(
        (operator.open_windows(), operator.keys()),
        (0, 0),
        "fired and over: see Store::remove for the one, Store::release for the other"
    );
    assert_eq!(watermark(&mut operator, i64::MAX), [], "nothing fires twice");
}

#[test]
fn task4_a_window_is_held_until_the_watermark_reaches_its_clean_up_time_which_fires_nothing() {
    let mut operator = Operator::new(tumbling(1000, 500)).expect("valid");
    event(&mut operator, 1, 0);
    assert_eq!(watermark(&mut operator, 1498), [k(1, 0, 1000)]);
    assert_eq!(operator.open_windows(), 1, "one millisecond before the clean-up");
    assert_eq!(watermark(&mut operator, 1499), []);
    assert_eq!((operator.open_windows(), operator.keys()), (0, 0));
}

#[test]
fn task4_a_key_stays_as_long_as_one_of_its_windows_does() {
    let mut operator = Operator::new(tumbling(1000, 0)).expect("valid");
    event(&mut operator, 1, 0);
    event(&mut operator, 2, 5_000);
    assert_eq!(watermark(&mut operator, 999), [k(1, 0, 1000)]);
    assert_eq!((operator.open_windows(), operator.keys()), (1, 1));
    event(&mut operator, 4, 5_100);
    assert_eq!(
        watermark(&mut operator, 5_999),
        [k(6, 5000, 6000)],
        "a key that was forgotten too early begins anew"
    );
}

#[test]
fn task4_a_key_that_is_forgotten_is_in_no_snapshot() {
    let mut operator = Owned::new(tumbling(1000, 0)).expect("valid");
    for key in ["a", "b"] {
        operator.on_event(&key.to_owned(), &1, 0, |_| ()).expect("in time");
    }
    operator.on_watermark(999, |_| ());
    let mut empty = Owned::new(tumbling(1000, 0)).expect("valid");
    empty.on_watermark(999, |_| ());
    assert!(
        operator.snapshot() == empty.snapshot(),
        "a key without windows is written down for ever, see what Store::release does with its place in `keys`"
    );
}

#[test]
fn task4_a_slot_that_goes_to_another_key_takes_nothing_of_the_old_one_along() {
    let mut operator = Operator::new(tumbling(1000, 0)).expect("valid");
    event(&mut operator, 1, 0);
    watermark(&mut operator, 999);
    let mut fired = Vec::new();
    for (key, value) in [("other", 5), ("k", 7)] {
        operator.on_event(&key, &value, 1500, |_| ()).expect("in time");
    }
    operator.on_watermark(1999, |firing| fired.push(row(&firing)));
    fired.sort();
    assert_eq!(
        fired,
        [k(7, 1000, 2000), ("other".into(), 5, 1000, 2000)],
        "see the index in Store::release"
    );
}

#[test]
fn task4_there_are_as_many_slots_as_keys_at_once_however_many_come_and_go() {
    let mut operator = WindowOperator::<u64, Sum>::new(tumbling(1000, 0)).expect("valid");
    for key in 0..10_000 {
        let time = key as i64 * 500;
        operator.on_event(&key, &1, time, |_| ()).expect("in time");
        operator.on_watermark(time, |_| ());
        assert!(
            operator.keys() <= 3,
            "{} keys held at {time}, see Store::release",
            operator.keys()
        );
    }
    assert!(
        operator.slots() <= 3,
        "{} slots for 3 keys at once: see what Store::release does with a free slot",
        operator.slots()
    );
}

#[test]
fn task4_no_key_is_lost_as_the_table_of_keys_grows() {
    let mut operator = WindowOperator::<u32, Sum>::new(tumbling(1000, 0)).expect("valid");
    for round in 0..3 {
        for key in 0..1000 {
            operator.on_event(&key, &1, round, |_| ()).expect("in time");
        }
    }
    assert_eq!(
        (operator.keys(), operator.open_windows()),
        (1000, 1000),
        "see Store::add: how a slot is rehashed"
    );
    let mut sums = Vec::new();
    operator.on_watermark(999, |firing| sums.push(firing.state.0));
    assert_eq!(sums, [3; 1000]);
    assert_eq!((operator.keys(), operator.open_windows()), (0, 0));
}

#[test]
fn task4_by_the_clock_a_window_goes_when_it_speaks_whatever_lateness_is_allowed() {
    let mut clocked = tumbling(1000, 500);
    clocked.domain = TimeDomain::Processing;
    let mut operator = Operator::new(clocked).expect("valid");
    operator.on_processing_time(999, |_| panic!("nothing to fire"));
    event(&mut operator, 1, 0);
    let mut fired = Vec::new();
    operator.on_processing_time(1000, |firing| fired.push(row(&firing)));
    assert_eq!(
        (fired, operator.open_windows()),
        (vec![k(1, 0, 1000)], 0),
        "it came in the last millisecond: see next_timer, and whose clean-up time that asks"
    );
}

#[test]
fn task4_of_many_keys_that_go_together_none_takes_another_along() {
    let mut operator = WindowOperator::<u32, Sum>::new(tumbling(1000, 0)).expect("valid");
    for key in 0..10_000 {
        let time = if key % 2 == 0 { 500 } else { 5_500 };
        operator.on_event(&key, &1, time, |_| ()).expect("in time");
    }
    operator.on_watermark(999, |_| ());
    for key in (1..10_000).step_by(2) {
        operator.on_event(&key, &1, 5_600, |_| ()).expect("in time");
    }
    assert_eq!(
        (operator.keys(), operator.open_windows()),
        (5_000, 5_000),
        "two keys may have one hash: see how Store::release finds its own in the index"
    );
}

#[test]
fn task4_a_window_that_was_emptied_says_nothing_at_its_clean_up() {
    let mut discarding = tumbling(1000, 1000);
    discarding.trigger.accumulation = Accumulation::Discarding;
    let mut operator = Operator::new(discarding).expect("valid");
    event(&mut operator, 1, 100);
    assert_eq!(watermark(&mut operator, 999), [k(1, 0, 1000)]);
    assert_eq!(watermark(&mut operator, 1999), []);
    assert_eq!(operator.open_windows(), 0, "and is cleaned up all the same");
}

fn assigners() -> impl Strategy<Value = Assigner> {
    prop_oneof![
        (1..4000i64).prop_map(|size| Assigner::tumbling(size, 0)),
        // No longer than the window: a value between two windows asks what is late, which is the next task's.
        (1..4000i64, 500..3000i64).prop_map(|(size, slide)| Assigner::sliding(size, slide.min(size), 0)),
        Just(Assigner::multi_tumbling(&[1000, 3000, 700])),
    ]
    .prop_map(|assigner| assigner.expect("valid"))
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn task4_at_the_end_of_time_nothing_is_held_and_everything_in_time_was_said(
        assigner in assigners(), lateness in 0..4000i64, early in prop_oneof![Just(None), (1..2000i64).prop_map(Some)],
        events in prop::collection::vec((0..20u8, 1..100i64, 0..500i64), 1..80),
    ) {
        let mut config = config(assigner, lateness);
        config.trigger.early = early.map_or(Early::Never, Early::ChangedEvery);
        let mut operator = WindowOperator::<u8, Sum>::new(config).expect("valid");
        let (mut time, mut taken) = (0, 0);
        let mut last = std::collections::BTreeMap::new();
        for (key, value, step) in events {
            time += step;
            operator.on_watermark(time - 1, |firing| {
                last.insert((*firing.key, firing.lane, firing.window), firing.state.0);
            });
            let placed = operator.on_event(&key, &value, time, |_| ()).expect("in time");
            taken += i64::from(placed.taken) * value;
        }
        operator.on_watermark(i64::MAX - 1, |firing| {
            last.insert((*firing.key, firing.lane, firing.window), firing.state.0);
        });
        prop_assert_eq!(operator.open_windows(), 0, "state left over");
        prop_assert_eq!(operator.keys(), 0, "keys left over");
        prop_assert!(operator.slots() <= 20, "more slots than there ever were keys");
        prop_assert_eq!(last.values().sum::<i64>(), taken);
    }
}
