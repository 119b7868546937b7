//! One watermark over many inputs that come, fall idle, wake up and go.

use market::EventTime;
use proptest::prelude::*;
use watermarks::Combiner;

use super::{at, seeded};

fn two() -> Combiner<&'static str> {
    let mut combiner = Combiner::new();
    assert!(
        combiner.register("a") && combiner.register("b"),
        "both are new; look at `register`"
    );
    combiner
}

#[test]
fn task2_an_input_is_registered_once_and_an_unknown_one_is_not_taken() {
    let mut combiner = two();
    combiner.on_watermark(&"a", at(5));
    assert!(!combiner.register("a"), "it is there already; look at `register`");
    let of_a = combiner
        .inputs()
        .find(|(id, ..)| **id == "a")
        .map(|(_, watermark, _)| watermark);
    assert_eq!(of_a, Some(at(5)), "and keeps its watermark; look at `register`");
    assert!(
        !combiner.on_watermark(&"c", at(7)),
        "nobody registered c; look at `on_watermark`"
    );
    assert!(!combiner.unregister(&"c"), "nobody registered c; look at `unregister`");
    assert!(
        combiner.unregister(&"a") && !combiner.unregister(&"a"),
        "gone is gone; look at `unregister`"
    );
}

#[test]
fn task2_an_input_that_has_seen_nothing_holds_all_others_back() {
    let mut combiner = two();
    combiner.on_watermark(&"a", at(5));
    assert_eq!(
        combiner.watermark(),
        EventTime::MIN,
        "b has not begun; look at the minimum in `emit`"
    );
    combiner.on_watermark(&"b", at(2));
    assert_eq!(combiner.watermark(), at(2), "the smaller of the two; look at `emit`");
    combiner.on_watermark(&"b", at(9));
    assert_eq!(
        combiner.watermark(),
        at(5),
        "now a is the slowest; look at `on_watermark`"
    );
    combiner.on_watermark(&"a", at(1));
    let slowest = combiner.inputs().map(|(_, watermark, _)| watermark).min();
    assert_eq!(
        slowest,
        Some(at(5)),
        "an input's own watermark does not go back either; look at `on_watermark`"
    );
}

#[test]
fn task2_a_new_input_takes_nothing_back_and_holds_the_watermark_where_it_is() {
    let mut combiner = two();
    combiner.on_watermark(&"a", at(9));
    combiner.on_watermark(&"b", at(9));
    combiner.register("late");
    assert_eq!(
        (combiner.emit(), combiner.watermark()),
        (None, at(9)),
        "nothing goes back; look at `emit`"
    );
    combiner.on_watermark(&"a", at(20));
    combiner.on_watermark(&"b", at(20));
    assert_eq!(
        combiner.watermark(),
        at(9),
        "the new one has seen nothing; look at `register`"
    );
    combiner.on_watermark(&"late", at(12));
    assert_eq!(
        combiner.watermark(),
        at(12),
        "it is the slowest; look at `on_watermark`"
    );
}

#[test]
fn task2_removing_the_slowest_shows_at_the_next_change_only() {
    let mut combiner = two();
    combiner.on_watermark(&"a", at(1));
    combiner.on_watermark(&"b", at(9));
    combiner.unregister(&"a");
    assert_eq!(
        combiner.watermark(),
        at(1),
        "not at once: more may be taken away; look at `unregister`"
    );
    assert_eq!(combiner.emit(), Some(at(9)), "look at `emit`");
    assert_eq!(combiner.emit(), None, "and is said once; look at `emit`");
}

#[test]
fn task2_without_inputs_nothing_is_said() {
    let mut none: Combiner<&str> = Combiner::new();
    assert_eq!(
        none.emit(),
        None,
        "the minimum of nothing is not the end of time; look at `emit`"
    );
    assert_eq!(
        (none.watermark(), none.is_idle()),
        (EventTime::MIN, false),
        "nothing has begun; look at `emit`"
    );
    none.register("a");
    none.on_watermark(&"a", at(1));
    none.unregister(&"a");
    assert_eq!(
        none.emit(),
        None,
        "the last one is gone: that is not the end of time; look at `emit`"
    );
    assert_eq!(
        (none.watermark(), none.is_idle()),
        (at(1), true),
        "where it was, and idle; look at `emit`"
    );
    none.register("b");
    none.emit();
    assert!(!none.is_idle(), "one input is active again; look at `emit`");
}

#[test]
fn task2_an_idle_input_holds_nobody_back_and_waking_up_takes_nothing_back() {
    let mut combiner = two();
    combiner.on_watermark(&"a", at(2));
    combiner.on_watermark(&"b", at(5));
    combiner.mark_idle(&"a", true);
    assert_eq!(
        combiner.watermark(),
        at(5),
        "a is idle and does not count; look at `emit`"
    );
    combiner.on_watermark(&"a", at(3));
    assert_eq!(
        combiner.watermark(),
        at(5),
        "a watermark never goes back; look at `emit`"
    );
    combiner.on_watermark(&"b", at(9));
    assert_eq!(
        combiner.watermark(),
        at(5),
        "but a is active and holds it again; look at `on_watermark`"
    );
}

#[test]
fn task2_an_old_watermark_wakes_an_idle_input_as_well() {
    let mut combiner = two();
    combiner.on_watermark(&"a", at(4));
    combiner.on_watermark(&"b", at(5));
    combiner.mark_idle(&"a", true);
    combiner.on_watermark(&"a", at(3));
    combiner.on_watermark(&"b", at(9));
    assert_eq!(
        combiner.watermark(),
        at(5),
        "a record came, however old: a is active; look at `on_watermark`"
    );
}

#[test]
fn task2_when_all_are_idle_the_largest_counts_whichever_fell_idle_first() {
    for order in [["a", "b"], ["b", "a"]] {
        let mut combiner = two();
        combiner.on_watermark(&"a", at(5));
        combiner.on_watermark(&"b", at(2));
        for id in order {
            assert!(combiner.mark_idle(&id, true));
        }
        assert_eq!(
            (combiner.watermark(), combiner.is_idle()),
            (at(5), true),
            "idle in the order {order:?}: nobody is left to wait for; look at `emit`"
        );
        combiner.mark_idle(&"a", false);
        assert!(!combiner.is_idle(), "a is active; look at `emit`");
    }
}

#[test]
fn task2_deferred_watermarks_wait_for_the_next_emit_or_the_next_immediate_one() {
    let mut combiner = two();
    combiner.defer_watermark(&"a", at(5));
    combiner.defer_watermark(&"b", at(3));
    assert_eq!(combiner.watermark(), EventTime::MIN, "nothing was combined yet");
    combiner.on_watermark(&"b", at(2));
    assert_eq!(
        combiner.watermark(),
        EventTime::MIN,
        "2 does not raise b, so nothing is combined; look at `on_watermark`"
    );
    assert_eq!(combiner.emit(), Some(at(3)), "look at `emit`");
    combiner.defer_idle(&"b", true);
    assert_eq!(combiner.watermark(), at(3), "nothing was combined since");
    assert_eq!(combiner.emit(), Some(at(5)), "b is idle; look at `emit`");
    assert!(!combiner.mark_idle(&"unknown", true) && !combiner.defer_watermark(&"unknown", at(7)));
}

#[derive(Clone, Debug)]
enum Step {
    Register(u8),
    Unregister(u8),
    Watermark(u8, i64),
    Defer(u8, i64),
    Idle(u8, bool),
    Emit,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..4u8).prop_map(Step::Register),
        (0..4u8).prop_map(Step::Unregister),
        (0..4u8, 0..50i64).prop_map(|(id, time)| Step::Watermark(id, time)),
        (0..4u8, 0..50i64).prop_map(|(id, time)| Step::Defer(id, time)),
        (0..4u8, any::<bool>()).prop_map(|(id, idle)| Step::Idle(id, idle)),
        Just(Step::Emit),
    ];
    prop::collection::vec(step, 0..60)
}

fn take(combiner: &mut Combiner<u8>, step: &Step) {
    match *step {
        Step::Register(id) => {
            combiner.register(id);
        }
        Step::Unregister(id) => {
            combiner.unregister(&id);
        }
        Step::Watermark(id, time) => {
            combiner.on_watermark(&id, at(time));
        }
        Step::Defer(id, time) => {
            combiner.defer_watermark(&id, at(time));
        }
        Step::Idle(id, idle) => {
            combiner.mark_idle(&id, idle);
        }
        Step::Emit => {
            combiner.emit();
        }
    }
}

/// The smallest of the active inputs' own watermarks.
fn slowest(combiner: &Combiner<u8>) -> Option<EventTime> {
    let active = combiner.inputs().filter(|(_, _, idle)| !idle);
    active.map(|(_, watermark, _)| watermark).min()
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn task2_the_combined_watermark_never_goes_back_and_never_passes_an_active_input_it_had_not_passed(steps in steps()) {
        let mut combiner = Combiner::new();
        for step in steps {
            let before = combiner.watermark();
            take(&mut combiner, &step);
            let after = combiner.watermark();
            prop_assert!(after >= before, "back from {before:?} to {after:?} at {step:?}; look at `emit`");
            if after > before {
                let slowest = slowest(&combiner);
                prop_assert!(
                    slowest.is_none_or(|slowest| after == slowest),
                    "{after:?} at {step:?}, but the slowest active input is at {slowest:?}; look at `emit`"
                );
            }
        }
    }

    #[test]
    fn task2_what_combines_leaves_nothing_unsaid(steps in steps()) {
        let mut combiner = Combiner::new();
        for step in steps {
            let before = combiner.watermark();
            let own = |id: u8| combiner.inputs().find(|(of, ..)| **of == id).map(|(_, watermark, _)| watermark);
            let combines = match step {
                Step::Emit => true,
                Step::Idle(id, _) => own(id).is_some(),
                Step::Watermark(id, time) => at(time) > before && own(id).is_some_and(|own| at(time) > own),
                _ => false,
            };
            take(&mut combiner, &step);
            let after = combiner.watermark();
            if let (true, Some(slowest)) = (combines, slowest(&combiner)) {
                prop_assert!(
                    after >= slowest,
                    "{after:?} after {step:?}, though every active input has come to {slowest:?}; look at when inputs are combined"
                );
            }
        }
    }
}
