//! What is late, what of it is dropped, and what counts it.

use windows::{Accumulation, Assigner, OperatorError, Sum, TimeDomain, WindowOperator};

use super::{Operator, config, event, held, k, row, tumbling, watermark};

#[test]
fn task5_a_late_value_fires_its_window_again_at_once_until_the_clean_up() {
    let mut operator = Operator::new(tumbling(1000, 500)).expect("valid");
    event(&mut operator, 1, 100);
    assert_eq!(watermark(&mut operator, 999), [k(1, 0, 1000)]);
    assert_eq!(operator.open_windows(), 1, "kept for the allowed lateness");
    let (placed, fired) = event(&mut operator, 2, 200);
    assert_eq!((placed.taken, fired), (1, vec![k(3, 0, 1000)]));
    assert_eq!(watermark(&mut operator, 1498), []);
    assert_eq!(
        event(&mut operator, 4, 300).1,
        [k(7, 0, 1000)],
        "one millisecond before the clean-up"
    );
    assert_eq!(watermark(&mut operator, 1499), [], "the clean-up fires nothing");
    let (placed, fired) = event(&mut operator, 8, 300);
    assert_eq!(
        (placed.taken, placed.too_late, placed.side_output, fired),
        (0, 1, true, vec![]),
        "see is_over: at the clean-up time the state is gone"
    );
    assert_eq!(
        (operator.open_windows(), operator.keys()),
        (0, 0),
        "a late value leaves no state"
    );
}

#[test]
fn task5_a_window_that_nobody_saw_in_time_opens_late_and_fires_at_once() {
    let mut operator = Operator::new(tumbling(1000, 500)).expect("valid");
    watermark(&mut operator, 1200);
    assert_eq!(event(&mut operator, 1, 100).1, [k(1, 0, 1000)]);
    assert_eq!(watermark(&mut operator, 1499), []);
    assert_eq!(
        operator.open_windows(),
        0,
        "its only timer is the clean-up, see next_timer"
    );
}

#[test]
fn task5_a_value_behind_the_watermark_in_a_window_that_is_still_open_is_no_late_one() {
    let mut operator = Operator::new(tumbling(1000, 0)).expect("valid");
    watermark(&mut operator, 998);
    let (placed, fired) = event(&mut operator, 1, 100);
    assert_eq!((placed.taken, placed.side_output, fired), (1, false, vec![]));
    assert_eq!(
        watermark(&mut operator, 999),
        [k(1, 0, 1000)],
        "what counts is the window, not the value"
    );
    let (placed, _) = event(&mut operator, 1, 100);
    assert!(
        placed.side_output,
        "the same value again, and now its window is over: see is_over"
    );
}

#[test]
fn task5_late_values_leave_neither_a_key_nor_a_slot_each() {
    let mut operator = WindowOperator::<u32, Sum>::new(tumbling(1000, 0)).expect("valid");
    operator.on_watermark(5000, |_| ());
    for key in 0..1000 {
        let placed = operator.on_event(&key, &1, 100, |_| ()).expect("a time");
        assert!(placed.side_output, "see is_side_output");
    }
    assert_eq!((operator.keys(), operator.open_windows()), (0, 0));
    assert_eq!(
        operator.slots(),
        1,
        "a source that is a day behind must not fill the memory"
    );
}

#[test]
fn task5_a_value_too_late_for_some_windows_is_kept_for_the_others_and_is_not_side_output() {
    let sliding = Assigner::sliding(3000, 1000, 0).expect("valid");
    let mut operator = Operator::new(config(sliding, 0)).expect("valid");
    watermark(&mut operator, 3000);
    let (placed, _) = event(&mut operator, 1, 2400);
    assert_eq!((placed.taken, placed.too_late, placed.side_output), (2, 1, false));
    let (placed, _) = event(&mut operator, 1, 100);
    assert_eq!((placed.taken, placed.too_late, placed.side_output), (0, 3, true));
}

#[test]
fn task5_a_value_too_late_for_one_size_names_its_lane() {
    let sizes = Assigner::multi_tumbling(&[1000, 3000]).expect("valid");
    let mut operator = Operator::new(config(sizes, 0)).expect("valid");
    event(&mut operator, 1, 500);
    watermark(&mut operator, 999);
    let (placed, _) = event(&mut operator, 4, 700);
    assert_eq!(
        (placed.taken, placed.too_late_lanes, placed.side_output),
        (1, 0b01, false),
        "see Placed::refuse"
    );
    assert_eq!(watermark(&mut operator, 2999), [k(5, 0, 3000)]);
    let (placed, _) = event(&mut operator, 4, 700);
    assert_eq!((placed.too_late, placed.too_late_lanes), (2, 0b11));
    let mut sliding = Operator::new(config(Assigner::sliding(2000, 1000, 0).expect("valid"), 0)).expect("valid");
    watermark(&mut sliding, 9_000);
    let (placed, _) = event(&mut sliding, 1, 500);
    assert_eq!(
        (placed.too_late, placed.too_late_lanes),
        (2, 0b1),
        "two windows of one lane: see Placed::refuse"
    );
}

#[test]
fn task5_a_value_in_a_gap_between_sliding_windows_is_side_output_only_if_it_is_late() {
    let gaps = Assigner::sliding(1000, 3000, 0).expect("valid");
    let mut operator = Operator::new(config(gaps, 100)).expect("valid");
    let (placed, _) = event(&mut operator, 1, 1500);
    assert_eq!((placed.taken, placed.side_output), (0, false), "no window, but in time");
    watermark(&mut operator, 1599);
    assert!(
        !event(&mut operator, 1, 1500).0.side_output,
        "within the allowed lateness"
    );
    watermark(&mut operator, 1600);
    assert!(event(&mut operator, 1, 1500).0.side_output, "see is_side_output");
    assert_eq!(operator.keys(), 0, "a value without a window must leave no key behind");
}

#[test]
fn task5_a_huge_lateness_does_not_wrap_to_already_late() {
    let mut operator = Operator::new(tumbling(1000, i64::MAX)).expect("valid");
    event(&mut operator, 1, i64::MAX - 5_000);
    let end = i64::MAX - 3_000;
    assert_eq!(watermark(&mut operator, end).len(), 1);
    assert_eq!(
        event(&mut operator, 1, 0).1,
        [k(1, 0, 1000)],
        "nothing is ever too late"
    );
    assert_eq!(operator.open_windows(), 2, "and nothing is ever cleaned up");
    let mut gaps = Operator::new(config(Assigner::sliding(1, 5_000, 0).expect("valid"), i64::MAX)).expect("valid");
    watermark(&mut gaps, end);
    assert!(
        !event(&mut gaps, 1, 1_000).0.side_output,
        "time + lateness must not wrap round"
    );
}

#[test]
fn task5_discarding_says_of_late_values_only_what_came_since_the_last_firing() {
    let mut purging = tumbling(1000, 1000);
    purging.trigger.accumulation = Accumulation::Discarding;
    let mut operator = Operator::new(purging).expect("valid");
    event(&mut operator, 1, 100);
    assert_eq!(watermark(&mut operator, 999), [k(1, 0, 1000)]);
    assert_eq!(event(&mut operator, 2, 200).1, [k(2, 0, 1000)]);
    assert_eq!(
        event(&mut operator, 4, 200).1,
        [k(4, 0, 1000)],
        "a reader adds up: 1 + 2 + 4"
    );
    assert_eq!(held(&operator).len(), 1);
    assert_eq!(watermark(&mut operator, 1999), []);
}

#[test]
fn task5_processing_time_goes_by_the_clock_and_knows_no_lateness() {
    let mut clocked = tumbling(1000, 0);
    clocked.domain = TimeDomain::Processing;
    let mut operator = Operator::new(clocked).expect("valid");
    assert!(
        matches!(operator.on_event(&"k", &1, 5, |_| ()), Err(OperatorError::Assign(_))),
        "no clock yet"
    );
    operator.on_processing_time(100, |_| panic!("nothing to fire"));
    watermark(&mut operator, i64::MAX);
    let (placed, _) = event(&mut operator, 1, i64::MIN);
    assert_eq!(
        (placed.taken, placed.side_output),
        (1, false),
        "the event's own time does not count, see is_over"
    );
    let mut fired = Vec::new();
    operator.on_processing_time(999, |firing| fired.push(row(&firing)));
    assert_eq!(fired, [k(1, 0, 1000)]);
    assert_eq!(operator.open_windows(), 0);

    let mut gaps = config(Assigner::sliding(1000, 3000, 0).expect("valid"), 0);
    gaps.domain = TimeDomain::Processing;
    let mut operator = Operator::new(gaps).expect("valid");
    operator.on_processing_time(1500, |_| panic!("nothing to fire"));
    watermark(&mut operator, i64::MAX);
    let (placed, _) = event(&mut operator, 1, 0);
    assert_eq!(
        (placed.taken, placed.side_output),
        (0, false),
        "between two windows, and by the clock nothing is late: see is_side_output"
    );
}
