//! Which windows a time falls into.

use proptest::prelude::*;
use windows::{AssignError, Assigner, Sliding, Stagger, Tumbling, Window};

use super::{DAY, HOUR, seeded};

fn bounds(size: i64, offset: i64, time: i64) -> (i64, i64) {
    let window = Tumbling::new(size, offset).expect("valid").assign(time);
    (window.start, window.end)
}

#[test]
fn task1_a_time_before_the_epoch_falls_into_the_window_that_began_before_it() {
    assert_eq!(
        bounds(7, 0, -1),
        (-7, 0),
        "see start_of: -1 is the last millisecond of the window before the one that begins at 0"
    );
    assert_eq!(bounds(7, 0, -7), (-7, 0));
    assert_eq!(bounds(7, 0, -8), (-14, -7));
}

#[test]
fn task1_a_korean_day_begins_nine_hours_before_the_utc_one() {
    // 2024-01-01T00:30 in Korea is 2023-12-31T15:30 UTC.
    let time = 1_704_036_600_000;
    assert_eq!(
        bounds(DAY, -9 * HOUR, time).0,
        1_704_034_800_000,
        "the day must begin at 15:00 UTC, and on the day before"
    );
    assert_eq!(
        bounds(DAY, -9 * HOUR, 1_704_034_800_000 - 1).1,
        1_704_034_800_000,
        "its last millisecond is not its first"
    );
}

#[test]
fn task1_an_offset_as_long_as_the_window_is_refused() {
    for (size, offset) in [(1000, 1000), (1000, -1000), (0, 0), (-1000, 0), (i64::MAX, i64::MIN)] {
        assert_eq!(Tumbling::new(size, offset), Err(AssignError::Tumbling { size, offset }));
    }
    for (size, slide, offset) in [
        (0, 10, 0),
        (20, 0, 0),
        (20, -10, 0),
        (-20, 10, -1),
        (20, 10, 10),
        (20, 10, -11),
    ] {
        let refused = Err(AssignError::Sliding { size, slide, offset });
        assert_eq!(Sliding::new(size, slide, offset), refused);
    }
    assert_eq!(Assigner::session(0), Err(AssignError::Gap(0)));
    assert_eq!(Assigner::multi_tumbling(&[1, 2, 1]), Err(AssignError::Sizes));
}

#[test]
fn task1_a_minute_every_thirty_seconds_holds_each_time_twice_newest_first() {
    let sliding = Sliding::new(60_000, 30_000, 0).expect("valid");
    let windows: Vec<Window> = sliding.assign(65_000).collect();
    assert_eq!(
        windows,
        [Window::new(60_000, 120_000), Window::new(30_000, 90_000)],
        "see Slides::next"
    );
    let of_the_bound: Vec<Window> = sliding.assign(60_000).collect();
    assert_eq!(
        of_the_bound,
        [Window::new(60_000, 120_000), Window::new(30_000, 90_000)],
        "60,000 is the first millisecond after the window that began at 0"
    );
}

#[test]
fn task1_a_window_at_either_end_of_time_stops_there() {
    let window = Tumbling::new(1000, 0).expect("valid").assign(i64::MAX);
    assert_eq!(
        (window.start, window.end),
        (i64::MAX - 807, i64::MAX),
        "the end would be 193 later"
    );
    assert_eq!(
        Tumbling::new(1000, 0).expect("valid").assign(i64::MIN + 1).start,
        i64::MIN,
        "the start would be 192 earlier, see start_of"
    );
    let oldest = Sliding::new(i64::MAX, 1 << 62, 0)
        .expect("valid")
        .assign(i64::MIN + 5)
        .last();
    assert_eq!(
        oldest.map(|window| window.start),
        Some(i64::MIN),
        "no window starts before the beginning of time, see Slides::next"
    );
    let newest: Vec<i64> = Sliding::new(1000, 500, 0)
        .expect("valid")
        .assign(i64::MAX)
        .map(|window| window.start)
        .collect();
    assert_eq!(
        newest,
        [i64::MAX - 307, i64::MAX - 807],
        "both would end later and are cut at the end of time: that the end is cut says nothing of whether they hold it"
    );
    let oldest: Vec<i64> = Sliding::new(1024, 512, 0)
        .expect("valid")
        .assign(i64::MIN + 600)
        .map(|window| window.start)
        .collect();
    assert_eq!(
        oldest,
        [i64::MIN + 512, i64::MIN],
        "a window may start with time itself"
    );
}

#[test]
fn task1_the_grid_is_the_same_at_either_end_of_time() {
    for offset in [0, 500, -300, 999] {
        let tumbling = Tumbling::new(1000, offset).expect("valid");
        for time in [
            i64::MIN + 1,
            i64::MIN + 499,
            i64::MIN + 1_500,
            -1,
            0,
            i64::MAX - 499,
            i64::MAX,
        ] {
            let into = (i128::from(time) - i128::from(offset)).rem_euclid(1000);
            let start = (i128::from(time) - into).max(i128::from(i64::MIN));
            assert_eq!(
                i128::from(tumbling.assign(time).start),
                start,
                "time {time}, offset {offset}: see start_of, and what it subtracts from what"
            );
        }
    }
}

#[test]
fn task1_a_slide_longer_than_the_window_leaves_times_without_one() {
    let sliding = Sliding::new(1000, 3000, 0).expect("a slide may be longer");
    assert_eq!(sliding.assign(500).count(), 1);
    assert_eq!(
        sliding.assign(1500).count(),
        0,
        "1500 lies in the gap from 1000 to 3000"
    );
}

#[test]
fn task1_a_record_without_a_time_is_refused_except_by_sessions() {
    let mut tumbling = Assigner::tumbling(1000, 0).expect("valid");
    assert_eq!(tumbling.assign(i64::MIN, 0), Err(AssignError::NoTimestamp));
    let mut session = Assigner::session(1000).expect("valid");
    assert_eq!(
        session.assign(i64::MIN, 0),
        Ok(vec![Window::new(i64::MIN, i64::MIN + 1000)])
    );
}

#[test]
fn task1_a_natural_stagger_is_settled_by_the_first_record_and_then_stays() {
    let mut staggered = Assigner::tumbling(5000, 0).expect("valid").staggered(Stagger::Natural);
    assert_eq!(staggered.assign(150, 150), Ok(vec![Window::new(150, 5150)]));
    assert_eq!(
        staggered.assign(5149, 4999),
        Ok(vec![Window::new(150, 5150)]),
        "the clock counts only once"
    );
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn task1_every_time_has_one_tumbling_window_and_it_lies_in_it(
        size in 1..100_000i64, offset in -99_999..100_000i64, time in any::<i64>(),
    ) {
        prop_assume!(offset.abs() < size && time > i64::MIN + 2 * size && time < i64::MAX - 2 * size);
        let window = Tumbling::new(size, offset).expect("valid").assign(time);
        prop_assert!(window.contains(time), "{window:?} does not hold {time}");
        prop_assert_eq!(window.end - window.start, size);
        let from_offset = i128::from(window.start) - i128::from(offset);
        prop_assert_eq!(from_offset.rem_euclid(i128::from(size)), 0, "{:?} does not start on the grid", window);
    }

    #[test]
    fn task1_sliding_windows_are_all_that_hold_the_time_newest_first(
        size in 1..5_000i64, slide in 1..3_000i64, time in -20_000..20_000i64,
    ) {
        let windows: Vec<Window> = Sliding::new(size, slide, 0).expect("valid").assign(time).collect();
        let expected: Vec<Window> = (-30..30_000 / slide + 30)
            .map(|i| i * slide)
            .chain((1..30_000 / slide + 30).map(|i| -i * slide))
            .map(|start| Window::new(start, start + size))
            .filter(|window| window.contains(time))
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .rev()
            .collect();
        prop_assert_eq!(windows, expected);
    }

    #[test]
    fn task1_no_time_and_no_size_makes_the_arithmetic_wrap(size in 1..i64::MAX, offset in any::<i64>(), time in any::<i64>()) {
        if let Ok(tumbling) = Tumbling::new(size, offset) {
            let window = tumbling.assign(time);
            prop_assert!(window.start <= time && window.end >= time, "{:?} around {}", window, time);
        }
        if let Ok(sliding) = Sliding::new(size.min(10_000), 5_000, 0) {
            prop_assert!(sliding.assign(time).count() <= 2);
        }
    }
}
