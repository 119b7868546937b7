//! Which records are repeats, and what a restart must know to judge alike.

use market::{EventTime, Identity};
use proptest::prelude::*;
use windows::{Repeats, SnapshotError};

use super::seeded;

const SPAN: u32 = 3;

fn identity(market: u8, id: u64) -> Identity {
    Identity {
        market: format!("KRW-M{market}").parse().expect("a market code"),
        sequential_id: id,
    }
}

fn at(ms: i64) -> EventTime {
    EventTime::from_millis(ms)
}

#[test]
fn the_second_of_two_equal_records_is_a_repeat_in_its_own_market_only() {
    let mut repeats = Repeats::new(SPAN);
    assert!(!repeats.is_repeat(identity(0, 7), at(1_000), 0));
    assert!(repeats.is_repeat(identity(0, 7), at(1_000), 1));
    assert!(
        !repeats.is_repeat(identity(1, 7), at(1_000), 2),
        "ids are unique per market only"
    );
    assert_eq!(repeats.len(), 2);
}

#[test]
fn ids_out_of_order_are_recognised_too() {
    let mut repeats = Repeats::new(SPAN);
    for (offset, id) in [5, 3, 9, 1, 8].into_iter().enumerate() {
        assert!(
            !repeats.is_repeat(identity(0, id), at(1_000), offset as i64),
            "id {id} is new"
        );
    }
    for id in [1, 3, 5, 8, 9] {
        assert!(repeats.is_repeat(identity(0, id), at(1_000), 10), "id {id} was there");
    }
}

#[test]
fn task4_a_record_further_back_than_the_span_is_never_judged_and_never_remembered() {
    let mut repeats = Repeats::new(SPAN);
    assert!(!repeats.is_repeat(identity(0, 1), at(1_999), 0));
    assert!(!repeats.is_repeat(identity(0, 2), at(4_000), 1));
    assert!(
        repeats.is_repeat(identity(0, 1), at(1_999), 2),
        "second 1 is second 4 less the span"
    );
    assert!(!repeats.is_repeat(identity(0, 3), at(5_000), 3));
    assert!(
        !repeats.is_repeat(identity(0, 1), at(1_999), 4),
        "now it is too far back"
    );
    assert!(!repeats.is_repeat(identity(0, 1), at(1_999), 5), "and stays unknown");
    assert_eq!(repeats.len(), 2, "only what lies within the span is held, see forget");
}

#[test]
fn task4_what_is_remembered_is_bounded_by_the_span_however_long_the_log_is() {
    let mut repeats = Repeats::new(SPAN);
    for second in 0..1_000 {
        // Ids that begin anew each second: one of an old second must not make a new record a repeat.
        for id in [2, 1, 3] {
            let repeat = repeats.is_repeat(identity(0, id), at(second * 1_000), 0);
            assert!(
                !repeat,
                "id {id} in second {second}: see what a spare bucket still holds"
            );
        }
        let most = (SPAN as usize + 1) * 3;
        assert!(
            repeats.len() <= most,
            "{} ids after second {second}, see forget",
            repeats.len()
        );
    }
}

#[test]
fn bytes_that_are_no_snapshot_of_this_span_are_a_typed_error() {
    let mut repeats = Repeats::new(SPAN);
    repeats.is_repeat(identity(0, 1), at(1_000), 0);
    let bytes = repeats.snapshot(5).expect("encodable");
    assert_eq!(
        Repeats::restore(SPAN + 1, &bytes).err(),
        Some(SnapshotError::OtherConfiguration)
    );
    assert!(matches!(
        Repeats::restore(SPAN, &bytes[1..]),
        Err(SnapshotError::Garbage(_))
    ));
    assert!(matches!(Repeats::restore(SPAN, &[]), Err(SnapshotError::Garbage(_))));
}

type Log = Vec<(Identity, EventTime)>;

fn log() -> impl Strategy<Value = Log> {
    let record = (0..3u8, 0..40u64, 0..1_500i64, -6_000..1i64);
    prop::collection::vec(record, 1..150).prop_map(|raw| {
        let mut clock = 10_000;
        let place = |(market, id, step, behind): (u8, u64, i64, i64)| {
            clock += step / 4;
            (identity(market, id), at(clock + behind))
        };
        raw.into_iter().map(place).collect()
    })
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn task4_a_restart_from_any_snapshot_and_any_replay_judges_as_if_nothing_had_happened(
        log in log(), snapshot in any::<prop::sample::Index>(), replay in any::<prop::sample::Index>(),
    ) {
        let snapshot_at = snapshot.index(log.len() + 1);
        let replay_from = replay.index(snapshot_at + 1);
        let mut original = Repeats::new(SPAN);
        for (offset, (identity, time)) in log[..snapshot_at].iter().enumerate() {
            original.is_repeat(*identity, *time, offset as i64);
        }
        let bytes = original.snapshot(replay_from as i64).expect("encodable");
        let mut restored = Repeats::restore(SPAN, &bytes).expect("its own snapshot");
        for (offset, (identity, time)) in log.iter().enumerate().take(snapshot_at).skip(replay_from) {
            restored.rebuild(*identity, *time, offset as i64);
        }
        prop_assert_eq!(&original, &restored, "the sets differ");
        for (offset, (identity, time)) in log.iter().enumerate().skip(snapshot_at) {
            let (a, b) = (
                original.is_repeat(*identity, *time, offset as i64),
                restored.is_repeat(*identity, *time, offset as i64),
            );
            prop_assert_eq!(a, b, "at offset {}", offset);
        }
        prop_assert_eq!(original, restored);
    }

    #[test]
    fn task4_the_verdicts_are_those_of_the_rule_itself(log in log()) {
        let mut repeats = Repeats::new(SPAN);
        let second = |time: EventTime| time.millis().div_euclid(1000);
        let mut before: Log = Vec::new();
        for (offset, (identity, time)) in log.into_iter().enumerate() {
            let of_market = before.iter().filter(|(other, _)| other.market == identity.market);
            let newest = of_market.map(|(_, time)| second(*time)).max();
            let within = newest.is_none_or(|newest| second(time) >= newest - i64::from(SPAN));
            let seen = before.iter().any(|(other, then)| *other == identity && second(*then) == second(time));
            prop_assert_eq!(repeats.is_repeat(identity, time, offset as i64), within && seen, "at offset {}", offset);
            before.push((identity, time));
        }
    }
}
