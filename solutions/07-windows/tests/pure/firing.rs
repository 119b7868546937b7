//! When a window speaks, and what it says. All that fires is held on for an hour: clean-up is a task of its own.

use windows::{Accumulation, Aggregate, Assigner, Early, OperatorError, Overflow, Sum, TimeDomain, Window};

use super::{HOUR, Operator, config, event, held, k, row, session, tumbling, watermark};

#[test]
fn task3_the_last_millisecond_of_a_window_is_the_one_before_its_end() {
    assert_eq!(
        Window::new(0, 1000).max_timestamp(),
        999,
        "999 is in it and 1000 is not"
    );
    assert_eq!(
        Window::new(i64::MIN, i64::MIN).max_timestamp(),
        i64::MIN,
        "nothing is before the beginning of time"
    );
}

#[test]
fn task3_a_window_is_held_for_the_allowed_lateness_and_at_most_to_the_end_of_time() {
    let window = Window::new(0, 1000);
    assert_eq!(window.cleanup_time(0), 999);
    assert_eq!(window.cleanup_time(500), 1499);
    assert_eq!(
        window.cleanup_time(i64::MAX),
        i64::MAX,
        "wrapped round, every window would be over before it began"
    );
}

#[test]
fn task3_a_window_fires_when_the_watermark_reaches_its_last_millisecond_and_not_before() {
    let mut operator = Operator::new(tumbling(1000, HOUR)).expect("valid");
    event(&mut operator, 1, 0);
    event(&mut operator, 2, 999);
    assert_eq!(watermark(&mut operator, 998), []);
    assert_eq!(
        watermark(&mut operator, 999),
        [k(3, 0, 1000)],
        "a watermark of 999 says that nothing at or before 999 is to come, see Window::max_timestamp"
    );
    assert_eq!(watermark(&mut operator, HOUR), [], "nothing fires twice");
}

#[test]
fn task3_windows_fire_once_each_and_in_the_order_of_their_ends_however_far_the_watermark_jumps() {
    let mut operator = Operator::new(tumbling(1000, HOUR)).expect("valid");
    for (value, time) in [(1, 2_500), (2, 500), (4, 1_500), (8, 600)] {
        event(&mut operator, value, time);
    }
    let expected = [k(10, 0, 1000), k(4, 1000, 2000), k(1, 2000, 3000)];
    assert_eq!(
        watermark(&mut operator, 10_000),
        expected,
        "see Timers::set and Timers::pop"
    );
    assert_eq!(watermark(&mut operator, 20_000), []);
}

#[test]
fn task3_a_group_of_timers_stays_until_the_watermark_reaches_its_time() {
    let mut operator = Operator::new(tumbling(1000, HOUR)).expect("valid");
    event(&mut operator, 1, 500);
    event(&mut operator, 2, 1_500);
    assert_eq!(watermark(&mut operator, 999), [k(1, 0, 1000)]);
    assert_eq!(
        watermark(&mut operator, 1_998),
        [],
        "the next group is due at 1999: see what Timers::pop leaves as the earliest"
    );
    assert_eq!(watermark(&mut operator, 1_999), [k(2, 1000, 2000)]);
}

#[test]
fn task3_keys_whose_windows_end_together_all_fire() {
    let mut operator = Operator::new(tumbling(1000, HOUR)).expect("valid");
    for key in ["a", "b", "c"] {
        operator.on_event(&key, &1, 100, |_| ()).expect("in time");
    }
    let mut fired = Vec::new();
    operator.on_watermark(999, |firing| fired.push(row(&firing).0));
    fired.sort();
    assert_eq!(fired, ["a", "b", "c"], "one group holds an entry for each");
}

#[test]
fn task3_a_minute_without_values_says_nothing() {
    let mut operator = Operator::new(tumbling(60_000, HOUR)).expect("valid");
    event(&mut operator, 1, 30_000);
    event(&mut operator, 2, 150_000);
    let fired = watermark(&mut operator, 200_000);
    assert_eq!(
        fired,
        [k(1, 0, 60_000), k(2, 120_000, 180_000)],
        "there is no row for the minute between: a window begins with its first value"
    );
}

#[test]
fn task3_a_watermark_that_goes_back_changes_nothing() {
    let mut operator = Operator::new(tumbling(1000, HOUR)).expect("valid");
    watermark(&mut operator, 500);
    assert_eq!(watermark(&mut operator, 10), []);
    event(&mut operator, 1, 700);
    assert_eq!(operator.watermark(), 500);
    assert_eq!(watermark(&mut operator, 999), [k(1, 0, 1000)]);
}

#[test]
fn task3_several_sizes_fire_each_at_its_own_end() {
    let sizes = Assigner::multi_tumbling(&[1000, 3000]).expect("valid");
    let mut operator = Operator::new(config(sizes, HOUR)).expect("valid");
    event(&mut operator, 1, 500);
    event(&mut operator, 2, 1500);
    assert_eq!(watermark(&mut operator, 999), [k(1, 0, 1000)]);
    assert_eq!(watermark(&mut operator, 2999), [k(2, 1000, 2000), k(3, 0, 3000)]);
}

#[test]
fn task3_a_value_is_in_every_sliding_window_that_holds_its_time() {
    let sliding = Assigner::sliding(60_000, 30_000, 0).expect("valid");
    let mut operator = Operator::new(config(sliding, HOUR)).expect("valid");
    event(&mut operator, 1, 40_000);
    event(&mut operator, 2, 70_000);
    let expected = [k(1, 0, 60_000), k(3, 30_000, 90_000), k(2, 60_000, 120_000)];
    assert_eq!(
        watermark(&mut operator, 200_000),
        expected,
        "each window of a minute, every 30 s"
    );
}

#[test]
fn task3_an_accumulating_window_keeps_its_state_and_a_discarding_one_loses_it_with_each_firing() {
    let mut discarding = tumbling(1000, HOUR);
    discarding.trigger.accumulation = Accumulation::Discarding;
    for (config, left) in [(tumbling(1000, HOUR), Some(1)), (discarding, None)] {
        let mut operator = Operator::new(config).expect("valid");
        event(&mut operator, 1, 100);
        assert_eq!(watermark(&mut operator, 999), [k(1, 0, 1000)]);
        assert_eq!(
            held(&operator),
            [(Window::new(0, 1000), left)],
            "the window itself stays in both, see fire"
        );
    }
}

#[test]
fn task3_early_firings_show_what_changed_at_each_beat_of_the_watermark_and_never_repeat() {
    let mut early = tumbling(10_000, HOUR);
    early.trigger.early = Early::ChangedEvery(1000);
    let mut operator = Operator::new(early).expect("valid");
    event(&mut operator, 1, 500);
    let first = watermark(&mut operator, 600);
    assert_eq!(first, [k(1, 0, 10_000)], "the first watermark is a beat");
    event(&mut operator, 2, 700);
    assert_eq!(watermark(&mut operator, 999), [], "within the same second");
    assert_eq!(watermark(&mut operator, 1000), [k(3, 0, 10_000)]);
    assert_eq!(watermark(&mut operator, 2000), [], "nothing changed");
    let at_its_end = watermark(&mut operator, 9_999);
    assert_eq!(
        at_its_end,
        [],
        "the end would repeat the last firing, see what fire makes of `changed`"
    );
}

#[test]
fn task3_early_firings_that_discard_add_up_to_the_whole() {
    let mut early = tumbling(10_000, HOUR);
    early.trigger.early = Early::ChangedEvery(1000);
    early.trigger.accumulation = Accumulation::Discarding;
    let mut operator = Operator::new(early).expect("valid");
    let mut said = Vec::new();
    for (value, time) in [(1, 500), (2, 700), (4, 3_000), (8, 9_999)] {
        event(&mut operator, value, time);
        said.extend(watermark(&mut operator, time));
    }
    let sums: Vec<i64> = said.iter().map(|row| row.1).collect();
    assert_eq!(
        sums,
        [1, 6, 8],
        "each firing says what came since the last, and 2 + 4 came within a beat"
    );
}

#[test]
fn task3_continuous_firings_keep_each_windows_own_cadence_changed_or_not() {
    let mut continuous = tumbling(10_000, HOUR);
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
}

#[test]
fn task3_a_window_that_may_be_late_for_ever_is_never_cleaned_up() {
    let mut operator = Operator::new(tumbling(1000, i64::MAX)).expect("valid");
    event(&mut operator, 1, 0);
    assert_eq!(watermark(&mut operator, i64::MAX), [k(1, 0, 1000)]);
    assert_eq!(operator.open_windows(), 1, "the end of time is no clean-up");
}

#[test]
fn task3_a_sum_that_leaves_its_type_is_an_error_and_not_another_number() {
    let mut operator = Operator::new(tumbling(1000, HOUR)).expect("valid");
    event(&mut operator, i64::MAX, 1);
    let overflow = operator.on_event(&"k", &1, 2, |_| ());
    assert_eq!(overflow.err(), Some(OperatorError::Overflow(Overflow("sum"))));
    assert!(Sum(i64::MIN).merge(Sum(-1)).is_err());
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let refused = Operator::new(session(1000, -1)).err();
    assert_eq!(refused, Some(OperatorError::Lateness(-1)));
    let mut early = session(1000, 0);
    early.trigger.early = Early::ChangedEvery(0);
    assert_eq!(Operator::new(early.clone()).err(), Some(OperatorError::Cadence(0)));
    early.trigger.early = Early::ChangedEvery(1);
    early.domain = TimeDomain::Processing;
    assert_eq!(Operator::new(early).err(), Some(OperatorError::EarlyNeedsEventTime));
}
