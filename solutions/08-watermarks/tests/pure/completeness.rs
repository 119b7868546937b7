//! What a dashboard may call complete under a watermark.

use market::EventTime;
use proptest::prelude::*;
use watermarks::{Completeness, WindowState, WindowsError, complete_until};

use super::{at, seeded};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

fn windows(length_ms: i64, offset_ms: i64) -> Completeness {
    Completeness::new(length_ms, offset_ms).expect("windows that can be laid out; look at `Completeness::new`")
}

#[test]
fn task5_everything_before_the_millisecond_after_the_watermark_is_complete() {
    let look = "look at `complete_until`";
    assert_eq!(
        complete_until(EventTime::MIN),
        None,
        "before the first watermark nothing is; {look}"
    );
    assert_eq!(
        complete_until(at(59_999)),
        Some(at(MINUTE)),
        "the minute is complete at its last millisecond; {look}"
    );
    assert_eq!(complete_until(at(i64::MIN + 1)), Some(at(i64::MIN + 2)), "{look}");
    assert_eq!(
        complete_until(EventTime::MAX),
        Some(EventTime::MAX),
        "it must not wrap round; {look}"
    );
}

#[test]
fn task5_windows_that_cannot_be_laid_out_are_refused() {
    let look = "look at `Completeness::new`";
    assert_eq!(Completeness::new(0, 0), Err(WindowsError::Length(0)), "{look}");
    assert_eq!(
        Completeness::new(-5, 9),
        Err(WindowsError::Length(-5)),
        "the length first; {look}"
    );
    for offset_ms in [DAY, -DAY, DAY + 1, i64::MIN, i64::MAX] {
        let refused = WindowsError::Offset {
            length_ms: DAY,
            offset_ms,
        };
        assert_eq!(
            Completeness::new(DAY, offset_ms),
            Err(refused),
            "a whole window or more; {look}"
        );
    }
    assert!(
        Completeness::new(DAY, 1 - DAY).is_ok() && Completeness::new(1, 0).is_ok(),
        "{look}"
    );
}

#[test]
fn task5_a_window_is_complete_from_the_watermark_of_its_last_millisecond_on() {
    let minutes = windows(MINUTE, 0);
    for inside in [0, 1, 59_999] {
        let state = |watermark| minutes.state(at(inside), at(watermark));
        assert_eq!(
            state(59_998),
            WindowState::Open,
            "59,999 may still come; look at the comparison in `state`"
        );
        assert_eq!(
            state(59_999),
            WindowState::Complete,
            "the window ends at watermark + 1; look at `state`"
        );
        assert_eq!(state(HOUR), WindowState::Complete, "long past; look at `state`");
    }
    assert_eq!(
        minutes.state(at(MINUTE), at(59_999)),
        WindowState::Open,
        "a window does not hold its end: this is the next one; look at `start_of`"
    );
}

#[test]
fn task5_the_newest_complete_window_ends_at_the_last_bound_behind_the_watermark() {
    let minutes = windows(MINUTE, 0);
    let look = "look at `until`";
    assert_eq!(minutes.until(at(59_998)), Some(at(0)), "the window before 1970; {look}");
    assert_eq!(minutes.until(at(59_999)), Some(at(MINUTE)), "{look}");
    assert_eq!(
        minutes.until(at(119_998)),
        Some(at(MINUTE)),
        "the second minute is open; {look}"
    );
    assert_eq!(minutes.until(at(-1)), Some(at(0)), "{look}");
    assert_eq!(
        minutes.until(at(-2)),
        Some(at(-MINUTE)),
        "before 1970, too, the last bound behind; look at `start_of`"
    );
}

#[test]
fn task5_before_the_first_watermark_every_window_is_open() {
    let minutes = windows(MINUTE, 0);
    assert_eq!(minutes.until(EventTime::MIN), None, "nothing is known; look at `until`");
    for time in [at(0), EventTime::MIN, EventTime::MAX] {
        assert_eq!(
            minutes.state(time, EventTime::MIN),
            WindowState::Open,
            "{time:?}; look at `state`"
        );
        let shortest = windows(1, 0);
        assert_eq!(
            shortest.state(time, EventTime::MIN),
            WindowState::Open,
            "{time:?}: that no watermark has come is not a watermark; look at `state`"
        );
    }
}

#[test]
fn task5_a_day_in_seoul_ends_at_three_in_the_afternoon_in_greenwich() {
    let days = windows(DAY, -9 * HOUR);
    let close = 19_000 * DAY + 15 * HOUR;
    assert_eq!(
        days.until(at(close - 1)),
        Some(at(close)),
        "look at the offset in `start_of`"
    );
    assert_eq!(
        days.until(at(close - 2)),
        Some(at(close - DAY)),
        "look at the offset in `start_of`"
    );
    assert_eq!(
        days.state(at(close - DAY), at(close - 1)),
        WindowState::Complete,
        "look at the offset in `start_of`"
    );
    assert_eq!(
        days.state(at(close), at(close - 1)),
        WindowState::Open,
        "look at the offset in `start_of`"
    );
    let later = windows(DAY, 15 * HOUR);
    assert_eq!(
        later.until(at(close - 1)),
        Some(at(close)),
        "the same days, with an offset of the other sign"
    );
}

#[test]
fn task5_at_the_ends_of_time_nothing_wraps_round() {
    let days = windows(DAY, -9 * HOUR);
    assert_eq!(
        days.until(EventTime::MAX),
        Some(EventTime::MAX),
        "the stream has ended: everything; look at `until`"
    );
    assert_eq!(
        days.state(EventTime::MAX, EventTime::MAX),
        WindowState::Complete,
        "the last window, too; look at `state`"
    );
    assert_eq!(
        days.state(EventTime::MAX, at(i64::MAX - 1)),
        WindowState::Open,
        "the last window ends with the end of time, not before; look at `state`"
    );
    let last = days
        .until(at(i64::MAX - 1))
        .expect("long after the first bound; look at `until`");
    assert!(
        last > at(i64::MAX - DAY) && last < EventTime::MAX,
        "the last bound that an `EventTime` can say, not {last:?}; look at `until`"
    );
    assert_eq!(
        days.until(at(i64::MIN + 1)),
        None,
        "no window has ended yet; look at `until`"
    );
    assert_eq!(
        days.state(EventTime::MIN, at(i64::MIN + 1)),
        WindowState::Open,
        "the first window; look at `state`"
    );
    let first = days
        .until(at(i64::MIN + DAY))
        .expect("one bound lies in the first day; look at `until`");
    assert_eq!(
        days.state(EventTime::MIN, at(first.millis() - 1)),
        WindowState::Complete,
        "look at `state`"
    );
    assert_eq!(
        days.until(at(first.millis() - 2)),
        None,
        "1 ms earlier it is open; look at `until`"
    );
    let powers = windows(1 << 40, 0);
    assert_eq!(
        powers.until(at(i64::MIN + 1)),
        None,
        "the beginning of time is a bound, and the window before it holds no time; look at `until`"
    );
}

/// Times around 1970, and around both ends of time.
fn times() -> impl Strategy<Value = i64> {
    prop_oneof![-300..300i64, i64::MIN..i64::MIN + 300, i64::MAX - 300..=i64::MAX]
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn task5_the_state_of_a_window_and_the_newest_complete_end_say_the_same(
        (length, shift) in (1..70i64, -69..70i64), time in times(), watermark in times(),
    ) {
        let windows = windows(length, shift % length);
        let (time, watermark) = (at(time), at(watermark));
        let by_end = windows.until(watermark).is_some_and(|end| time < end) || watermark == EventTime::MAX;
        let by_state = windows.state(time, watermark) == WindowState::Complete;
        prop_assert_eq!(by_state, by_end, "{:?} under {:?}: compare `state` and `until`", time, watermark);
        prop_assert!(!by_state || time <= watermark, "complete though {:?} itself may still come; look at `state`", time);
    }

    #[test]
    fn task5_a_higher_watermark_never_opens_a_window_again(
        (length, shift) in (1..70i64, -69..70i64), time in times(), one in times(), other in times(),
    ) {
        let windows = windows(length, shift % length);
        let (low, high) = (at(one.min(other)), at(one.max(other)));
        prop_assert!(windows.until(low) <= windows.until(high), "{:?} then {:?}; look at `until`", low, high);
        let (before, after) = (windows.state(at(time), low), windows.state(at(time), high));
        prop_assert!(before == WindowState::Open || after == WindowState::Complete, "look at `state`");
    }
}
