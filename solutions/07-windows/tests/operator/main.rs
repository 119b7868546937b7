//! What the operator fires, and what it still holds afterwards.

mod properties;

use windows::{
    Accumulation, Aggregate, Assigner, Config, Early, Firing, OperatorError, Overflow, Placed, SnapshotError, Sum,
    TimeDomain, Trigger, Window, WindowOperator,
};

type Operator = WindowOperator<&'static str, Sum>;
type Owned = WindowOperator<String, Sum>;

/// `(key, sum, start, end)` of each firing.
type Fired = Vec<(String, i64, i64, i64)>;

fn config(assigner: Assigner, lateness: i64) -> Config {
    Config {
        allowed_lateness: lateness,
        ..Config::new(assigner)
    }
}

fn tumbling(size: i64, lateness: i64) -> Config {
    config(Assigner::tumbling(size, 0).expect("valid"), lateness)
}

fn session(gap: i64, lateness: i64) -> Config {
    config(Assigner::session(gap).expect("valid"), lateness)
}

fn row<K: ToString>(firing: &Firing<'_, K, Sum>) -> (String, i64, i64, i64) {
    (
        firing.key.to_string(),
        firing.state.0,
        firing.window.start,
        firing.window.end,
    )
}

fn event(operator: &mut Operator, value: i64, time: i64) -> (Placed, Fired) {
    let mut fired = Vec::new();
    let placed = operator.on_event(&"k", &value, time, |firing| fired.push(row(&firing)));
    (placed.expect("a time and no overflow"), fired)
}

fn watermark(operator: &mut Operator, time: i64) -> Fired {
    let mut fired = Vec::new();
    operator.on_watermark(time, |firing| fired.push(row(&firing)));
    fired
}

fn k(sum: i64, start: i64, end: i64) -> (String, i64, i64, i64) {
    ("k".into(), sum, start, end)
}

#[test]
fn a_window_fires_when_the_watermark_reaches_its_last_millisecond_and_not_before() {
    let mut operator = Operator::new(tumbling(1000, 0)).expect("valid");
    event(&mut operator, 1, 0);
    event(&mut operator, 2, 999);
    assert_eq!(watermark(&mut operator, 998), []);
    assert_eq!(
        watermark(&mut operator, 999),
        [k(3, 0, 1000)],
        "end - 1 is enough, see Window::max_timestamp"
    );
    assert_eq!(
        (operator.open_windows(), operator.keys()),
        (0, 0),
        "fired and cleaned up: nothing may be left"
    );
    assert_eq!(watermark(&mut operator, i64::MAX), [], "nothing fires twice");
}

#[test]
fn a_watermark_that_goes_back_changes_nothing() {
    let mut operator = Operator::new(tumbling(1000, 0)).expect("valid");
    watermark(&mut operator, 5000);
    assert_eq!(watermark(&mut operator, 10), []);
    assert_eq!(operator.watermark(), 5000);
    assert!(event(&mut operator, 1, 3000).0.side_output);
}

#[test]
fn a_late_value_fires_its_window_again_at_once_until_the_clean_up() {
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
    assert_eq!(operator.open_windows(), 0);
    let (placed, fired) = event(&mut operator, 8, 300);
    assert_eq!(
        (placed.taken, placed.too_late, placed.side_output, fired),
        (0, 1, true, vec![])
    );
    assert_eq!(
        (operator.open_windows(), operator.keys()),
        (0, 0),
        "a late value leaves no state"
    );
}

#[test]
fn a_value_too_late_for_some_windows_is_kept_for_the_others_and_is_not_side_output() {
    let sliding = Assigner::sliding(3000, 1000, 0).expect("valid");
    let mut operator = Operator::new(config(sliding, 0)).expect("valid");
    watermark(&mut operator, 3000);
    let (placed, _) = event(&mut operator, 1, 2400);
    assert_eq!((placed.taken, placed.too_late, placed.side_output), (2, 1, false));
    let (placed, _) = event(&mut operator, 1, 100);
    assert_eq!((placed.taken, placed.too_late, placed.side_output), (0, 3, true));
}

#[test]
fn a_value_in_a_gap_between_sliding_windows_is_side_output_only_if_it_is_late() {
    let gaps = Assigner::sliding(1000, 3000, 0).expect("valid");
    let mut operator = Operator::new(config(gaps, 0)).expect("valid");
    let (placed, _) = event(&mut operator, 1, 1500);
    assert_eq!((placed.taken, placed.side_output), (0, false), "no window, but in time");
    watermark(&mut operator, 2000);
    assert!(event(&mut operator, 1, 1500).0.side_output);
    assert_eq!(operator.keys(), 0, "a value without a window must leave no key behind");
}

#[test]
fn a_huge_lateness_does_not_wrap_to_already_late() {
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
}

#[test]
fn discarding_says_only_what_came_since_the_last_firing() {
    let mut purging = tumbling(1000, 1000);
    purging.trigger.accumulation = Accumulation::Discarding;
    let mut operator = Operator::new(purging).expect("valid");
    event(&mut operator, 1, 100);
    assert_eq!(watermark(&mut operator, 999), [k(1, 0, 1000)]);
    let held: Vec<_> = operator
        .windows()
        .map(|(_, _, window, state)| (window, state.copied()))
        .collect();
    assert_eq!(
        held,
        [(Window::new(0, 1000), None)],
        "the window stays, its state does not"
    );
    assert_eq!(event(&mut operator, 2, 200).1, [k(2, 0, 1000)]);
    assert_eq!(
        watermark(&mut operator, 1999),
        [],
        "an empty window fires nothing at its clean-up"
    );
}

#[test]
fn a_late_bridge_joins_sessions_of_which_one_has_fired() {
    let mut operator = Operator::new(session(1000, 5000)).expect("valid");
    event(&mut operator, 1, 0);
    event(&mut operator, 2, 1800);
    assert_eq!(watermark(&mut operator, 1500), [k(1, 0, 1000)]);
    assert_eq!(event(&mut operator, 4, 900).1, [], "the merged session is still open");
    assert_eq!(operator.open_windows(), 1);
    assert_eq!(watermark(&mut operator, 2799), [k(7, 0, 2800)]);
    assert_eq!(watermark(&mut operator, 7799), []);
    assert_eq!(
        operator.open_windows(),
        0,
        "cleaned up by the merged session's own time"
    );
}

#[test]
fn a_session_that_grows_fires_once_at_its_last_end() {
    let mut operator = Operator::new(session(1000, 0)).expect("valid");
    for time in [0, 900, 1800, 2700] {
        event(&mut operator, 1, time);
    }
    assert_eq!(
        watermark(&mut operator, 3698),
        [],
        "the ends at 1000, 1900 and 2800 are void"
    );
    assert_eq!(watermark(&mut operator, 3699), [k(4, 0, 3700)]);
    assert_eq!(operator.open_windows(), 0);
}

#[test]
fn a_late_value_that_touches_no_held_session_is_dropped_and_merges_with_no_later_one() {
    let mut operator = Operator::new(session(1000, 0)).expect("valid");
    watermark(&mut operator, 5000);
    assert!(event(&mut operator, 1, 3000).0.side_output);
    assert!(event(&mut operator, 1, 3500).0.side_output);
    let (placed, _) = event(&mut operator, 1, 4500);
    assert_eq!(placed.taken, 1);
    assert_eq!(watermark(&mut operator, 6000), [k(1, 4500, 5500)]);
}

#[test]
fn several_sizes_fire_each_at_its_own_end() {
    let sizes = Assigner::multi_tumbling(&[1000, 3000]).expect("valid");
    let mut operator = Operator::new(config(sizes, 0)).expect("valid");
    event(&mut operator, 1, 500);
    event(&mut operator, 2, 1500);
    assert_eq!(watermark(&mut operator, 999), [k(1, 0, 1000)]);
    let (placed, _) = event(&mut operator, 4, 700);
    assert_eq!(
        (placed.taken, placed.too_late_lanes, placed.side_output),
        (1, 0b01, false)
    );
    assert_eq!(watermark(&mut operator, 2999), [k(2, 1000, 2000), k(7, 0, 3000)]);
}

#[test]
fn early_firings_show_what_changed_at_each_beat_of_the_watermark_and_never_repeat() {
    let mut early = tumbling(10_000, 5_000);
    early.trigger.early = Early::ChangedEvery(1000);
    let mut operator = Operator::new(early).expect("valid");
    event(&mut operator, 1, 500);
    assert_eq!(
        watermark(&mut operator, 600),
        [k(1, 0, 10_000)],
        "the first watermark is a beat"
    );
    event(&mut operator, 2, 700);
    assert_eq!(watermark(&mut operator, 999), [], "within the same second");
    assert_eq!(watermark(&mut operator, 1000), [k(3, 0, 10_000)]);
    assert_eq!(watermark(&mut operator, 2000), [], "nothing changed");
    assert_eq!(
        watermark(&mut operator, 9_999),
        [],
        "the end would repeat the last firing"
    );
    assert_eq!(event(&mut operator, 4, 800).1, [k(7, 0, 10_000)], "late: at once");
    assert_eq!(watermark(&mut operator, 14_999), []);
    assert_eq!(operator.open_windows(), 0);
}

#[test]
fn continuous_firings_keep_each_windows_own_cadence_changed_or_not() {
    let mut continuous = tumbling(10_000, 0);
    continuous.trigger.early = Early::ContinuousEvery(3000);
    let mut operator = Operator::new(continuous).expect("valid");
    event(&mut operator, 1, 1000);
    assert_eq!(watermark(&mut operator, 2999), []);
    assert_eq!(
        watermark(&mut operator, 6000),
        [k(1, 0, 10_000), k(1, 0, 10_000)],
        "at 3000 and at 6000"
    );
    assert_eq!(
        watermark(&mut operator, 9_999),
        [k(1, 0, 10_000), k(1, 0, 10_000)],
        "at 9000 and at the end"
    );
    assert_eq!(operator.open_windows(), 0);
}

#[test]
fn processing_time_goes_by_the_clock_and_knows_no_lateness() {
    let mut clocked = tumbling(1000, 0);
    clocked.domain = TimeDomain::Processing;
    let mut operator = Operator::new(clocked).expect("valid");
    assert!(
        matches!(operator.on_event(&"k", &1, 5, |_| ()), Err(OperatorError::Assign(_))),
        "no clock yet"
    );
    operator.on_processing_time(100, |_| panic!("nothing to fire"));
    watermark(&mut operator, i64::MAX);
    assert_eq!(
        event(&mut operator, 1, i64::MIN).0.taken,
        1,
        "the event's own time does not count"
    );
    let mut fired = Vec::new();
    operator.on_processing_time(999, |firing| fired.push(row(&firing)));
    assert_eq!(fired, [k(1, 0, 1000)]);
    assert_eq!(operator.open_windows(), 0);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    assert_eq!(
        Operator::new(tumbling(1000, -1)).err(),
        Some(OperatorError::Lateness(-1))
    );
    let mut early = tumbling(1000, 0);
    early.trigger.early = Early::ChangedEvery(0);
    assert_eq!(Operator::new(early.clone()).err(), Some(OperatorError::Cadence(0)));
    early.trigger.early = Early::ChangedEvery(1);
    early.domain = TimeDomain::Processing;
    assert_eq!(Operator::new(early).err(), Some(OperatorError::EarlyNeedsEventTime));
}

#[test]
fn a_sum_that_leaves_its_type_is_an_error_and_not_another_number() {
    let mut operator = Operator::new(tumbling(1000, 0)).expect("valid");
    event(&mut operator, i64::MAX, 1);
    let overflow = operator.on_event(&"k", &1, 2, |_| ());
    assert_eq!(overflow.err(), Some(OperatorError::Overflow(Overflow("sum"))));
    assert!(Sum(i64::MIN).merge(Sum(-1)).is_err());
}

#[test]
fn a_slot_that_goes_to_another_key_takes_nothing_of_the_old_one_along() {
    let mut operator = Operator::new(tumbling(1000, 0)).expect("valid");
    event(&mut operator, 1, 0);
    watermark(&mut operator, 999);
    let mut fired = Vec::new();
    for (key, value) in [("other", 5), ("k", 7)] {
        operator.on_event(&key, &value, 1500, |_| ()).expect("in time");
    }
    operator.on_watermark(1999, |firing| fired.push(row(&firing)));
    fired.sort();
    assert_eq!(fired, [k(7, 1000, 2000), ("other".into(), 5, 1000, 2000)]);
}

#[test]
fn bytes_that_are_no_snapshot_of_this_operator_are_a_typed_error() {
    let mut operator = Owned::new(session(10, 5)).expect("valid");
    operator.on_event(&"k".to_string(), &1, 0, |_| ()).expect("in time");
    let good = operator.snapshot().expect("encodable");
    for end in 0..good.len() {
        let cut = Owned::restore(session(10, 5), &good[..end]);
        assert!(matches!(cut, Err(SnapshotError::Garbage(_))), "cut to {end} bytes");
    }
    for at in 0..good.len() {
        let mut bent = good.clone();
        bent[at] ^= 0x10;
        assert!(Owned::restore(session(10, 5), &bent).is_err(), "byte {at} bent");
    }
    let other = Owned::restore(session(11, 5), &good);
    assert_eq!(other.err(), Some(SnapshotError::OtherConfiguration));
    assert!(Owned::restore(session(10, 5), &good).is_ok());
}

#[test]
fn no_key_is_lost_as_the_table_of_keys_grows() {
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
}
