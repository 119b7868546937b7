//! Task 4: where two logs part, and which acknowledged records the healed one lacks; also against logs that elections have made.

use proptest::prelude::*;
use quorum::{Acked, EpochStart, Lineage, LineageError, report};

use crate::seeded;

fn lineage(starts: &[(i32, i64)], begin: i64, end: i64) -> Lineage {
    let starts = starts.iter().map(|(epoch, start)| EpochStart {
        epoch: *epoch,
        start: *start,
    });
    Lineage::new(starts.collect(), begin, end).expect("a log")
}

fn acked(epoch: i32, offsets: std::ops::Range<i64>) -> Vec<Acked> {
    let record = |offset: i64| Acked {
        offset,
        epoch,
        identity: epoch as u64 * 1_000 + offset as u64,
    };
    offsets.map(record).collect()
}

#[test]
fn epochs_that_no_log_can_have_are_refused() {
    let entry = |epoch, start| EpochStart { epoch, start };
    assert_eq!(
        Lineage::new(vec![], 5, 4),
        Err(LineageError::Bounds { begin: 5, end: 4 })
    );
    for starts in [
        vec![entry(0, 3)],
        vec![entry(0, 0), entry(0, 4)],
        vec![entry(1, 0), entry(2, 0)],
        vec![entry(0, 0), entry(1, 11)],
    ] {
        let refused = Lineage::new(starts.clone(), 0, 10);
        assert!(
            matches!(refused, Err(LineageError::Order { .. })),
            "{starts:?}: {refused:?}"
        );
    }
}

#[test]
fn a_brokers_checkpoint_is_read_and_cut_to_the_log() {
    let of = |text, begin, end| Lineage::of_checkpoint(text, begin, end);
    assert_eq!(
        of("0\n3\n0 0\n2 10\n5 17\n", 0, 20),
        Ok(lineage(&[(0, 0), (2, 10), (5, 17)], 0, 20))
    );
    assert_eq!(
        of("0\n3\n0 0\n2 10\n5 17\n", 12, 17),
        Ok(lineage(&[(2, 12)], 12, 17)),
        "older ones expired, newer ones empty"
    );
    for text in ["", "1\n0\n", "0\n2\n0 0\n", "0\n1\n0\n", "0\n1\nx 0\n"] {
        assert!(matches!(of(text, 0, 9), Err(LineageError::NoCheckpoint(_))), "{text:?}");
    }
    let log = lineage(&[(0, 0), (2, 10)], 0, 20);
    assert_eq!(
        [9, 10, 19, 20].map(|offset| log.epoch_at(offset)),
        [Some(0), Some(2), Some(2), None]
    );
}

#[test]
fn task4_an_epoch_ends_where_the_next_one_starts_and_the_newest_with_the_log() {
    let log = lineage(&[(1, 0), (3, 10), (6, 15)], 0, 18);
    assert_eq!(log.end_of(1), Some((1, 10)));
    assert_eq!(log.end_of(3), Some((3, 15)));
    assert_eq!(log.end_of(6), Some((6, 18)));
}

#[test]
fn task4_an_unknown_epoch_is_answered_with_the_one_below() {
    let log = lineage(&[(1, 0), (3, 10), (6, 15)], 0, 18);
    assert_eq!(log.end_of(5), Some((3, 15)), "nobody wrote in epoch 5 here");
    assert_eq!(log.end_of(7), None, "above the newest: this log cannot know");
    assert_eq!(
        lineage(&[(4, 30)], 30, 40).end_of(2),
        Some((2, 30)),
        "below the oldest: deleted up to its start"
    );
    assert_eq!(lineage(&[], 0, 0).end_of(0), None, "an empty log knows no epoch");
}

#[test]
fn task4_a_follower_truncates_what_its_deposed_leader_alone_had() {
    let leader = lineage(&[(0, 0), (1, 10)], 0, 30);
    assert_eq!(
        lineage(&[(0, 0)], 0, 16).parts_from(&leader),
        Some(10),
        "16 were written, 10 of them before the election"
    );
    assert_eq!(
        lineage(&[(0, 0)], 0, 7).parts_from(&leader),
        Some(7),
        "it is behind and has nothing else"
    );
    assert_eq!(lineage(&[(0, 0), (1, 10)], 0, 22).parts_from(&leader), Some(22));
}

#[test]
fn task4_one_question_is_not_enough_where_both_logs_have_epochs_of_their_own() {
    // Two quick elections: the follower led epochs 2 and 4 alone, the leader 3 and 5.
    let leader = lineage(&[(1, 0), (3, 12), (5, 14)], 0, 20);
    let follower = lineage(&[(1, 0), (2, 12), (4, 15)], 0, 18);
    assert_eq!(
        follower.parts_from(&leader),
        Some(12),
        "epoch 4 is answered with 3, which the follower does not have either"
    );
}

#[test]
fn task4_logs_without_a_common_epoch_have_nothing_in_common() {
    let leader = lineage(&[(4, 30)], 30, 40);
    assert_eq!(
        lineage(&[(1, 0), (2, 10)], 0, 12).parts_from(&leader),
        None,
        "what was before 30 is deleted at the leader"
    );
    assert_eq!(
        lineage(&[(7, 0)], 0, 3).parts_from(&leader),
        None,
        "an epoch above the leader's newest"
    );
    assert_eq!(lineage(&[], 0, 0).parts_from(&leader), None);
}

#[test]
fn task4_a_follower_whose_newest_epoch_is_unknown_to_the_leader_goes_on_with_its_older_ones() {
    let leader = lineage(&[(0, 0), (1, 10)], 0, 20);
    let follower = lineage(&[(0, 0), (1, 10), (2, 15)], 0, 17);
    assert_eq!(
        follower.parts_from(&leader),
        Some(15),
        "an unclean election brought back who did not know of epoch 2"
    );
}

#[test]
fn task4_a_record_is_truncated_though_another_stands_at_its_offset() {
    // The leader of epoch 3 acknowledged 10 to 15 alone; the next one filled the same offsets.
    let healed = lineage(&[(3, 0), (4, 10)], 0, 40);
    let report = report(&[acked(3, 8..16), acked(4, 10..14)].concat(), &healed);
    let row = &report[&3];
    assert_eq!(
        (row.acked, row.kept, row.expired),
        (8, 2, 0),
        "(acked, kept, expired) of epoch 3"
    );
    assert_eq!(
        row.truncated,
        [3010, 3011, 3012, 3013, 3014, 3015],
        "offsets 10 to 15 hold records of epoch 4"
    );
    assert_eq!((report[&4].acked, report[&4].kept), (4, 4), "epoch 4 lost nothing");
}

#[test]
fn task4_an_epoch_that_left_no_record_has_lost_them_all() {
    let healed = lineage(&[(3, 0), (5, 10)], 0, 20);
    let report = report(&acked(4, 10..13), &healed);
    assert_eq!(report[&4].truncated, [4010, 4011, 4012], "nobody has an epoch 4");
    let beyond = lineage(&[(3, 0)], 0, 9);
    assert_eq!(
        quorum::report(&acked(4, 9..11), &beyond)[&4].truncated.len(),
        2,
        "nor one above the newest"
    );
}

#[test]
fn task4_what_is_before_the_logs_begin_is_not_called_lost() {
    let healed = lineage(&[(2, 100), (3, 110)], 100, 120);
    let report = report(&[acked(2, 98..102), acked(1, 40..42)].concat(), &healed);
    assert_eq!(
        (report[&2].expired, report[&2].kept),
        (2, 2),
        "(expired, kept) of epoch 2"
    );
    assert_eq!(
        (report[&1].expired, report[&1].truncated.len()),
        (2, 0),
        "(expired, truncated) of epoch 1"
    );
}

#[test]
fn task4_two_records_of_one_identity_are_two() {
    let healed = lineage(&[(1, 0)], 0, 2);
    let twice = [4, 5].map(|offset| Acked {
        offset,
        epoch: 1,
        identity: 7,
    });
    assert_eq!(
        report(&twice, &healed)[&1].truncated,
        [7, 7],
        "a repeat that the log had twice was acknowledged twice"
    );
}

#[test]
fn task4_the_report_does_not_depend_on_the_order_of_acknowledgements() {
    let healed = lineage(&[(1, 0), (2, 3)], 0, 5);
    let mut records = [acked(1, 0..6), acked(2, 3..5)].concat();
    let sorted = report(&records, &healed);
    records.reverse();
    assert_eq!(report(&records, &healed), sorted);
    assert_eq!(
        sorted[&1].truncated,
        [1003, 1004, 1005],
        "in the order of their offsets"
    );
}

/// Logs of three replicas: an election of one of them, records at its end, and how many of them each other one fetches; before it fetches, it cuts
/// off what the leader does not have.
fn elections() -> impl Strategy<Value = Vec<(usize, usize, [usize; 3])>> {
    proptest::collection::vec((0..3usize, 0..5usize, [0..6usize, 0..6, 0..6]), 1..9)
}

/// An entry: the epoch it was written in, and its own number.
type Entries = Vec<(i32, u64)>;

fn common(a: &Entries, b: &Entries) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

fn described(log: &Entries) -> Lineage {
    let mut starts: Vec<(i32, i64)> = Vec::new();
    for (offset, (epoch, _)) in (0..).zip(log) {
        if starts.last().is_none_or(|last| last.0 != *epoch) {
            starts.push((*epoch, offset));
        }
    }
    lineage(&starts, 0, log.len() as i64)
}

proptest! {
    #![proptest_config(seeded(1_000))]

    #[test]
    fn task4_logs_part_and_records_are_lost_where_the_entries_say(elections in elections()) {
        let (mut logs, mut written) = ([const { Vec::new() }; 3] as [Entries; 3], Vec::new());
        for (epoch, (leader, records, fetched)) in (0..).zip(elections) {
            for _ in 0..records {
                let identity = written.len() as u64;
                written.push(Acked { offset: logs[leader].len() as i64, epoch, identity });
                logs[leader].push((epoch, identity));
            }
            for (follower, fetched) in fetched.into_iter().enumerate() {
                if follower != leader && fetched > 0 {
                    let same = common(&logs[follower], &logs[leader]);
                    logs[follower].truncate(same);
                    let more: Vec<_> = logs[leader][same..].iter().take(fetched - 1).copied().collect();
                    logs[follower].extend(more);
                }
            }
        }
        for (a, b) in [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)] {
            let parts = described(&logs[a]).parts_from(&described(&logs[b]));
            prop_assert_eq!(parts.unwrap_or(0), common(&logs[a], &logs[b]) as i64, "{:?} and {:?}", &logs[a], &logs[b]);
        }
        for log in &logs {
            let there = |record: &Acked| log.get(record.offset as usize) == Some(&(record.epoch, record.identity));
            let lost: Vec<u64> = written.iter().filter(|record| !there(record)).map(|record| record.identity).collect();
            let told: Vec<u64> = report(&written, &described(log)).into_values().flat_map(|row| row.truncated).collect();
            prop_assert_eq!(told, lost, "of the log {:?}", log);
        }
    }
}
