//! Sessions: windows that grow together.

use proptest::prelude::*;
use windows::{MergingWindowSet, Window, merge_windows};

use super::{Fired, Operator, event, held, k, seeded, session, watermark};

#[test]
fn windows_that_touch_are_one_and_a_point_touches_too() {
    let window = Window::new;
    let merges = merge_windows(&[window(5, 8), window(0, 3), window(3, 3), window(8, 9), window(20, 21)]);
    let targets: Vec<Window> = merges.iter().map(|merge| merge.target).collect();
    assert_eq!(targets, [window(0, 3), window(5, 9)]);
    assert_eq!(merges[0].sources, [window(0, 3), window(3, 3)]);
}

#[test]
fn task6_a_bridge_merges_everything_it_touches_into_one() {
    let window = Window::new;
    let mut set = MergingWindowSet::default();
    for (start, end) in [(0, 3), (5, 8), (10, 13)] {
        assert!(!set.add(window(start, end)).merged());
    }
    let added = set.add(window(3, 10));
    assert_eq!(added.window, window(0, 13));
    assert_eq!(added.sources, [window(0, 3), window(5, 8), window(10, 13)]);
    assert_eq!(set.windows().collect::<Vec<_>>(), [window(0, 13)], "see touching");
    assert!(!set.add(window(1, 2)).merged(), "a window inside changes nothing");
    assert!(set.retire(window(0, 13)) && set.windows().next().is_none());
}

#[test]
fn task6_windows_that_touch_at_either_end_are_one_and_a_millisecond_between_keeps_them_apart() {
    let window = Window::new;
    for (other, merged) in [
        (window(0, 9), false),
        (window(0, 10), true),
        (window(20, 25), true),
        (window(21, 25), false),
    ] {
        let mut set = MergingWindowSet::default();
        set.add(window(10, 20));
        assert_eq!(
            set.add(other).merged(),
            merged,
            "{other:?} beside [10, 20), see touching"
        );
    }
}

#[test]
fn task6_a_window_that_touches_none_goes_to_its_place_among_the_others() {
    let mut set = MergingWindowSet::default();
    let mut expected = Vec::new();
    for start in [50, 10, 30, 70, 20] {
        set.add(Window::new(start, start + 5));
        expected.push(Window::new(start, start + 5));
        expected.sort();
        assert_eq!(
            set.windows().collect::<Vec<_>>(),
            expected,
            "an empty range begins where the window belongs"
        );
    }
}

#[test]
fn task6_a_quiet_stretch_ends_a_session_and_a_gap_of_exactly_that_length_does_not() {
    let mut operator = Operator::new(session(1000, 0)).expect("valid");
    for (value, time) in [(1, 0), (2, 1000), (4, 2001)] {
        event(&mut operator, value, time);
    }
    let expected = [k(3, 0, 2000), k(4, 2001, 3001)];
    assert_eq!(
        watermark(&mut operator, 5000),
        expected,
        "0 and 1000 touch, 1000 and 2001 do not"
    );
}

#[test]
fn task6_sessions_of_different_keys_never_meet() {
    let mut operator = Operator::new(session(1000, 0)).expect("valid");
    operator.on_event(&"a", &1, 0, |_| ()).expect("in time");
    operator.on_event(&"b", &2, 500, |_| ()).expect("in time");
    let mut fired = Vec::new();
    operator.on_watermark(2000, |firing| fired.push((*firing.key, firing.window.end)));
    assert_eq!(fired, [("a", 1000), ("b", 1500)]);
}

#[test]
fn task6_values_out_of_order_make_the_same_session() {
    let mut operator = Operator::new(session(1000, 0)).expect("valid");
    for (value, time) in [(1, 1800), (2, 0), (4, 900)] {
        event(&mut operator, value, time);
    }
    assert_eq!(
        held(&operator),
        [(Window::new(0, 2800), Some(7))],
        "the last one joins the two others"
    );
    assert_eq!(
        watermark(&mut operator, 2798),
        [],
        "the session ends at the newest value and a gap"
    );
    assert_eq!(watermark(&mut operator, 2799), [k(7, 0, 2800)]);
    assert_eq!((operator.open_windows(), operator.keys()), (0, 0));
}

#[test]
fn task6_a_value_within_a_session_moves_nothing_but_its_state() {
    let mut operator = Operator::new(session(1000, 0)).expect("valid");
    event(&mut operator, 1, 0);
    event(&mut operator, 2, 900);
    event(&mut operator, 4, 500);
    assert_eq!(held(&operator), [(Window::new(0, 1900), Some(7))]);
    assert_eq!(watermark(&mut operator, 1899), [k(7, 0, 1900)]);
}

#[test]
fn task6_a_session_that_has_ended_grows_again_while_it_is_held() {
    let mut operator = Operator::new(session(1000, 5000)).expect("valid");
    event(&mut operator, 1, 0);
    assert_eq!(watermark(&mut operator, 1200), [k(1, 0, 1000)]);
    assert_eq!(
        event(&mut operator, 2, 150).1,
        [k(3, 0, 1150)],
        "late, and it ends at 1150 even so: at once"
    );
    assert_eq!(
        event(&mut operator, 4, 600).1,
        [],
        "now it ends at 1600, which is still to come"
    );
    assert_eq!(
        watermark(&mut operator, 1599),
        [k(7, 0, 1600)],
        "a session may fire under several bounds"
    );
    assert_eq!(watermark(&mut operator, 6599), []);
    assert_eq!(operator.open_windows(), 0);
}

#[test]
fn task6_an_older_value_brings_the_end_of_nothing_forward_but_may_open_an_earlier_session() {
    let mut operator = Operator::new(session(1000, 0)).expect("valid");
    event(&mut operator, 1, 5000);
    event(&mut operator, 2, 1000);
    assert_eq!(watermark(&mut operator, 1999), [k(2, 1000, 2000)]);
    assert_eq!(watermark(&mut operator, 5999), [k(1, 5000, 6000)]);
}

#[test]
fn task6_a_late_bridge_joins_sessions_of_which_one_has_fired() {
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
fn task6_a_session_that_grows_fires_once_at_its_last_end() {
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
fn task6_a_late_value_that_touches_no_held_session_is_dropped_and_merges_with_no_later_one() {
    let mut operator = Operator::new(session(1000, 0)).expect("valid");
    watermark(&mut operator, 5000);
    assert!(event(&mut operator, 1, 3000).0.side_output);
    assert!(event(&mut operator, 1, 3500).0.side_output);
    let (placed, _) = event(&mut operator, 1, 4500);
    assert_eq!(placed.taken, 1);
    assert_eq!(watermark(&mut operator, 6000), [k(1, 4500, 5500)]);
}

#[test]
fn task6_a_late_value_is_kept_if_the_session_that_it_becomes_is_not_late() {
    let mut operator = Operator::new(session(1000, 0)).expect("valid");
    event(&mut operator, 1, 5000);
    watermark(&mut operator, 5500);
    let (placed, fired) = event(&mut operator, 2, 4300);
    assert_eq!(
        (placed.taken, fired),
        (1, vec![]),
        "[4300, 5300) alone is over at 5500; what counts is [4300, 6000)"
    );
    assert_eq!(watermark(&mut operator, 5999), [k(3, 4300, 6000)]);
    let (placed, _) = event(&mut operator, 4, 4300);
    assert_eq!(
        (placed.taken, placed.too_late_lanes, placed.side_output),
        (0, 1, true),
        "and now nothing holds it"
    );
}

/// Flink's rules for the sessions of one key, over a plain list: what is taken, what is too late, what is said.
struct Plain {
    gap: i64,
    lateness: i64,
    watermark: i64,
    held: Vec<(Window, i64)>,
}

impl Plain {
    /// Whether the value is taken, whether it goes into the side output, and what is said at once.
    fn event(&mut self, value: i64, time: i64) -> (bool, bool, Fired) {
        let opened = Window::new(time, time + self.gap);
        let (touched, apart): (Vec<_>, Vec<_>) = self.held.iter().partition(|(window, _)| window.intersects(opened));
        let (window, sum) = touched.iter().fold((opened, value), |(window, sum), (other, more)| {
            (window.cover(*other), sum + more)
        });
        if window.end - 1 + self.lateness <= self.watermark {
            return (false, time + self.lateness <= self.watermark, Fired::new());
        }
        self.held = apart;
        self.held.push((window, sum));
        self.held.sort();
        let ended = window.end - 1 <= self.watermark;
        let said = ended.then(|| k(sum, window.start, window.end));
        (true, false, said.into_iter().collect())
    }

    fn watermark(&mut self, to: i64) -> Fired {
        let (before, now) = (self.watermark, self.watermark.max(to));
        let ends = |window: &Window| window.end - 1 > before && window.end - 1 <= now;
        let said = self.held.iter().filter(|(window, _)| ends(window));
        let said = said.map(|(window, sum)| k(*sum, window.start, window.end)).collect();
        self.watermark = now;
        self.held.retain(|(window, _)| window.end - 1 + self.lateness > now);
        said
    }
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn task6_late_and_early_values_and_watermarks_in_any_order_give_what_flinks_rules_give(
        script in prop::collection::vec((prop::bool::weighted(0.75), 0..12_000i64), 1..80), gap in 1..1_500i64, lateness in 0..3_000i64,
    ) {
        let mut operator = Operator::new(session(gap, lateness)).expect("valid");
        let mut plain = Plain { gap, lateness, watermark: i64::MIN, held: Vec::new() };
        for (value, (is_event, time)) in script.into_iter().enumerate() {
            if is_event {
                let (placed, fired) = event(&mut operator, value as i64, time);
                let ours = (placed.taken == 1, placed.side_output, fired);
                prop_assert_eq!(ours, plain.event(value as i64, time), "value {} of {} under {}, see session", value, time, plain.watermark);
            } else {
                prop_assert_eq!(watermark(&mut operator, time / 2), plain.watermark(time / 2), "watermark {}, see session and touching", time / 2);
            }
            let sums: Vec<_> = plain.held.iter().map(|(window, sum)| (*window, Some(*sum))).collect();
            prop_assert_eq!(held(&operator), sums, "held after value {}, see session", value);
        }
    }

    #[test]
    fn task6_merging_one_by_one_comes_to_the_same_as_merging_at_once(
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

    #[test]
    fn task6_the_sessions_of_all_orders_of_arrival_are_those_of_the_sorted_times(
        times in prop::collection::vec(0..20_000i64, 1..40), gap in 1..2_000i64,
    ) {
        let mut operator = Operator::new(session(gap, 0)).expect("valid");
        for time in &times {
            event(&mut operator, 1, *time);
        }
        let mut sorted = times;
        sorted.sort_unstable();
        let mut expected: Vec<(Window, Option<i64>)> = Vec::new();
        for time in sorted {
            match expected.last_mut() {
                Some((window, Some(count))) if time <= window.end => {
                    window.end = time + gap;
                    *count += 1;
                }
                _ => expected.push((Window::new(time, time + gap), Some(1))),
            }
        }
        prop_assert_eq!(held(&operator), expected);
    }
}
