//! Tests: where a log may begin, and that no record of it may be missing.

use super::*;

const RULES: Rules = Rules {
    bound_ms: 1_000,
    lateness_ms: 60_000,
    repeat_span_s: 3,
};

fn without_snapshot(first: i64) -> Partition {
    let start = Start {
        partition: 0,
        snapshot: None,
        first,
        prepared: None,
    };
    Partition::restore(start, RULES).unwrap()
}

#[test]
fn a_log_that_begins_after_what_is_delivered_has_a_hole() {
    let hole = without_snapshot(500).apply(600, None).unwrap_err();
    assert!(
        matches!(
            hole,
            ApplyError::Hole {
                expected: 500,
                found: 600,
                ..
            }
        ),
        "{hole}"
    );
    for begins in [0, 499, 500] {
        without_snapshot(500).apply(begins, None).unwrap();
    }
    without_snapshot(EARLIEST).apply(600, None).unwrap();
}

#[test]
fn a_log_that_begins_after_what_the_snapshot_holds_has_a_hole() {
    let mut before = without_snapshot(EARLIEST);
    for offset in 0..10 {
        before.apply(offset, None).unwrap();
    }
    before.cut().unwrap();
    let snapshot = before.snapshot().unwrap().unwrap();
    assert_eq!((snapshot.replay_from, snapshot.offset), (EARLIEST, 10));
    let with_snapshot = || {
        let start = Start {
            partition: 0,
            snapshot: Some(snapshot.clone()),
            first: 500,
            prepared: None,
        };
        Partition::restore(start, RULES).unwrap()
    };
    let hole = with_snapshot().apply(11, None).unwrap_err();
    assert!(
        matches!(
            hole,
            ApplyError::Hole {
                expected: 10,
                found: 11,
                ..
            }
        ),
        "{hole}"
    );
    for begins in [0, 9, 10] {
        with_snapshot().apply(begins, None).unwrap();
    }
}

#[test]
fn a_record_that_is_missing_in_the_middle_is_a_hole() {
    let mut partition = without_snapshot(EARLIEST);
    partition.apply(7, None).unwrap();
    partition.apply(8, None).unwrap();
    assert!(matches!(
        partition.apply(10, None),
        Err(ApplyError::Hole { expected: 9, .. })
    ));
}

#[test]
fn a_record_that_comes_again_is_not_applied_and_is_no_hole() {
    let mut partition = without_snapshot(EARLIEST);
    partition.apply(7, None).unwrap();
    partition.apply(8, None).unwrap();
    let again = partition.apply(7, None).unwrap_err();
    assert!(
        again.to_string().contains("gave offset 7 again where 9 was due"),
        "{again}"
    );
    partition.apply(9, None).unwrap();
}
