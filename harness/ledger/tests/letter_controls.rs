//! Negative controls of the dead letters: bad frames without a letter, letters without a bad frame.

mod support;

use ledger::{Finding, Verdict};
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
    run.letters.push(Letter { bytes: broken.payload });
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
fn a_letter_nobody_sent_fails_and_one_with_a_good_trade_says_which() {
    let mut run = base();
    run.letters.push(Letter {
        bytes: b"{\"foreign\":1}".to_vec(),
    });
    fails(
        &run.audit(),
        "1 dead letter of bytes",
        Some((Finding::DeadLetterUnexpected, "foreign")),
    );

    let mut run = base();
    let (_, trade) = run.rows.remove(9);
    run.letters.push(Letter {
        bytes: support::json(&trade),
    });
    let report = run.audit();
    assert_eq!(
        (report.dead_lettered, report.lost, report.verdict),
        (1, 0, Verdict::Fail),
        "{}",
        report.render()
    );
}
