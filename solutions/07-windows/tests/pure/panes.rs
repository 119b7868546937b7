//! Sliding windows by panes, held against the operator that adds a value to each of its windows.

use proptest::prelude::*;
use windows::{Aggregate, Assigner, Config, Overflow, PaneOperator, Placed, Sliding, Sum, Window, WindowOperator};

use super::{Fired, config, row, seeded};

type Panes = PaneOperator<&'static str, Sum>;

fn panes(size: i64, slide: i64, lateness: i64) -> Panes {
    Panes::new(Sliding::new(size, slide, 0).expect("valid"), lateness).expect("valid")
}

fn event(operator: &mut Panes, value: i64, time: i64) -> (Placed, Fired) {
    let mut fired = Vec::new();
    let placed = operator.on_event(&"k", &value, time, |firing| fired.push(row(&firing)));
    (placed.expect("a time and no overflow"), fired)
}

fn watermark(operator: &mut Panes, time: i64) -> Fired {
    let mut fired = Vec::new();
    operator
        .on_watermark(time, |firing| fired.push(row(&firing)))
        .expect("no overflow");
    fired
}

fn k(sum: i64, start: i64, end: i64) -> (String, i64, i64, i64) {
    ("k".into(), sum, start, end)
}

#[test]
fn task7_a_sum_that_leaves_its_type_in_a_pane_is_an_error() {
    let mut operator = panes(20, 10, 0);
    event(&mut operator, i64::MAX, 5);
    event(&mut operator, 1, 15);
    assert_eq!(
        operator.on_event(&"k", &1, 6, |_| ()),
        Err(Overflow("sum").into()),
        "the pane of 6 is not the newest: see add, and what the aggregate says"
    );
}

#[test]
fn task7_a_value_is_held_once_and_said_by_every_window_that_holds_its_time() {
    let mut operator = panes(60_000, 30_000, 0);
    event(&mut operator, 1, 40_000);
    event(&mut operator, 2, 70_000);
    assert_eq!(operator.open_panes(), 2, "one pane of 30 s each, see width");
    let expected = [k(1, 0, 60_000), k(3, 30_000, 90_000), k(2, 60_000, 120_000)];
    assert_eq!(watermark(&mut operator, 200_000), expected, "see fire");
    assert_eq!((operator.open_panes(), operator.keys()), (0, 0));
}

#[test]
fn task7_panes_are_as_wide_as_can_be() {
    for (size, slide, in_a_minute) in [
        (60_000, 30_000, 2),
        (60_000, 60_000, 1),
        (60_000, 1_000, 60),
        (30_000, 20_000, 6),
    ] {
        let mut operator = panes(size, slide, 0);
        for second in 0..60 {
            event(&mut operator, 1, second * 1_000);
        }
        assert_eq!(
            operator.open_panes(),
            in_a_minute,
            "size {size}, slide {slide}: see width"
        );
    }
}

#[test]
fn task7_a_value_that_comes_out_of_order_goes_into_its_own_pane() {
    let mut operator = panes(20, 10, 0);
    for (value, time) in [(1, 25), (2, 5), (4, 15), (8, 6)] {
        event(&mut operator, value, time);
    }
    assert_eq!(operator.open_panes(), 3);
    let expected = [k(10, -10, 10), k(14, 0, 20), k(5, 10, 30), k(1, 20, 40)];
    assert_eq!(watermark(&mut operator, 100), expected);
}

#[test]
fn task7_a_window_without_values_says_nothing_and_those_after_the_silence_speak() {
    let mut operator = panes(20, 10, 0);
    event(&mut operator, 1, 5);
    event(&mut operator, 2, 1_005);
    let expected = [k(1, -10, 10), k(1, 0, 20), k(2, 990, 1_010), k(2, 1_000, 1_020)];
    assert_eq!(watermark(&mut operator, 2_000), expected);
}

#[test]
fn task7_a_pane_stays_until_its_newest_window_is_over() {
    let mut operator = panes(20, 10, 5);
    event(&mut operator, 1, 5);
    assert_eq!(watermark(&mut operator, 19), [k(1, -10, 10), k(1, 0, 20)]);
    assert_eq!(operator.open_panes(), 1, "held for the allowed lateness");
    assert_eq!(watermark(&mut operator, 23), []);
    assert_eq!(operator.open_panes(), 1);
    watermark(&mut operator, 24);
    assert_eq!((operator.open_panes(), operator.keys()), (0, 0));
}

#[test]
fn task7_a_late_value_fires_those_of_its_windows_that_have_ended_and_are_held() {
    let mut operator = panes(20, 10, 8);
    event(&mut operator, 1, 5);
    watermark(&mut operator, 18);
    let (placed, fired) = event(&mut operator, 2, 6);
    assert_eq!(
        (placed.taken, placed.too_late, placed.side_output, fired),
        (1, 1, false, vec![]),
        "[-10, 10) was over at 17, [0, 20) has not ended"
    );
    assert_eq!(watermark(&mut operator, 19), [k(3, 0, 20)]);
    assert_eq!(event(&mut operator, 4, 7).1, [k(7, 0, 20)]);
    watermark(&mut operator, 27);
    let (placed, fired) = event(&mut operator, 8, 7);
    assert_eq!(
        (placed.taken, placed.too_late, placed.side_output, fired),
        (0, 2, true, vec![])
    );
    assert_eq!((operator.open_panes(), operator.keys()), (0, 0));
}

#[test]
fn task7_sums_that_leave_their_type_are_noticed_when_a_window_is_put_together() {
    let mut operator = panes(20, 10, 0);
    event(&mut operator, i64::MAX, 5);
    event(&mut operator, 1, 15);
    let overflow = operator.on_watermark(19, |_| ());
    assert_eq!(
        overflow,
        Err(Overflow("sum").into()),
        "each pane is small enough, see fire"
    );
}

/// The values of a window, so that what was added where cannot hide in a sum.
#[derive(Clone, Debug)]
struct Values(Vec<i64>);

impl Aggregate for Values {
    type Value = i64;

    fn first(value: &i64) -> Self {
        Self(vec![*value])
    }

    fn add(&mut self, value: &i64) -> Result<(), Overflow> {
        self.0.push(*value);
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        self.0.extend(other.0);
        Ok(())
    }
}

#[test]
fn task7_a_window_is_put_together_from_its_oldest_pane_on() {
    let sliding = Sliding::new(30, 10, 0).expect("valid");
    let mut operator = PaneOperator::<u8, Values>::new(sliding, 0).expect("valid");
    for (value, time) in [(1, 25), (2, 5), (3, 15), (4, 6)] {
        operator.on_event(&1, &value, time, |_| ()).expect("in range");
    }
    let mut whole = None;
    let keep = |firing: windows::Firing<'_, u8, Values>| {
        if firing.window.start == 0 {
            whole = Some(firing.state.0.clone());
        }
    };
    operator.on_watermark(100, keep).expect("in range");
    let expected = Some(vec![2, 4, 3, 1]);
    assert_eq!(
        whole, expected,
        "what is merged comes later than what was there, see fire"
    );
}

/// What a step gave: what became of an event, and the firings, in an order of their own where times are equal.
type Step = (Placed, Vec<(u8, Window, Vec<i64>)>);

fn sorted((placed, mut fired): Step) -> Step {
    fired.iter_mut().for_each(|(_, _, values)| values.sort_unstable());
    fired.sort();
    (placed, fired)
}

fn by_panes(sliding: Sliding, lateness: i64, script: &[(Option<u8>, i64)]) -> (Vec<Step>, usize) {
    let mut operator = PaneOperator::<u8, Values>::new(sliding, lateness).expect("valid");
    let mut steps = Vec::new();
    for (value, (key, time)) in script.iter().enumerate() {
        let (mut placed, mut fired) = (Placed::default(), Vec::new());
        let keep =
            |firing: windows::Firing<'_, u8, Values>| fired.push((*firing.key, firing.window, firing.state.0.clone()));
        match key {
            Some(key) => placed = operator.on_event(key, &(value as i64), *time, keep).expect("in range"),
            None => operator.on_watermark(*time, keep).expect("in range"),
        }
        steps.push(sorted((placed, fired)));
    }
    (steps, operator.open_panes() + operator.keys())
}

fn by_windows(config: Config, script: &[(Option<u8>, i64)]) -> (Vec<Step>, usize) {
    let mut operator = WindowOperator::<u8, Values>::new(config).expect("valid");
    let mut steps = Vec::new();
    for (value, (key, time)) in script.iter().enumerate() {
        let (mut placed, mut fired) = (Placed::default(), Vec::new());
        let keep =
            |firing: windows::Firing<'_, u8, Values>| fired.push((*firing.key, firing.window, firing.state.0.clone()));
        match key {
            Some(key) => placed = operator.on_event(key, &(value as i64), *time, keep).expect("in range"),
            None => operator.on_watermark(*time, keep),
        }
        steps.push(sorted((placed, fired)));
    }
    (steps, operator.open_windows() + operator.keys())
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn task7_panes_say_step_by_step_what_windows_say(
        (size, slide, offset) in (1..60i64, 1..60i64).prop_flat_map(|(size, slide)| (Just(size), Just(slide), 1 - slide..slide)),
        lateness in 0..50i64,
        mut script in prop::collection::vec((prop::option::weighted(0.8, 0..3u8), -100..200i64), 1..60),
    ) {
        script.push((None, 1_000));
        let sliding = Sliding::new(size, slide, offset).expect("valid");
        let assigner = Assigner::sliding(size, slide, offset).expect("valid");
        let (panes, left) = by_panes(sliding, lateness, &script);
        let (windows, _) = by_windows(config(assigner, lateness), &script);
        for (step, (panes, windows)) in panes.iter().zip(&windows).enumerate() {
            prop_assert_eq!(panes, windows, "step {}, {:?}", step, script[step]);
        }
        prop_assert_eq!(left, 0, "panes or keys left over");
    }

    #[test]
    fn task7_no_time_and_no_size_makes_the_arithmetic_wrap(
        size in 1..i64::MAX, slide in 1..i64::MAX, time in i64::MIN + 1..i64::MAX, lateness in 0..i64::MAX,
    ) {
        prop_assume!(size / slide < 1_000);
        let mut operator = Panes::new(Sliding::new(size, slide, 0).expect("valid"), lateness).expect("valid");
        event(&mut operator, 1, time);
        let mut fired = watermark(&mut operator, time);
        fired.extend(event(&mut operator, 1, time).1);
        fired.extend(watermark(&mut operator, i64::MAX));
        for (_, sum, start, end) in &fired {
            prop_assert!(*start <= time && time < *end && (1..=2).contains(sum), "{} from {} to {}", sum, start, end);
        }
        // A window that was cut off at the beginning of time may stay silent; one that holds 1970 or the present may not.
        if time.checked_sub(slide).is_some() {
            let none = Sliding::new(size, slide, 0).expect("valid").assign(time).next().is_none();
            prop_assert_eq!(fired.is_empty(), none, "windows of {}, or none of them, spoke", time);
        }
    }
}
