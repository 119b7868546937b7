//! Negative controls of the dead letters: bad frames without a letter, letters without a bad frame.

#![allow(clippy::unwrap_used)] // a helper of tests: a panic is the failure

mod support;

use exchange::journal;
use ledger::{BadFrame, Finding, Verdict};
use support::{Letter, base, fails, record};

#[test]
fn a_record_outside_the_schema_is_the_ingests_and_must_be_a_dead_letter() {
    let mut run = base();
    let next = run.topic.iter().filter(|record| record.at.partition == 1).count() as i64;
    let mut broken = record(1, next, &run.sent[0]);
    broken.payload.truncate(30);
    run.topic.push(broken.clone());
    let report = run.audit();
    assert_eq!(report.verdict, Verdict::Fail);
    assert_eq!(
        (report.unreadable, report.dead_letter_check.missing),
        (1, 1),
        "{}",
        report.render()
    );
    run.letters
        .push(Letter::from(&format!("trades-1@{next}"), &broken.payload));
    fails(
        &run.audit(),
        "1 record in the topic outside the schema",
        Some((Finding::Unreadable, &format!("1@{next}"))),
    );
}

#[test]
fn a_bad_frame_without_a_dead_letter_is_missing_unless_it_went_down_with_the_socket() {
    let mut run = base();
    run.letters.clear();
    let words = "dead letters: 1 bad frame not in the topic of dead letters";
    fails(
        &run.audit(),
        words,
        Some((Finding::DeadLetterMissing, "garbage, connection 1")),
    );

    run.bad_frames[0].cut = true;
    let report = run.audit();
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.render());
    assert_eq!(report.dead_letter_check.went_down_with_the_socket, 1);
}

/// The lists of an exchange that sent two bad frames on one connection, of which the client had read the first when the
/// connection came to its end.
fn lists(end: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let frames = [(1, LONG_BEFORE, 10_000_000), (2, JUST_BEFORE, 49_900_000)];
    let lines = frames.map(|(n, bytes, sent_us)| {
        let sha256: String = ledger::hash(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let bytes = bytes.len();
        format!(
            r#"{{"n":{n},"kind":"garbage","connection":1,"sent_us":{sent_us},"bytes":{bytes},"sha256":"{sha256}"}}"#
        ) + "\n"
    });
    std::fs::write(folder.path().join(journal::BAD_FRAMES_FILE), lines.concat()).unwrap();
    let connection = format!(r#"{{"connection":1,"opened_us":1,"ended_us":50000000,"end":"{end}","confirmed":1}}"#);
    std::fs::write(folder.path().join(journal::CONNECTIONS_FILE), connection + "\n").unwrap();
    folder
}

const LONG_BEFORE: &[u8] = b"\xfflong before the cut";
const JUST_BEFORE: &[u8] = b"\xffjust before the cut";

#[test]
fn a_cut_or_a_crash_of_the_client_excuses_the_frames_just_before_it_and_none_that_was_read() {
    for end in ["cut", "half-open", "gone", "slow", "idle"] {
        let folder = lists(end);
        let listed = journal::bad_frames(folder.path()).unwrap();
        let mut run = base();
        run.bad_frames
            .extend(listed.iter().map(|entry| BadFrame::listed(entry).unwrap()));
        let mut read_is_there = run.clone();
        read_is_there.letters.push(Letter::new(LONG_BEFORE));
        let report = read_is_there.audit();
        assert_eq!(report.verdict, Verdict::Pass, "{end}: {}", report.render());
        assert_eq!(report.dead_letter_check.went_down_with_the_socket, 1, "{end}");

        run.letters.push(Letter::new(JUST_BEFORE));
        fails(
            &run.audit(),
            "dead letters: 1 bad frame not in the topic of dead letters",
            Some((Finding::DeadLetterMissing, "bad frame 1")),
        );
    }
    for end in ["left", "refused", "stopped"] {
        let listed = journal::bad_frames(lists(end).path()).unwrap();
        assert!(listed.iter().all(|entry| !entry.maybe_lost), "{end}");
    }
}

#[test]
fn of_equal_bad_frames_each_needs_its_letter() {
    let mut run = base();
    run.bad_frames.push(run.bad_frames[0].clone());
    let mut cut = run.bad_frames[0].clone();
    cut.cut = true;
    run.bad_frames.push(cut);
    let report = run.audit();
    assert_eq!(
        (report.dead_letter_check.matched, report.dead_letter_check.missing),
        (1, 1)
    );
    run.letters.push(run.letters[0].clone());
    assert_eq!(run.audit().verdict, Verdict::Pass);
}

#[test]
fn the_letter_of_a_record_may_be_written_again_by_a_worker_that_replays_and_no_other_letter_may() {
    let mut run = base();
    let next = run.topic.iter().filter(|record| record.at.partition == 1).count() as i64;
    for offset in [next, next + 1] {
        let mut broken = record(1, offset, &run.sent[0]);
        broken.payload.truncate(30); // both records have the same bytes
        run.letters
            .push(Letter::from(&format!("trades-1@{offset}"), &broken.payload));
        run.topic.push(broken);
    }
    let replayed = run.letters[run.letters.len() - 1].clone();
    run.letters.push(replayed.clone());
    let report = run.audit();
    let check = report.dead_letter_check;
    assert_eq!(
        (report.dead_letters, check.expected, check.matched, check.unexpected),
        (4, 3, 3, 0),
        "{}",
        report.render()
    );
    fails(&report, "2 records in the topic outside the schema", None);

    // The first worker's letter does not stand for the second record's.
    run.letters.retain(|letter| letter.source != replayed.source);
    assert_eq!(run.audit().dead_letter_check.missing, 1);

    // Other bytes from there, or a frame's letter twice, are nobody's.
    for letter in [
        Letter::from("trades-1@7", b"other"),
        Letter::new(&replayed.bytes),
        run.letters[0].clone(),
    ] {
        let mut run = run.clone();
        run.letters.push(replayed.clone());
        run.letters.push(letter.clone());
        assert_eq!(run.audit().dead_letter_check.unexpected, 1, "{letter:?}");
    }
}

#[test]
fn a_letter_nobody_sent_fails_and_one_with_a_good_trade_says_which() {
    let mut run = base();
    run.letters.push(Letter::new(b"{\"foreign\":1}"));
    fails(
        &run.audit(),
        "1 dead letter of bytes",
        Some((Finding::DeadLetterUnexpected, "foreign")),
    );

    let mut run = base();
    let (_, trade) = run.rows.remove(9);
    run.letters.push(Letter::new(&support::json(&trade)));
    let report = run.audit();
    assert_eq!(
        (report.dead_lettered, report.lost, report.verdict),
        (1, 0, Verdict::Fail),
        "{}",
        report.render()
    );
}
