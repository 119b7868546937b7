//! Task 7: the checker on histories made by hand, and against all orders of small histories.

use std::collections::BTreeSet;

use proptest::prelude::*;
use quorum::{Action, Anomaly, Operation, Version, check};

use crate::{read, seeded, unanswered, wrote};

fn holds(history: &[Operation]) {
    if let Err(found) = check(history) {
        panic!("this history is linearizable, and the checker says {found}");
    }
}

fn fails(history: &[Operation], anomaly: Anomaly) -> Vec<Operation> {
    let found = check(history).expect_err("this history is not linearizable, and the checker finds an order");
    assert_eq!(found.anomaly(), anomaly, "{found}");
    found.operations
}

#[test]
fn task7_reads_one_after_another_of_what_was_written_last() {
    holds(&[]);
    holds(&[
        read(1, 0, 0, 1),
        wrote(0, 1, 2, 3),
        read(1, 1, 4, 5),
        wrote(0, 2, 6, 7),
        read(2, 2, 8, 9),
    ]);
}

#[test]
fn task7_during_a_write_both_values_may_be_read_but_not_back_again() {
    holds(&[wrote(0, 1, 0, 100), read(1, 0, 10, 20), read(1, 1, 30, 40)]);
    let shown = fails(
        &[wrote(0, 1, 0, 100), read(1, 1, 10, 20), read(2, 0, 30, 40)],
        Anomaly::Inversion,
    );
    assert_eq!(shown.len(), 3, "all three are needed: {shown:?}");
    holds(&[wrote(0, 1, 0, 100), read(1, 1, 10, 35), read(2, 0, 30, 40)]);
}

#[test]
fn task7_a_finished_write_must_be_read() {
    let history = [wrote(0, 1, 0, 10), wrote(0, 2, 20, 30), read(1, 1, 40, 50)];
    assert_eq!(fails(&history, Anomaly::Stale), history);
    fails(&[wrote(0, 1, 0, 10), read(1, 0, 11, 20)], Anomaly::Stale);
    holds(&[wrote(0, 1, 0, 10), read(1, 0, 10, 20)]);
}

#[test]
fn task7_nothing_is_read_that_nobody_has_begun_to_write() {
    assert_eq!(
        fails(&[wrote(0, 1, 0, 10), read(1, 7, 20, 30)], Anomaly::FromNowhere).len(),
        1
    );
    fails(&[read(1, 1, 0, 10), wrote(0, 1, 20, 30)], Anomaly::FromNowhere);
}

#[test]
fn task7_a_write_without_an_answer_may_come_at_any_time_or_never() {
    holds(&[unanswered(0, 1, 0), read(1, 0, 500, 600)]);
    holds(&[unanswered(0, 1, 0), read(1, 0, 500, 600), read(1, 1, 700, 800)]);
    holds(&[
        unanswered(0, 1, 0),
        wrote(0, 2, 10, 20),
        read(1, 2, 30, 40),
        read(1, 1, 50, 60),
    ]);
    fails(
        &[unanswered(0, 1, 0), read(1, 1, 500, 600), read(1, 0, 700, 800)],
        Anomaly::Inversion,
    );
    fails(&[read(1, 1, 0, 10), unanswered(0, 1, 20)], Anomaly::FromNowhere);
}

#[test]
fn task7_what_is_not_needed_is_left_out_of_the_counterexample() {
    let busy = (0..40).flat_map(|n| {
        let t = n * 10;
        [
            wrote(0, n + 1, t, t + 4),
            read(1, n + 1, t + 5, t + 9),
            read(2, n + 1, t + 5, t + 9),
        ]
    });
    let mut history: Vec<Operation> = busy.collect();
    history.push(read(3, 17, 395, 399));
    let shown = fails(&history, Anomaly::Stale);
    assert_eq!(shown.len(), 3, "its write, one after it, and the read: {shown:?}");
    assert_eq!(
        check(&shown).expect_err("still none").operations,
        shown,
        "what is shown shows it by itself"
    );
}

#[test]
fn task7_a_counterexample_is_told_in_a_few_lines() {
    let told = check(&[wrote(0, 1, 0, 100), read(1, 1, 10, 20), read(2, 0, 30, 40)]).expect_err("an inversion");
    assert_eq!(
        told.to_string(),
        "a read older than an earlier read:\nclient 0 wrote 1, 0 to 100\nclient 1 read 1, 10 to 20\nclient 2 read 0, 30 to 40"
    );
}

#[test]
fn task7_many_writers_at_once_are_decided_in_good_time() {
    // Seven writers and a reader of all, each round at once: 5,040 orders of a round, and few sets.
    let rounds = (0..12u64).flat_map(|round| {
        let t = round * 100;
        let writes = (0..7).map(move |n| wrote(n as usize, round * 7 + n + 1, t, t + 50));
        writes.chain([read(8, round * 7 + 3, t + 60, t + 70)])
    });
    let history: Vec<Operation> = rounds.collect();
    holds(&history);
    let mut wrong = history.clone();
    wrong.push(read(9, 3, 2_000, 2_001));
    assert!(check(&wrong).is_err(), "the first round was over long ago");
}

#[test]
fn task7_writes_that_nobody_answered_or_read_cost_nothing() {
    let lost = (1..=40).map(|n| unanswered(0, n, n));
    let mut history: Vec<Operation> = lost.collect();
    history.extend([wrote(1, 50, 100, 110), read(2, 50, 120, 130), read(2, 0, 140, 150)]);
    fails(&history, Anomaly::Stale);
}

/// Whether some order of the operations explains them: all of them are tried, as the definition says.
fn by_definition(left: &[Operation], value: Version) -> bool {
    left.iter().all(|operation| operation.end.is_none())
        || left.iter().enumerate().any(|(at, next)| {
            let first = left.iter().all(|other| !other.precedes(next));
            let after = match next.action {
                Action::Write(written) => Some(written),
                Action::Read(read) => (read == value).then_some(value),
            };
            let without = [&left[..at], &left[at + 1..]].concat();
            first && after.is_some_and(|after| by_definition(&without, after))
        })
}

/// Up to seven operations of a few clients, some unanswered; values of the reads are guessed.
fn histories() -> impl Strategy<Value = Vec<Operation>> {
    let operation = (any::<bool>(), 0..4u64, 0..20u64, 0..12u64, 0..5u8);
    proptest::collection::vec(operation, 0..7).prop_map(|drawn| {
        let made = drawn
            .into_iter()
            .zip(1..)
            .map(|((writes, value, call, takes, fate), n)| match (writes, fate) {
                (true, 0) => unanswered(n as usize, n, call),
                (true, _) => wrote(n as usize, n, call, call + takes),
                (false, _) => read(n as usize, value, call, call + takes),
            });
        made.collect()
    })
}

proptest! {
    #![proptest_config(seeded(2_000))]

    #[test]
    fn task7_the_verdict_is_that_of_trying_every_order(history in histories()) {
        let verdict = check(&history);
        prop_assert_eq!(verdict.is_ok(), by_definition(&history, 0), "of {:?}", &history);
        if let Err(found) = verdict {
            let shown = &found.operations;
            prop_assert!(shown.iter().all(|operation| history.contains(operation)), "made up: {found}");
            prop_assert!(!by_definition(shown, 0), "what is shown has an order: {found}");
            let values: BTreeSet<_> = shown.iter().map(|operation| operation.action).filter_map(|action| match action {
                Action::Write(value) => Some(value),
                Action::Read(_) => None,
            }).collect();
            for at in 0..shown.len() {
                let goes = |other: &Operation| match (shown[at].action, other.action) {
                    (Action::Write(value), Action::Read(read)) => read == value,
                    _ => *other == shown[at],
                };
                let without: Vec<_> = shown.iter().filter(|other| !goes(other)).copied().collect();
                prop_assert!(by_definition(&without, 0), "{:?} is not needed in {found} {values:?}", shown[at]);
            }
        }
    }
}
