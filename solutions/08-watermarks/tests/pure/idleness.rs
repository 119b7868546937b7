//! When an input falls idle, on a clock that the test feeds.

use std::time::Duration;

use watermarks::{Idleness, TimeoutError};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn idle_after(timeout_ms: u64) -> Idleness {
    Idleness::new(ms(timeout_ms)).expect("a timeout above 0")
}

#[test]
fn a_timeout_of_zero_is_refused() {
    assert_eq!(
        Idleness::new(Duration::ZERO).err(),
        Some(TimeoutError),
        "look at `Idleness::new`"
    );
}

#[test]
fn task3_an_input_is_idle_only_after_more_than_the_timeout_since_the_first_quiet_probe() {
    let mut idleness = idle_after(10);
    assert!(
        !idleness.check(ms(1_000)),
        "the first quiet probe starts the timer; look at `check`"
    );
    assert!(
        !idleness.check(ms(1_010)),
        "reached is not exceeded; look at the comparison in `check`"
    );
    assert!(
        idleness.check(ms(1_011)),
        "11 ms of quiet are more than 10; look at `check`"
    );
    assert!(idleness.check(ms(9_000)), "and it stays idle; look at `check`");
}

#[test]
fn task3_a_record_wakes_an_input_and_the_timer_starts_at_the_next_quiet_probe() {
    let mut idleness = idle_after(10);
    idleness.check(ms(0));
    assert!(idleness.check(ms(11)), "quiet for 11 ms; look at `check`");
    idleness.activity();
    assert!(!idleness.check(ms(501)), "a record came; look at `activity`");
    assert!(
        !idleness.check(ms(900)),
        "quiet again: the timer starts here, not at the record or its probe; look at `check`"
    );
    assert!(
        !idleness.check(ms(910)),
        "10 ms of quiet are not more than 10; look at `check`"
    );
    assert!(idleness.check(ms(911)), "11 ms of quiet; look at `check`");
}

#[test]
fn task3_an_input_with_a_record_between_any_two_probes_never_falls_idle() {
    let mut idleness = idle_after(10);
    for probe in 0..100 {
        idleness.activity();
        assert!(
            !idleness.check(ms(probe * 1_000)),
            "probe {probe} came after a record; look at `check`"
        );
    }
}

#[test]
fn task3_a_paused_input_does_not_fall_idle_however_long_it_is_not_read() {
    let mut idleness = idle_after(10);
    assert!(!idleness.check(ms(0)));
    idleness.pause(ms(6));
    assert!(!idleness.check(ms(7)), "7 ms; look at `check`");
    assert!(
        !idleness.check(ms(3_600_000)),
        "nobody reads it, so its silence says nothing; look at `pause`"
    );
    idleness.resume(ms(3_600_000));
    assert!(
        !idleness.check(ms(3_600_004)),
        "6 ms before the pause and 4 after it are 10; look at what `resume` does with the pause"
    );
    assert!(
        idleness.check(ms(3_600_005)),
        "6 ms before the pause and 5 after it are 11: its clock goes on, it does not start anew; look at `resume`"
    );
}

#[test]
fn task3_pauses_add_up_and_a_second_pause_or_resume_changes_nothing() {
    let mut idleness = idle_after(10);
    idleness.resume(ms(0));
    assert!(!idleness.check(ms(0)));
    idleness.pause(ms(2));
    idleness.pause(ms(50));
    idleness.resume(ms(102));
    idleness.resume(ms(200));
    idleness.pause(ms(104));
    idleness.resume(ms(1_104));
    assert!(
        !idleness.check(ms(1_110)),
        "10 ms on its own clock: paused from 2 to 102 and from 104 to 1104; look at `pause` and `resume`"
    );
    assert!(
        idleness.check(ms(1_111)),
        "11 ms on its own clock; look at `pause` and `resume`"
    );
}

#[test]
fn task3_while_paused_an_input_stays_what_it_was_until_a_record_comes() {
    let mut idleness = idle_after(10);
    idleness.check(ms(0));
    assert!(idleness.check(ms(11)));
    idleness.pause(ms(12));
    assert!(
        idleness.check(ms(500)),
        "an idle input does not wake up without a record; look at `check`"
    );
    idleness.activity();
    assert!(
        !idleness.check(ms(501)),
        "the client had a record left: active; look at `check`"
    );
    assert!(
        !idleness.check(ms(9_000)),
        "and its clock still stands; look at `check`"
    );
}
