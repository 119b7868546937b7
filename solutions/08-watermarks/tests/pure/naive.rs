//! The ways one thinks of first, and how each fails. Nothing here calls the library: these tests are green from the start.

use std::collections::BTreeMap;

/// A record: partition, event time, and when it is read, in milliseconds.
type Record = (usize, i64, i64);

/// How many of the records come at or behind the watermark that stands before each: they are late.
fn late(records: &[Record], mut watermark: impl FnMut(&Record) -> i64) -> usize {
    let mut stands = i64::MIN;
    let count = records.iter().filter(|record| {
        let late = record.1 <= stands;
        stands = stands.max(watermark(record));
        late
    });
    count.count()
}

/// The newest time per partition that has begun; the naive ways combine these.
fn newest(seen: &mut BTreeMap<usize, i64>, (partition, time, _): &Record) -> Vec<i64> {
    let newest = seen.entry(*partition).or_insert(*time);
    *newest = (*time).max(*newest);
    seen.values().copied().collect()
}

// ANCHOR: clock
#[test]
fn a_clock_as_watermark_is_right_while_live_and_drops_all_that_a_replay_brings() {
    let by_the_clock = |(_, _, read): &Record| read - 5_000;
    let live: Vec<Record> = (0..100).map(|n| (0, n * 1_000, n * 1_000 + 200)).collect();
    assert_eq!(late(&live, by_the_clock), 0, "200 ms behind, 5 s allowed");
    let replay: Vec<Record> = live
        .iter()
        .map(|(p, time, read)| (*p, *time, read + 3_600_000))
        .collect();
    assert_eq!(
        late(&replay, by_the_clock),
        99,
        "an hour later all but the very first: the same log, another result"
    );
}
// ANCHOR_END: clock

// ANCHOR: largest
#[test]
fn the_largest_over_partitions_loses_the_records_of_the_slow_one() {
    let records: Vec<Record> = (0..100)
        .flat_map(|n| [(0, 300_000 + n * 1_000, n), (1, n * 1_000, n)])
        .collect();
    let mut seen = BTreeMap::new();
    let largest = |record: &Record| newest(&mut seen, record).into_iter().max().unwrap_or(i64::MIN) - 1;
    assert_eq!(
        late(&records, largest),
        100,
        "every record of partition 1, which is five minutes behind"
    );
    let mut seen = BTreeMap::new();
    let smallest = |record: &Record| match newest(&mut seen, record)[..] {
        [one, other] => one.min(other) - 1,
        _ => i64::MIN,
    };
    assert_eq!(late(&records, smallest), 0, "the smallest loses none");
}
// ANCHOR_END: largest

#[test]
fn the_smallest_of_those_that_have_begun_loses_the_records_of_the_one_that_begins_last() {
    let first = (0..100).map(|n| (0, n * 1_000, n));
    let second = (0..100).map(|n| (1, n * 1_000, 100 + n));
    let records: Vec<Record> = first.chain(second).collect();
    let mut seen = BTreeMap::new();
    let of_those_seen = |record: &Record| newest(&mut seen, record).into_iter().min().unwrap_or(i64::MIN) - 1;
    assert_eq!(
        late(&records, of_those_seen),
        99,
        "all of partition 1 but its last: nobody waited for it"
    );
}

// ANCHOR: stands_still
#[test]
fn the_smallest_without_idleness_stands_still_for_ever() {
    let mut newest = [i64::MIN; 2];
    for n in 0..1_000_000 {
        newest[0] = n;
    }
    assert_eq!(
        newest.into_iter().min(),
        Some(i64::MIN),
        "partition 1 holds the keys of markets in which nobody trades: no window ever closes"
    );
}
// ANCHOR_END: stands_still

// ANCHOR: one_for_all
#[test]
fn one_lateness_for_all_partitions_makes_the_result_depend_on_who_was_read_when() {
    let log = |partition| (0..100).map(move |n| (partition, n * 1_000 - (n % 2) * 3_000, 0));
    let in_turn: Vec<Record> = log(0).zip(log(1)).flat_map(|(one, other)| [one, other]).collect();
    let one_by_one: Vec<Record> = log(0).chain(log(1)).collect();
    let run = |records: &[Record]| {
        let mut newest = i64::MIN;
        late(records, |(_, time, _)| {
            newest = newest.max(*time);
            newest - 2_000
        })
    };
    let (turns, halves) = (run(&in_turn), run(&one_by_one));
    assert_ne!(
        turns, halves,
        "the same two logs: which records are late must not depend on the reader"
    );
}
// ANCHOR_END: one_for_all

#[test]
fn subtracting_the_bound_from_the_beginning_of_time_ends_at_the_end_of_time() {
    let wrapped = i64::MIN.wrapping_sub(10).wrapping_sub(1);
    assert!(
        wrapped > 1 << 62,
        "{wrapped}: before the first record all windows close and all records are late"
    );
}
