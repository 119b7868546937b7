//! Task 6: quorum arithmetic, and what a client does with each reply.

use quorum::{Quorum, QuorumError, Reading, Reads, Step, Writing};

fn of(n: usize, r: usize, w: usize) -> Quorum {
    Quorum::new(n, r, w).expect("a quorum")
}

#[test]
fn quorums_of_nobody_or_of_more_than_there_are_are_refused() {
    for (r, w) in [(0, 1), (1, 0), (4, 1), (1, 4)] {
        assert_eq!(Quorum::new(3, r, w), Err(QuorumError { n: 3, r, w }));
    }
}

#[test]
fn task6_quorums_overlap_exactly_when_every_pair_of_sets_has_one_in_common() {
    for n in 1..=5usize {
        let sets = |size: usize| (0u32..1 << n).filter(move |set| set.count_ones() as usize == size);
        for (r, w) in (1..=n).flat_map(|r| (1..=n).map(move |w| (r, w))) {
            let meet = sets(r).all(|read| sets(w).all(|write| read & write != 0));
            assert_eq!(of(n, r, w).overlaps(), meet, "N={n} R={r} W={w}");
        }
    }
}

#[test]
fn task6_what_may_be_missing_is_what_is_not_needed() {
    assert_eq!(of(5, 2, 4).spare(), (3, 1), "(at a read, at a write)");
    assert_eq!(of(3, 3, 1).spare(), (0, 2), "(at a read, at a write)");
}

#[test]
fn task6_a_plain_read_answers_the_newest_of_r_replies() {
    let mut reading = Reading::new(of(5, 3, 3), Reads::Plain);
    assert_eq!(reading.on_reply(4, 2), Step::Wait);
    assert_eq!(reading.on_reply(0, 7), Step::Wait);
    assert_eq!(reading.on_reply(2, 5), Step::Answer(7), "the third reply of three");
    assert_eq!(reading.on_reply(1, 9), Step::Wait, "it has answered");
}

#[test]
fn task6_a_second_reply_of_a_replica_counts_for_nothing() {
    let mut reading = Reading::new(of(3, 2, 2), Reads::Plain);
    assert_eq!(reading.on_reply(1, 2), Step::Wait);
    assert_eq!(reading.on_reply(1, 3), Step::Wait, "one replica is no majority");
    assert_eq!(reading.on_reply(0, 1), Step::Answer(2));
    let mut writing = Writing::new(of(3, 2, 2), 8);
    assert_eq!([writing.on_stored(0), writing.on_stored(0)], [Step::Wait, Step::Wait]);
    assert_eq!(writing.on_stored(2), Step::Answer(8));
    assert_eq!(writing.on_stored(1), Step::Wait, "it has answered");
}

#[test]
fn task6_a_read_answers_once_and_what_comes_later_changes_nothing() {
    for reads in [Reads::Plain, Reads::Repair] {
        for last in [5, 9] {
            // Written by one replica is written here: nothing but the answer ends this read.
            let mut reading = Reading::new(of(3, 2, 1), reads);
            reading.on_reply(0, 5);
            assert_eq!(reading.on_reply(1, 5), Step::Answer(5), "{reads:?}");
            assert_eq!(reading.on_reply(2, last), Step::Wait, "{reads:?}: it has answered");
            assert_eq!(reading.on_stored(2), Step::Wait, "{reads:?}: it has answered");
            assert_eq!(reading.writes_back(), None, "{reads:?}: it has answered");
        }
    }
}

#[test]
fn task6_a_write_back_waits_for_a_write_quorum_and_not_for_a_majority() {
    let mut reading = Reading::new(of(5, 2, 4), Reads::WriteBack);
    reading.on_reply(0, 3);
    assert_eq!(reading.on_reply(1, 5), Step::Store(5, vec![0, 2, 3, 4]));
    assert_eq!(
        [reading.on_stored(0), reading.on_stored(2)],
        [Step::Wait, Step::Wait],
        "three of five have it, and a write asks for four"
    );
    assert_eq!(reading.on_stored(3), Step::Answer(5));
}

#[test]
fn task6_read_repair_answers_at_once_and_mends_those_behind() {
    let mut reading = Reading::new(of(3, 2, 2), Reads::Repair);
    reading.on_reply(0, 3);
    assert_eq!(reading.on_reply(2, 5), Step::AnswerAndStore(5, vec![0]));
    let mut reading = Reading::new(of(3, 2, 2), Reads::Repair);
    reading.on_reply(0, 5);
    assert_eq!(reading.on_reply(2, 5), Step::Answer(5), "nobody is behind");
    // A spare that stands in for one that is away, in a sloppy quorum.
    let mut reading = Reading::new(of(3, 2, 2), Reads::Repair);
    reading.on_reply(4, 3);
    assert_eq!(reading.on_reply(0, 5), Step::AnswerAndStore(5, vec![4]));
}

#[test]
fn task6_a_write_back_comes_before_the_answer() {
    let mut reading = Reading::new(of(5, 3, 3), Reads::WriteBack);
    reading.on_reply(0, 3);
    reading.on_reply(1, 5);
    assert_eq!(
        reading.on_reply(2, 3),
        Step::Store(5, vec![0, 2, 3, 4]),
        "to all that are not known to have it"
    );
    assert_eq!(reading.writes_back(), Some(5), "not answered yet");
    assert_eq!(reading.on_stored(0), Step::Wait, "two of three have it");
    assert_eq!(reading.on_stored(0), Step::Wait, "the same one again");
    assert_eq!(reading.on_stored(3), Step::Answer(5));
    assert_eq!(reading.on_stored(4), Step::Wait, "it has answered");
    assert_eq!(reading.writes_back(), None);
}

#[test]
fn task6_nothing_is_written_back_where_enough_have_it() {
    let mut reading = Reading::new(of(3, 2, 2), Reads::WriteBack);
    reading.on_reply(0, 5);
    assert_eq!(reading.on_reply(1, 5), Step::Answer(5));
    let mut reading = Reading::new(of(3, 2, 1), Reads::WriteBack);
    reading.on_reply(0, 4);
    assert_eq!(reading.on_reply(1, 5), Step::Answer(5), "one is a write quorum");
}

#[test]
fn task6_a_late_reply_with_the_same_or_a_newer_version_counts_as_stored() {
    for (late, step) in [(4, Step::Wait), (5, Step::Answer(5)), (6, Step::Answer(5))] {
        let mut reading = Reading::new(of(3, 2, 2), Reads::WriteBack);
        reading.on_reply(0, 5);
        assert_eq!(reading.on_reply(1, 3), Step::Store(5, vec![1, 2]));
        assert_eq!(
            reading.on_reply(2, late),
            step,
            "a late reply with {late}; what was decided stays decided"
        );
    }
}
