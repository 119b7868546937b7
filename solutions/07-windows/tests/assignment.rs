//! Which windows a time falls into.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use windows::{AssignError, Assigner, MergingWindowSet, Sliding, Stagger, Tumbling, Window, merge_windows};

fn tumbling(size: i64, offset: i64, time: i64) -> (i64, i64) {
    let window = Tumbling::new(size, offset).expect("valid").assign(time);
    (window.start, window.end)
}

#[test]
fn a_time_before_the_epoch_falls_into_the_window_that_began_before_it() {
    assert_eq!(tumbling(7, 0, -1), (-7, 0), "see start_of: `%` would give 0");
    assert_eq!(tumbling(7, 0, -7), (-7, 0));
    assert_eq!(tumbling(7, 0, -8), (-14, -7));
}

#[test]
fn a_korean_day_begins_nine_hours_before_the_utc_one() {
    let (day, hour) = (86_400_000, 3_600_000);
    // 2024-01-01T00:30 in Korea is 2023-12-31T15:30 UTC.
    let time = 1_704_036_600_000;
    assert_eq!(
        tumbling(day, -9 * hour, time).0,
        1_704_034_800_000,
        "the day must begin at 15:00 UTC"
    );
}

#[test]
fn an_offset_as_long_as_the_window_is_refused() {
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
fn a_slide_longer_than_the_window_leaves_times_without_one() {
    let sliding = Sliding::new(1000, 3000, 0).expect("a slide may be longer");
    assert_eq!(sliding.assign(500).count(), 1);
    assert_eq!(
        sliding.assign(1500).count(),
        0,
        "1500 lies in the gap from 1000 to 3000"
    );
}

#[test]
fn a_record_without_a_time_is_refused_except_by_sessions() {
    let mut tumbling = Assigner::tumbling(1000, 0).expect("valid");
    assert_eq!(tumbling.assign(i64::MIN, 0), Err(AssignError::NoTimestamp));
    let mut session = Assigner::session(1000).expect("valid");
    assert_eq!(
        session.assign(i64::MIN, 0),
        Ok(vec![Window::new(i64::MIN, i64::MIN + 1000)])
    );
}

#[test]
fn a_natural_stagger_is_settled_by_the_first_record_and_then_stays() {
    let mut staggered = Assigner::tumbling(5000, 0).expect("valid").staggered(Stagger::Natural);
    assert_eq!(staggered.assign(150, 150), Ok(vec![Window::new(150, 5150)]));
    assert_eq!(
        staggered.assign(5149, 4999),
        Ok(vec![Window::new(150, 5150)]),
        "the clock counts only once"
    );
}

#[test]
fn windows_that_touch_are_one_and_a_point_touches_too() {
    let window = Window::new;
    let merges = merge_windows(&[window(5, 8), window(0, 3), window(3, 3), window(8, 9), window(20, 21)]);
    let targets: Vec<Window> = merges.iter().map(|merge| merge.target).collect();
    assert_eq!(targets, [window(0, 3), window(5, 9)]);
    assert_eq!(merges[0].sources, [window(0, 3), window(3, 3)]);
}

#[test]
fn a_bridge_merges_everything_it_touches_into_one() {
    let window = Window::new;
    let mut set = MergingWindowSet::default();
    for (start, end) in [(0, 3), (5, 8), (10, 13)] {
        assert!(!set.add(window(start, end)).merged());
    }
    let added = set.add(window(3, 10));
    assert_eq!(added.window, window(0, 13));
    assert_eq!(added.sources, [window(0, 3), window(5, 8), window(10, 13)]);
    assert_eq!(set.windows().collect::<Vec<_>>(), [window(0, 13)]);
    assert!(!set.add(window(1, 2)).merged(), "a window inside changes nothing");
    assert!(set.retire(window(0, 13)) && set.windows().next().is_none());
}

/// The same cases in every run.
fn seeded() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::with_cases(512)
    }
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn every_time_has_one_tumbling_window_and_it_lies_in_it(
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
    fn sliding_windows_are_all_that_hold_the_time_newest_first(
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
    fn no_time_and_no_size_makes_the_arithmetic_wrap(size in 1..i64::MAX, offset in any::<i64>(), time in any::<i64>()) {
        if let Ok(tumbling) = Tumbling::new(size, offset) {
            let window = tumbling.assign(time);
            prop_assert!(window.start <= time && window.end >= time, "{:?} around {}", window, time);
        }
        prop_assert!(Window::new(time, time).cleanup_time(size) >= time.saturating_sub(1));
        if let Ok(sliding) = Sliding::new(size.min(10_000), 5_000, 0) {
            prop_assert!(sliding.assign(time).count() <= 2);
        }
    }

    #[test]
    fn merging_one_by_one_comes_to_the_same_as_merging_at_once(
        starts in prop::collection::vec((0..60i64, 1..8i64), 1..20),
    ) {
        let windows: Vec<Window> = starts.iter().map(|(start, length)| Window::new(*start, start + length)).collect();
        let mut set = MergingWindowSet::default();
        windows.iter().for_each(|window| drop(set.add(*window)));
        let mut at_once: Vec<Window> = windows.clone();
        at_once.sort_unstable();
        at_once.dedup();
        for merge in merge_windows(&windows) {
            at_once.retain(|window| !merge.sources.contains(window));
            at_once.push(merge.target);
        }
        at_once.sort_unstable();
        prop_assert_eq!(set.windows().collect::<Vec<_>>(), at_once);
    }
}
