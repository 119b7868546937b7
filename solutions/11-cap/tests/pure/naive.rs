//! The ways one thinks of first, and how each fails. Nothing here calls what is to be built: these tests are green from the start.

use std::collections::BTreeMap;

// ANCHOR: majority
/// Three replicas; a read asks two of them and answers the newest.
fn majority(replicas: [u64; 3], asked: [usize; 2]) -> u64 {
    replicas[asked[0]].max(replicas[asked[1]])
}

#[test]
fn a_majority_believed_linearizable_goes_back_in_time() {
    let written = [1; 3];
    // A write of 2 has reached one replica and waits for a second one.
    let during = [2, written[1], written[2]];
    let (first, second) = (majority(during, [0, 1]), majority(during, [1, 2]));
    assert_eq!(
        (first, second),
        (2, 1),
        "the second reader began after the first had its answer, and sees less"
    );
}
// ANCHOR_END: majority

// ANCHOR: retries
/// A log that appends every request and loses every second answer.
#[derive(Default)]
struct Forgetful {
    log: Vec<u64>,
    requests: u32,
}

impl Forgetful {
    fn write(&mut self, record: u64) -> Result<(), &'static str> {
        self.requests += 1;
        self.log.push(record);
        if self.requests % 2 == 1 {
            Err("timed out")
        } else {
            Ok(())
        }
    }
}

#[test]
fn a_retry_after_every_error_doubles_what_was_written_and_not_heard() {
    let mut log = Forgetful::default();
    for record in 0..10 {
        while log.write(record).is_err() {}
    }
    assert_eq!(
        log.log.len(),
        20,
        "each of ten records twice, and no error was ever shown to anybody"
    );
}

#[test]
fn no_retry_after_any_error_calls_lost_what_is_there() {
    let mut log = Forgetful::default();
    let failed = (0..10).filter(|record| log.write(*record).is_err()).count();
    assert_eq!(
        (failed, log.log.len()),
        (5, 10),
        "five are reported as failed, and none is missing"
    );
}
// ANCHOR_END: retries

// ANCHOR: offsets
#[test]
fn a_loss_report_by_offsets_alone_finds_nothing_missing() {
    // The deposed leader acknowledged offsets 10 to 15; the next one has written 10 to 29 since.
    let acknowledged: Vec<(i64, &str)> = (10..16).map(|offset| (offset, "old leader")).collect();
    let healed: BTreeMap<i64, &str> = (0..30)
        .map(|offset| (offset, if offset < 10 { "old leader" } else { "new leader" }))
        .collect();
    let by_offset = acknowledged
        .iter()
        .filter(|(offset, _)| !healed.contains_key(offset))
        .count();
    let by_writer = acknowledged
        .iter()
        .filter(|(offset, by)| healed.get(offset) != Some(by))
        .count();
    assert_eq!(
        (by_offset, by_writer),
        (0, 6),
        "every offset is taken, by somebody else's records"
    );
}
// ANCHOR_END: offsets

#[test]
fn truncating_to_the_high_watermark_loses_what_was_committed() {
    // Both have two records, and both are committed; the follower hears of that with its next fetch, which does not come.
    let (leader, follower, followers_high_watermark) = (vec!["a", "b"], vec!["a", "b"], 1);
    let restarted: Vec<&str> = follower[..followers_high_watermark].to_vec();
    // The leader dies before the follower has fetched again; the follower leads, and the old leader follows it.
    let healed = restarted;
    let lost: Vec<&&str> = leader.iter().filter(|record| !healed.contains(record)).collect();
    assert_eq!(
        lost,
        [&"b"],
        "acknowledged by all in sync, and gone: why followers ask for epochs since 0.11 (KIP-101)"
    );
}

// ANCHOR: time
/// A replica applied its last record at a time; its lag is how long ago that is.
struct Lagging {
    applied: i64,
    heard_s: u64,
}

#[test]
fn lag_measured_by_time_calls_a_replica_fresh_that_lacks_my_write() {
    let mine = 1_000;
    let busy = Lagging {
        applied: 1_000,
        heard_s: 99,
    };
    let now_s = 100;
    assert!(
        now_s - busy.heard_s <= 1,
        "one second behind: fresh enough, one would say"
    );
    assert!(
        busy.applied <= mine,
        "and the record at offset 1,000, written half a second ago, is not there"
    );
    let quiet = Lagging {
        applied: 1_001,
        heard_s: 10,
    };
    assert!(
        now_s - quiet.heard_s > 60,
        "a minute and a half behind: too old, one would say"
    );
    assert!(quiet.applied > mine, "and it has everything: nothing else was written");
}
// ANCHOR_END: time

// ANCHOR: random
#[test]
fn a_dashboard_that_reads_from_a_random_replica_goes_back_every_other_time() {
    // Two replicas, the second one always 40 records behind; reads take turns, as a balancer does.
    let shown: Vec<i64> = (0..100)
        .map(|second| 1_000 + second * 10 - if second % 2 == 1 { 40 } else { 0 })
        .collect();
    let back = shown.windows(2).filter(|pair| pair[1] < pair[0]).count();
    assert_eq!(back, 50, "of 99 refreshes, half show less than the one before");
}
// ANCHOR_END: random

#[test]
fn the_same_replica_each_time_never_goes_back_and_never_shows_my_write() {
    let (wrote, mine) = (900, [860, 870, 880]);
    assert!(mine.is_sorted(), "monotonic, while that replica lives");
    assert!(
        mine.iter().all(|applied| *applied <= wrote),
        "and the user's own change is missing at each look"
    );
}

// ANCHOR: positions_before
#[test]
fn noting_what_a_replica_had_before_it_answered_forgets_what_it_showed() {
    let (before, in_the_answer, other) = (10, 14, 12);
    assert!(other >= before, "the other replica seems far enough");
    assert!(
        other < in_the_answer,
        "and shows less than what the user has seen already"
    );
}
// ANCHOR_END: positions_before
