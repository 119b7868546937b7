//! How far event time has come in one ordered input.

use market::EventTime;
use proptest::prelude::*;
use watermarks::{Ascending, BoundedOutOfOrderness, NegativeBound};

use super::{at, seeded};

fn bounded(bound_ms: i64) -> BoundedOutOfOrderness {
    BoundedOutOfOrderness::new(bound_ms).expect("a bound of 0 or more is valid; look at `BoundedOutOfOrderness::new`")
}

#[test]
fn task1_before_the_first_record_the_watermark_is_the_beginning_of_time() {
    assert_eq!(
        bounded(10).watermark(),
        EventTime::MIN,
        "it must not wrap round to the end of time; look at how `watermark` subtracts"
    );
    assert_eq!(
        Ascending::default().watermark(),
        EventTime::MIN,
        "an ascending input has not begun either; look at `Ascending::default`"
    );
}

#[test]
fn task1_a_bound_below_zero_is_refused_and_zero_is_not() {
    assert_eq!(
        BoundedOutOfOrderness::new(-1),
        Err(NegativeBound(-1)),
        "the watermark would be ahead of the records; look at `BoundedOutOfOrderness::new`"
    );
    assert_eq!(bounded(0).bound_ms(), 0, "no disorder at all is a valid bound");
}

#[test]
fn task1_the_watermark_stays_the_bound_and_one_millisecond_behind_the_newest_time() {
    let mut generator = bounded(10);
    assert_eq!(
        generator.observe(at(1337)),
        at(1326),
        "1327 may still come: 1337 is not older than the bound allows; look at `watermark`"
    );
    assert_eq!(
        generator.observe(at(1300)),
        at(1326),
        "an older record does not move it back; look at `observe`"
    );
    assert_eq!(
        generator.newest(),
        at(1337),
        "the newest time, not the last; look at `observe`"
    );
    assert_eq!(
        Ascending::default().observe(at(1337)),
        at(1336),
        "1337 may come once more; look at `Ascending::observe`"
    );
}

#[test]
fn task1_right_after_the_beginning_of_time_the_watermark_stops_there() {
    let first = at(i64::MIN + 5);
    let look = "a record close to the beginning of time; look at how `watermark` subtracts";
    assert_eq!(bounded(10).observe(first), EventTime::MIN, "{look}");
    assert_eq!(
        bounded(4).observe(first),
        EventTime::MIN,
        "the bound fits and the 1 ms just so: {look}"
    );
    assert_eq!(bounded(3).observe(first), at(i64::MIN + 1), "{look}");
    assert_eq!(
        bounded(i64::MAX).observe(at(-2)),
        EventTime::MIN,
        "a huge bound must not wrap round: {look}"
    );
}

#[test]
fn task1_a_generator_goes_on_where_its_written_state_left_off() {
    let mut generator = bounded(10);
    generator.observe(at(1337));
    let text = serde_json::to_string(&generator).expect("plain numbers");
    let restored: BoundedOutOfOrderness = serde_json::from_str(&text).expect("its own text");
    assert_eq!(restored, generator, "look at `try_from`: both fields are state");
    assert_eq!(
        restored.watermark(),
        at(1326),
        "look at `try_from`: the newest time is state"
    );
}

#[test]
fn task1_a_written_state_with_a_bound_below_zero_is_refused() {
    let text = serde_json::to_string(&bounded(10)).expect("plain numbers");
    let broken = text.replace("\"bound_ms\":10", "\"bound_ms\":-10");
    assert_ne!(broken, text, "the test must change the bound in {text}");
    let refused = serde_json::from_str::<BoundedOutOfOrderness>(&broken);
    let error = refused.expect_err("what `new` refuses must not come in by way of a file; look at `try_from`");
    assert!(
        error.to_string().contains("-10"),
        "the error names the bound: {error}; look at `try_from`"
    );
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn task1_nothing_at_or_before_the_watermark_comes_as_long_as_the_bound_holds(
        bound in 0..100i64, times in prop::collection::vec((0..20i64, 0..100i64), 1..100),
    ) {
        let mut generator = bounded(bound);
        let mut clock = 0;
        for (step, behind) in times {
            clock += step;
            let time = at(clock - behind.min(bound));
            prop_assert!(
                time > generator.watermark(),
                "{time:?} is late though within the bound; look at the millisecond in `watermark`"
            );
            generator.observe(time);
        }
    }
}
