//! A partition's log when batches come again, and what keeps the order of a key.

use placement::{Appended, Batch, Course, Fate, Log, Producer, REMEMBERED, Refused, Sending, partition_for, send};
use proptest::prelude::*;

use crate::seeded;

const A: Producer = Producer { id: 7, epoch: 0 };

fn batch(producer: impl Into<Option<Producer>>, first: i32, records: &[u32]) -> Batch<u32> {
    Batch {
        producer: producer.into(),
        first,
        records: records.to_vec(),
    }
}

/// Batches of so many records, numbered through.
fn batches(count: u32, of: u32) -> Vec<Vec<u32>> {
    (0..count).map(|n| (n * of..(n + 1) * of).collect()).collect()
}

fn through(
    producer: Option<Producer>,
    in_flight: usize,
    batches: &[Vec<u32>],
    fate: impl FnMut(usize, usize) -> Fate,
) -> (Vec<u32>, Course) {
    let mut log = Log::default();
    let course = send(&mut log, batches, Sending { producer, in_flight }, fate);
    (log.records().to_vec(), course)
}

/// This fate for the first attempt of one batch; all else goes well.
fn first_of(batch: usize, fate: Fate) -> impl FnMut(usize, usize) -> Fate {
    move |of, attempt| match (of, attempt) == (batch, 0) {
        true => fate,
        false => Fate::Answered,
    }
}

#[test]
fn task3_without_a_producer_all_that_comes_is_appended() {
    let mut log = Log::default();
    for at in [0, 2, 4] {
        assert_eq!(
            log.append(batch(None, 0, &[1, 2])),
            Ok(Appended::At(at)),
            "nothing tells a repeat from a record; look at `Log::append`"
        );
    }
    assert_eq!(log.records(), [1, 2, 1, 2, 1, 2]);
}

#[test]
fn task3_a_repeat_is_acknowledged_with_its_first_offset_and_appended_once() {
    let mut log = Log::default();
    assert_eq!(log.append(batch(A, 0, &[1, 2, 3])), Ok(Appended::At(0)));
    assert_eq!(
        log.append(batch(A, 3, &[4])),
        Ok(Appended::At(3)),
        "the next number counts records and not batches; look at `Log::append`"
    );
    assert_eq!(
        log.append(batch(A, 0, &[1, 2, 3])),
        Ok(Appended::Before(0)),
        "look at `Log::append`"
    );
    assert_eq!(log.records(), [1, 2, 3, 4], "look at `Log::append`");
}

#[test]
fn task3_what_is_ahead_of_its_turn_is_refused_and_leaves_no_trace() {
    let mut log = Log::default();
    for _ in 0..2 {
        let refused = Refused::OutOfOrder { expected: 0, got: 1 };
        assert_eq!(
            log.append(batch(A, 1, &[2])),
            Err(refused),
            "a first batch has number 0; look at `Log::append`"
        );
    }
    assert_eq!(log.append(batch(A, 0, &[1])), Ok(Appended::At(0)));
    assert_eq!(log.append(batch(A, 1, &[2])), Ok(Appended::At(1)));
    let refused = Refused::OutOfOrder { expected: 2, got: 3 };
    assert_eq!(log.append(batch(A, 3, &[4])), Err(refused), "look at `Log::append`");
    assert_eq!(
        log.records(),
        [1, 2],
        "what is refused is not in the log; look at `Log::append`"
    );
}

#[test]
fn task3_five_batches_are_remembered_and_the_sixth_is_not_known_again() {
    let mut log = Log::default();
    for n in 0..6 {
        assert_eq!(log.append(batch(A, n, &[n as u32])), Ok(Appended::At(n as u64)));
    }
    assert_eq!(REMEMBERED, 5);
    for n in 1..6 {
        assert_eq!(
            log.append(batch(A, n, &[n as u32])),
            Ok(Appended::Before(n as u64)),
            "batch {n} is one of the five newest; look at `Log::append`"
        );
    }
    let refused = Refused::OutOfOrder { expected: 6, got: 0 };
    assert_eq!(
        log.append(batch(A, 0, &[0])),
        Err(refused),
        "batch 0 is older: whether it is there, nobody knows; look at `Log::append`"
    );
    // The same first number with other contents is no repeat.
    let refused = Refused::OutOfOrder { expected: 6, got: 5 };
    assert_eq!(
        log.append(batch(A, 5, &[5, 6])),
        Err(refused),
        "first number and count must both be the same; look at `Log::append`"
    );
}

#[test]
fn task3_a_newer_epoch_begins_anew_and_shuts_the_older_one_out() {
    let mut log = Log::default();
    let newer = Producer { epoch: 1, ..A };
    log.append(batch(A, 0, &[1])).expect("the first");
    let refused = Refused::OutOfOrder { expected: 0, got: 1 };
    assert_eq!(
        log.append(batch(newer, 1, &[9])),
        Err(refused),
        "a new epoch begins at 0; look at `Log::append`"
    );
    assert_eq!(
        log.append(batch(A, 1, &[2])),
        Ok(Appended::At(1)),
        "the newer epoch was refused and has shut nobody out; look at `Log::append`"
    );
    assert_eq!(
        log.append(batch(newer, 0, &[1])),
        Ok(Appended::At(2)),
        "the same number of a new epoch is no repeat; look at `Log::append`"
    );
    assert_eq!(
        log.append(batch(A, 2, &[3])),
        Err(Refused::Fenced { newest: 1 }),
        "look at `Log::append`"
    );
    let other = Producer { id: 8, epoch: 0 };
    assert_eq!(
        log.append(batch(other, 0, &[5])),
        Ok(Appended::At(3)),
        "another id counts for itself; look at `Log::append`"
    );
    assert_eq!(log.append(batch(newer, 1, &[2])), Ok(Appended::At(4)));
}

#[test]
fn task3_behind_the_largest_number_comes_zero() {
    // Records that take no room: 2³¹ of them in 2¹² batches bring the numbers to their end.
    let mut log: Log<()> = Log::default();
    let step = 1 << 19;
    for n in 0..(1 << 12) {
        let records = vec![(); step as usize];
        let batch = Batch {
            producer: Some(A),
            first: n * step,
            records,
        };
        let at = (n as u64) << 19;
        assert_eq!(
            log.append(batch),
            Ok(Appended::At(at)),
            "number {}; look at the next number",
            n * step
        );
    }
    let batch = Batch {
        producer: Some(A),
        first: 0,
        records: vec![()],
    };
    assert_eq!(
        log.append(batch),
        Ok(Appended::At(1 << 31)),
        "after 2147483647 comes 0 again; look at the next number"
    );
}

#[test]
fn task3_a_rejected_batch_stands_behind_its_followers_without_idempotence() {
    let (log, course) = through(None, 5, &batches(6, 1), first_of(0, Fate::Rejected));
    assert_eq!(log, [1, 2, 3, 4, 0, 5], "five were in flight; look at `Log::append`");
    assert_eq!((course.attempts, course.gave_up), (7, None));
    let (log, _) = through(None, 1, &batches(6, 1), first_of(0, Fate::Rejected));
    assert_eq!(log, [0, 1, 2, 3, 4, 5], "one in flight keeps the order");
}

#[test]
fn task3_a_lost_answer_doubles_without_idempotence_even_with_one_in_flight() {
    let (log, _) = through(None, 1, &batches(3, 2), first_of(1, Fate::Unanswered));
    assert_eq!(
        log,
        [0, 1, 2, 3, 2, 3, 4, 5],
        "in order, and twice; look at `Log::append`"
    );
}

#[test]
fn task3_with_idempotence_and_five_in_flight_the_log_is_what_was_sent() {
    for fate in [Fate::Rejected, Fate::Unanswered, Fate::Lost] {
        for unlucky in 0..6 {
            let (log, course) = through(Some(A), 5, &batches(6, 3), first_of(unlucky, fate));
            assert!(
                log.iter().copied().eq(0..18) && course.gave_up.is_none(),
                "batch {unlucky} {fate:?}: {log:?}, {:?}; look at `Log::append`",
                course.gave_up
            );
        }
    }
}

#[test]
fn task3_with_six_in_flight_a_repeat_may_be_remembered_no_more() {
    let (log, course) = through(Some(A), 6, &batches(6, 1), first_of(0, Fate::Unanswered));
    assert_eq!(
        course.gave_up,
        Some(Refused::OutOfOrder { expected: 6, got: 0 }),
        "batch 0 was appended, five more came, and the leader knows five; look at `Log::append`"
    );
    assert_eq!(log, [0, 1, 2, 3, 4, 5], "it is there, and the producer cannot know");
}

#[test]
fn task3_a_producer_that_starts_again_doubles_what_it_sends_again() {
    let mut log = Log::default();
    let sent = batches(2, 1);
    for id in [7, 8] {
        let producer = Some(Producer { id, epoch: 0 });
        send(&mut log, &sent, Sending { producer, in_flight: 5 }, |_, _| {
            Fate::Answered
        });
    }
    assert_eq!(
        log.records(),
        [0, 1, 0, 1],
        "idempotence is about the retries of one producer; look at `Log::append`"
    );
}

#[test]
fn task3_a_key_keeps_its_order_through_retries_because_it_has_one_log() {
    // Two markets on six partitions, a record a batch; by market each has a log, by trade number it is in all of them.
    let records: Vec<(&str, u32)> = (0..60).map(|n| (["KRW-BTC", "KRW-ETH"][n % 2], n as u32)).collect();
    let run = |key: &dyn Fn(&(&str, u32)) -> String| {
        let mut logs = vec![Log::default(); 6];
        for (partition, log) in (0..).zip(&mut logs) {
            let own = |record: &&(&str, u32)| partition_for(key(record).as_bytes(), 6) == Ok(partition);
            let batches: Vec<Vec<(&str, u32)>> = records.iter().filter(own).map(|record| vec![*record]).collect();
            let sending = Sending {
                producer: Some(A),
                in_flight: 5,
            };
            let unlucky = |batch: usize, attempt| match (batch % 3, attempt) {
                (0, 0) => Fate::Rejected,
                (1, 0) => Fate::Unanswered,
                _ => Fate::Answered,
            };
            assert_eq!(send(log, &batches, sending, unlucky).gave_up, None);
        }
        // A reader takes the partitions one after another; no log says how they lie to each other.
        let read: Vec<(&str, u32)> = logs.iter().flat_map(|log| log.records().to_vec()).collect();
        ["KRW-BTC", "KRW-ETH"].map(|market| {
            let of = read.iter().filter(|record| record.0 == market);
            of.map(|record| record.1).collect::<Vec<u32>>()
        })
    };
    for numbers in run(&|(market, _)| (*market).to_owned()) {
        assert!(
            numbers.is_sorted() && numbers.len() == 30,
            "by market: {numbers:?}; look at `Log::append`"
        );
    }
    for numbers in run(&|(market, n)| format!("{market}/{n}")) {
        assert!(
            !numbers.is_sorted() && numbers.len() == 30,
            "by trade, six logs in order do not make one: {numbers:?}"
        );
    }
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        3 => Just(Fate::Answered),
        1 => Just(Fate::Rejected),
        1 => Just(Fate::Unanswered),
        1 => Just(Fate::Lost)
    ];
    prop::collection::vec(fate, 0..40)
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn task3_whatever_is_lost_an_idempotent_producer_leaves_each_record_once_and_in_order(
        sizes in prop::collection::vec(1..4u32, 1..20),
        fates in fates(),
        in_flight in 1..=5usize,
    ) {
        let mut from = 0;
        let batches: Vec<Vec<u32>> = sizes.iter().map(|size| { from += size; (from - size..from).collect() }).collect();
        let mut fates = fates.into_iter();
        let (log, course) = through(Some(A), in_flight, &batches, |_, _| fates.next().unwrap_or(Fate::Answered));
        prop_assert_eq!(course.gave_up, None, "{} in flight; look at `Log::append`", in_flight);
        prop_assert!(log.iter().copied().eq(0..from), "{log:?} with {in_flight} in flight; look at `Log::append`");
    }

    #[test]
    fn task3_without_idempotence_one_in_flight_keeps_the_order_and_nothing_is_lost(fates in fates()) {
        let mut fates = fates.into_iter();
        let (log, _) = through(None, 1, &batches(12, 1), |_, _| fates.next().unwrap_or(Fate::Answered));
        let mut once = log.clone();
        once.dedup();
        prop_assert!(once.iter().copied().eq(0..12), "{log:?}; look at `Log::append`");
    }
}
