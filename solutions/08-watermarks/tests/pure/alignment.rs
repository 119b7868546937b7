//! Which inputs are held back, and which may go on.

use market::EventTime;
use proptest::prelude::*;
use watermarks::{Alignment, AlignmentError, Changes, Reading};

use super::{at, seeded};

fn aligned(pause_ms: i64, resume_ms: i64) -> Alignment {
    Alignment::new(pause_ms, resume_ms).expect("bounds that make sense; look at `Alignment::new`")
}

/// An input that is read.
fn read(id: u8, watermark: i64) -> Reading<u8> {
    Reading {
        id,
        watermark: at(watermark),
        idle: false,
        paused: false,
    }
}

fn paused(id: u8, watermark: i64) -> Reading<u8> {
    Reading {
        paused: true,
        ..read(id, watermark)
    }
}

fn idle(input: Reading<u8>) -> Reading<u8> {
    Reading { idle: true, ..input }
}

fn changes(pause: &[u8], resume: &[u8]) -> Changes<u8> {
    Changes {
        pause: pause.to_vec(),
        resume: resume.to_vec(),
    }
}

#[test]
fn task4_bounds_that_make_no_sense_are_refused() {
    let look = "look at `Alignment::new`";
    assert_eq!(Alignment::new(-1, 0), Err(AlignmentError::Negative(-1)), "{look}");
    assert_eq!(Alignment::new(5, -2), Err(AlignmentError::Negative(-2)), "{look}");
    assert_eq!(
        Alignment::new(-1, -2),
        Err(AlignmentError::Negative(-1)),
        "the first of the two; {look}"
    );
    let crossed = AlignmentError::Crossed {
        pause_ms: 5,
        resume_ms: 6,
    };
    assert_eq!(Alignment::new(5, 6), Err(crossed), "{look}");
    assert!(
        Alignment::new(5, 5).is_ok() && Alignment::new(0, 0).is_ok(),
        "equal bounds are allowed; {look}"
    );
}

#[test]
fn task4_what_is_further_ahead_than_the_bound_is_paused() {
    let alignment = aligned(100, 100);
    let inputs = [read(0, 1_101), read(1, 1_000), read(2, 1_100), read(3, 5_000)];
    assert_eq!(
        alignment.limit(&inputs),
        Some(at(1_100)),
        "100 ms after the slowest; look at `limit`"
    );
    assert_eq!(
        alignment.decide(&inputs),
        changes(&[0, 3], &[]),
        "exactly at the limit is still read, 1 ms further is not; look at `decide`"
    );
}

#[test]
fn task4_between_the_two_bounds_everything_stays_as_it_is() {
    let alignment = aligned(100, 40);
    assert_eq!(
        alignment.decide(&[read(0, 0), read(1, 41), paused(2, 41), read(3, 100), paused(4, 100)]),
        changes(&[], &[]),
        "a paused input between the bounds stays paused, one that is read is read on; look at the bounds in `decide`"
    );
    assert_eq!(
        alignment.decide(&[read(0, 0), paused(1, 40), paused(2, 41), read(3, 101), paused(4, 101)]),
        changes(&[3], &[1]),
        "exactly at the lower bound a paused input goes on; one that is paused already is not paused again; look at `decide`"
    );
}

#[test]
fn task4_an_input_that_has_not_begun_holds_back_all_that_have() {
    let alignment = aligned(100, 40);
    let inputs = [read(0, i64::MIN), read(1, 0), read(2, 90)];
    assert_eq!(
        alignment.limit(&inputs),
        Some(at(i64::MIN + 100)),
        "the one that has not begun is the slowest; look at `limit`"
    );
    assert_eq!(
        alignment.decide(&inputs),
        changes(&[1, 2], &[]),
        "look at which inputs count in `decide`"
    );
    assert_eq!(
        alignment.decide(&[read(0, 60), paused(1, 0), paused(2, 90)]),
        changes(&[], &[1]),
        "now it has begun, 1 is the slowest and 2 is 90 ms ahead of it; look at `decide`"
    );
}

#[test]
fn task4_a_paused_input_counts_and_goes_on_when_it_has_become_the_slowest() {
    let alignment = aligned(100, 40);
    let inputs = [paused(0, 500), read(1, 590), read(2, 601)];
    assert_eq!(
        alignment.limit(&inputs),
        Some(at(600)),
        "the slowest is paused, and the slowest all the same; look at `limit`"
    );
    assert_eq!(
        alignment.decide(&inputs),
        changes(&[2], &[0]),
        "look at which inputs count in `decide`"
    );
}

#[test]
fn task4_an_idle_input_neither_holds_others_back_nor_is_held_back() {
    let alignment = aligned(100, 40);
    let inputs = [
        idle(read(0, i64::MIN)),
        read(1, 1_000),
        read(2, 1_050),
        idle(read(3, 9_000)),
    ];
    assert_eq!(
        alignment.limit(&inputs),
        Some(at(1_100)),
        "idle inputs do not count; look at `limit`"
    );
    assert_eq!(
        alignment.decide(&inputs),
        changes(&[], &[]),
        "look at idle inputs in `decide`"
    );
    assert_eq!(
        alignment.decide(&[read(1, 1_000), idle(paused(3, 9_000))]),
        changes(&[], &[3]),
        "paused it would never get the record that wakes it; look at idle inputs in `decide`"
    );
}

#[test]
fn task4_without_active_inputs_nothing_is_held_back() {
    let alignment = aligned(100, 40);
    assert_eq!(alignment.limit::<u8>(&[]), None, "nobody to wait for; look at `limit`");
    assert_eq!(alignment.decide::<u8>(&[]), changes(&[], &[]), "look at `decide`");
    let all_idle = [idle(paused(0, 0)), idle(read(1, 5_000)), idle(paused(2, 5_000))];
    assert_eq!(alignment.limit(&all_idle), None, "all are idle; look at `limit`");
    assert_eq!(
        alignment.decide(&all_idle),
        changes(&[], &[0, 2]),
        "all are read again; look at `decide`"
    );
}

#[test]
fn task4_at_the_end_of_time_the_bounds_stop_instead_of_wrapping_round() {
    let alignment = aligned(100, 40);
    let inputs = [
        read(0, i64::MAX - 50),
        read(1, i64::MAX),
        paused(2, i64::MAX),
        paused(3, i64::MAX - 10),
    ];
    assert_eq!(
        alignment.limit(&inputs),
        Some(EventTime::MAX),
        "look at the addition in `limit`"
    );
    assert_eq!(
        alignment.decide(&inputs),
        changes(&[], &[3]),
        "2 is 50 ms ahead, more than 40, and stays paused; 3 is 40 ms ahead; look at the additions in `decide`"
    );
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn task4_one_input_is_always_read_none_beyond_the_limit_is_and_a_second_decision_changes_nothing(
        (low, gap) in (0..60i64, 0..60i64),
        inputs in prop::collection::vec((0..200i64, any::<bool>(), any::<bool>()), 1..8),
    ) {
        let alignment = aligned(low + gap, low);
        let mut inputs: Vec<Reading<u8>> = (0u8..).zip(inputs).map(|(id, (watermark, idle, paused))| Reading {
            id, watermark: at(watermark), idle, paused,
        }).collect();
        let first = alignment.decide(&inputs);
        for input in &mut inputs {
            let (pause, resume) = (first.pause.contains(&input.id), first.resume.contains(&input.id));
            prop_assert!(!pause || !input.paused, "{input:?} is paused already; look at `decide`");
            prop_assert!(!resume || input.paused, "{input:?} is read already; look at `decide`");
            input.paused = pause || (input.paused && !resume);
        }
        prop_assert!(inputs.iter().any(|input| !input.paused), "nothing is read any more: {inputs:?}; look at `decide`");
        let limit = alignment.limit(&inputs);
        for input in inputs.iter().filter(|input| !input.paused && !input.idle) {
            prop_assert!(limit.is_some_and(|limit| input.watermark <= limit), "{input:?} is beyond {limit:?}; look at `decide`");
        }
        prop_assert_eq!(alignment.decide(&inputs), changes(&[], &[]), "a decision must settle; look at `decide`");
    }
}
