//! What holds for every script of events and watermarks.

use proptest::prelude::*;
use windows::{Accumulation, Assigner, Config, Early, Firing, Placed, Sum, TimeDomain, Trigger};

use super::{Fired, Owned, row, seeded};

/// A step of a random script.
#[derive(Clone, Debug)]
enum Step {
    Event(u8, i64, i64),
    Watermark(i64),
}

fn script() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..4u8, 1..100i64, 0..20_000i64).prop_map(|(key, value, time)| Step::Event(key, value, time)),
        1 => (0..22_000i64).prop_map(Step::Watermark),
    ];
    prop::collection::vec(step, 1..60)
}

fn assigners() -> impl Strategy<Value = Assigner> {
    prop_oneof![
        (1..4000i64).prop_map(|size| Assigner::tumbling(size, 0)),
        (1..4000i64, 500..3000i64).prop_map(|(size, slide)| Assigner::sliding(size, slide, 0)),
        Just(Assigner::multi_tumbling(&[1000, 3000, 700])),
    ]
    .prop_map(|assigner| assigner.expect("valid"))
}

fn sessions() -> impl Strategy<Value = Assigner> {
    (1..3000i64).prop_map(|gap| Assigner::session(gap).expect("valid"))
}

fn configs(assigner: impl Strategy<Value = Assigner>) -> impl Strategy<Value = Config> {
    let early = prop_oneof![
        Just(Early::Never),
        (1..2000i64).prop_map(Early::ChangedEvery),
        (100..2000i64).prop_map(Early::ContinuousEvery),
    ];
    let accumulation = prop_oneof![Just(Accumulation::Accumulating), Just(Accumulation::Discarding)];
    (assigner, 0..4000i64, early, accumulation).prop_map(|(assigner, allowed_lateness, early, accumulation)| Config {
        assigner,
        domain: TimeDomain::Event,
        trigger: Trigger { accumulation, early },
        allowed_lateness,
    })
}

/// Plays a script; the firings of each step, sorted, because their order among equal times is not defined.
fn play(config: &Config, script: &[Step], restart: bool) -> Vec<(Placed, Fired)> {
    let mut operator = Owned::new(config.clone()).expect("valid");
    let step = |step: &Step| {
        let mut fired = Vec::new();
        let mut placed = Placed::default();
        match step {
            Step::Event(key, value, time) => {
                let outcome = operator.on_event(&key.to_string(), value, *time, |firing| fired.push(row(&firing)));
                placed = outcome.expect("a time and no overflow");
            }
            Step::Watermark(time) => operator.on_watermark(*time, |firing| fired.push(row(&firing))),
        }
        if restart {
            let bytes = operator.snapshot().expect("encodable");
            operator = Owned::restore(config.clone(), &bytes).expect("its own snapshot");
        }
        fired.sort();
        (placed, fired)
    };
    script.iter().map(step).collect()
}

/// Plays a script, and then to the end of time: what the values that were taken add up to, and what was said of all windows.
fn to_the_end(config: &Config, script: &[Step]) -> (i64, i64) {
    let mut operator = Owned::new(config.clone()).expect("valid");
    let mut taken = 0;
    let mut last = std::collections::BTreeMap::new();
    let mut keep = |firing: Firing<'_, String, Sum>| {
        let sum = last
            .entry((firing.key.clone(), firing.lane, firing.window))
            .or_insert(0);
        match config.trigger.accumulation {
            Accumulation::Accumulating => *sum = firing.state.0,
            Accumulation::Discarding => *sum += firing.state.0,
        }
    };
    for step in script {
        match step {
            Step::Event(key, value, time) => {
                let placed = operator.on_event(&key.to_string(), value, *time, &mut keep);
                taken += i64::from(placed.expect("no overflow").taken) * value;
            }
            Step::Watermark(time) => operator.on_watermark(*time, &mut keep),
        }
    }
    operator.on_watermark(i64::MAX - 1, &mut keep);
    assert_eq!(
        (operator.open_windows(), operator.keys()),
        (0, 0),
        "windows and keys left over"
    );
    (taken, last.values().sum())
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn task5_a_restart_after_every_step_makes_no_difference(config in configs(assigners()), script in script()) {
        prop_assert_eq!(play(&config, &script, false), play(&config, &script, true));
    }

    #[test]
    fn task5_at_the_end_of_time_nothing_is_held_and_every_value_was_said_or_too_late(
        config in configs(assigners()), script in script(),
    ) {
        let (taken, said) = to_the_end(&config, &script);
        prop_assert_eq!(said, taken);
    }

    #[test]
    fn task6_a_restart_after_every_step_makes_no_difference_to_sessions(config in configs(sessions()), script in script()) {
        prop_assert_eq!(play(&config, &script, false), play(&config, &script, true));
    }

    /// A session that grows is said under several bounds, so what was said does not add up to what was taken.
    #[test]
    fn task6_at_the_end_of_time_no_session_is_held(config in configs(sessions()), script in script()) {
        to_the_end(&config, &script);
    }
}
