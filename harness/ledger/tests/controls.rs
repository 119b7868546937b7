//! Negative controls: a run that is right must pass, and each thing broken in it must fail, at the right stage, with the
//! right example.

mod support;

use ledger::{Finding, Report, Verdict};
use market::{Amount, Decimal, EventTime, Interval};
use support::{Letter, Random, Run, record, run};

fn base() -> Run {
    run(7, 3_000, 40)
}

#[track_caller]
fn fails(report: &Report, words: &str, finding: Option<(Finding, &str)>) {
    assert_eq!(report.verdict, Verdict::Fail, "{}", report.render());
    assert_eq!(
        report.reasons.len(),
        1,
        "one thing is broken, so one reason: {:#?}",
        report.reasons
    );
    assert!(
        report.reasons[0].contains(words),
        "want {words:?}: {:?}",
        report.reasons
    );
    if let Some((finding, words)) = finding {
        let of = report.examples.iter().filter(|example| example.finding == finding);
        let details: Vec<_> = of.map(|example| example.detail.as_str()).collect();
        assert!(
            details.iter().any(|detail| detail.contains(words)),
            "want {words:?}: {:#?}",
            report.examples
        );
    }
}

#[test]
fn a_right_run_passes_with_its_attributes_counted() {
    for seed in 0..6 {
        // Spacings from a burst in which windows hardly ever fire to one trade every two seconds.
        let run = run(seed, 2_000, [1, 5, 40, 200, 900, 2_000][seed as usize]);
        let report = run.audit();
        assert_eq!(
            report.verdict,
            Verdict::Pass,
            "seed {seed}: {}\n{:#?}",
            report.render(),
            report.candles.examples
        );
        assert_eq!((report.sent, report.once, report.rows), (2_000, 2_000, 2_000));
        assert_eq!(report.repeats, run.topic.len() as u64 - 2_000);
        assert_eq!(report.candles.equal, report.candles.expected);
        assert!(
            report.reordered > 0 && report.late > 0,
            "the generator makes latecomers: {report:#?}"
        );
        assert!(report.candles.expected > 0 && report.candles.rows as usize == run.candles.len());
    }
}

#[test]
fn a_row_that_is_missing_is_lost_at_the_worker() {
    let mut run = base();
    let (at, trade) = run.rows.remove(1_234);
    let report = run.audit();
    fails(
        &report,
        "worker (topic → table): 1 trade lost",
        Some((Finding::LostWorker, &trade.sequential_id.to_string())),
    );
    assert_eq!((report.lost, report.lost_by_stage.worker, report.once), (1, 1, 2_999));
    assert!(
        report.examples[0]
            .detail
            .contains(&format!("{}@{}", at.partition, at.offset))
    );
}

#[test]
fn a_trade_that_never_reached_the_topic_is_lost_at_the_ingest() {
    let mut run = base();
    let mut lost = run.sent[500];
    lost.sequential_id += 1;
    run.sent.push(lost);
    let report = run.audit();
    fails(
        &report,
        "ingest (exchange → topic): 1 trade lost",
        Some((Finding::LostIngest, &lost.sequential_id.to_string())),
    );
    assert_eq!((report.lost, report.lost_by_stage.ingest, report.sent), (1, 1, 3_001));
}

#[test]
fn a_row_whose_record_is_gone_from_the_topic_is_unexplained() {
    let mut run = base();
    let mut trade = run.sent[500];
    trade.sequential_id += 1;
    run.sent.push(trade);
    run.rows.push((
        market::Position {
            partition: 0,
            offset: 1_000_000,
        },
        trade,
    ));
    let report = run.audit();
    fails(
        &report,
        "in the table that the topic does not hold",
        Some((Finding::UnexpectedWorker, "was sent")),
    );
}

#[test]
fn a_row_that_stands_twice_is_duplicated() {
    let mut run = base();
    run.rows.push(run.rows[77]);
    let report = run.audit();
    fails(&report, "1 trade duplicated", Some((Finding::Duplicated, "2 rows")));
    assert_eq!((report.duplicated, report.once), (1, 2_999));
}

#[test]
fn a_repeat_that_the_worker_took_for_a_new_trade_is_duplicated() {
    let mut run = base();
    let trade = Run::trade(&run.topic[10]);
    let partition = run.topic[10].at.partition;
    let next = run
        .topic
        .iter()
        .filter(|record| record.at.partition == partition)
        .count() as i64;
    let repeat = record(partition, next, &trade);
    run.rows.push((repeat.at, trade));
    run.topic.push(repeat);
    let report = run.audit();
    fails(
        &report,
        "1 trade duplicated",
        Some((Finding::Duplicated, &format!("{partition}@{next}"))),
    );
}

#[test]
fn altered_values_in_the_table_are_named_with_both_numbers() {
    let one: Decimal = "1.5".parse().unwrap();
    type Change = fn(&mut market::Trade, &mut market::Position);
    let changes: [(Change, &str); 7] = [
        (|trade, _| trade.price = "1.5".parse().unwrap(), "→ 1.5"),
        (|trade, _| trade.price = -trade.price, "→ -1"),
        (|trade, _| trade.volume = "1.5".parse().unwrap(), "volume 0."),
        (
            |trade, _| {
                trade.side = if trade.side == market::Side::Bid {
                    market::Side::Ask
                } else {
                    market::Side::Bid
                }
            },
            "side",
        ),
        (
            |trade, _| trade.event_time = trade.event_time.saturating_add(1),
            "event time",
        ),
        (
            |trade, _| trade.sent_time = trade.sent_time.saturating_add(1),
            "send time",
        ),
        (|_, at| at.offset += 1, "position"),
    ];
    for (change, words) in changes {
        let mut run = base();
        let (at, trade) = &mut run.rows[99];
        assert_ne!(trade.price, one);
        change(trade, at);
        let report = run.audit();
        fails(
            &report,
            "worker (topic → table): 1 trade in the table with other values",
            Some((Finding::AlteredWorker, words)),
        );
        assert_eq!(report.altered.worker, 1);
    }
}

#[test]
fn an_altered_price_in_the_topic_is_the_ingests() {
    let mut run = base();
    let at = run.topic.len() - 1;
    let mut trade = Run::trade(&run.topic[at]);
    trade.volume = "77.00000001".parse().unwrap();
    run.topic[at].payload = support::json(&trade);
    run.pipe(); // the pipeline behind it does its work faithfully
    let report = run.audit();
    let words = "ingest (exchange → topic): 1 trade in the topic with other values";
    fails(&report, words, Some((Finding::AlteredIngest, "→ 77.00000001")));
}

#[test]
fn a_trade_that_was_never_sent_is_unexpected_in_the_topic_and_in_the_table() {
    let mut topic = base();
    let removed = topic.sent.remove(1_000);
    let report = topic.audit();
    let words = "ingest (exchange → topic): 1 trade in the topic that the exchange never sent";
    fails(
        &report,
        words,
        Some((Finding::UnexpectedIngest, &removed.sequential_id.to_string())),
    );
    assert_eq!(report.sent, 2_999);

    let mut table = base();
    let (at, mut trade) = table.rows[5];
    trade.sequential_id = 1;
    table.rows.push((at, trade));
    let words = "worker (topic → table): 1 trade in the table that the topic does not hold";
    fails(&table.audit(), words, Some((Finding::UnexpectedWorker, " 1 of ")));
}

#[test]
fn records_in_another_partition_or_under_another_key_are_misplaced() {
    let mut run = base();
    run.topic[40].key = b"KRW-XXX".to_vec();
    let words = "1 record in another partition or under another key";
    fails(&run.audit(), words, Some((Finding::Misplaced, "KRW-XXX")));
}

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
fn every_wrong_field_of_a_candle_is_found_by_name() {
    type Change = fn(&mut market::Candle);
    let changes: [(Change, &str); 7] = [
        (|c| c.open = "1".parse().unwrap(), "open"),
        (|c| c.high = "9999999".parse().unwrap(), "high"),
        (|c| c.low = "0.00000001".parse().unwrap(), "low"),
        (|c| c.close = "1".parse().unwrap(), "close"),
        (
            |c| c.volume = c.volume.checked_add(Decimal::from_units(1).unwrap()).unwrap(),
            "volume",
        ),
        (
            |c| c.quote_volume = c.quote_volume.checked_add(Amount::from_units(1).unwrap()).unwrap(),
            "quote_volume",
        ),
        (|c| c.trades += 1, "trades"),
    ];
    for (change, column) in changes {
        let mut run = base();
        let at = run.newest_candle(300);
        change(&mut run.candles[at]);
        let report = run.audit();
        fails(&report, "windows (topic → candles): 1 candle differing", None);
        assert_eq!(
            (report.candles.differing, report.candles.equal),
            (1, report.candles.expected - 1)
        );
        let example = &report.candles.examples[0];
        assert_eq!(example.columns, [column]);
        assert_eq!(example.found, Some(run.candles[at]));
    }
}

#[test]
fn a_missing_newest_version_is_stale_and_a_missing_candle_is_missing() {
    let mut run = base();
    let minute = run
        .candles
        .iter()
        .position(|candle| candle.interval == Interval::M1)
        .unwrap();
    let at = run.newest_candle(minute);
    let newest = run.candles.remove(at);
    let report = run.audit();
    fails(&report, "windows (topic → candles): 1 candle stale", None);
    let example = &report.candles.examples[0];
    assert_eq!(example.expected, Some(newest));
    assert!(example.columns.contains(&"kafka_offset".to_owned()), "{example:?}");

    run.candles
        .retain(|c| (c.market, c.interval, c.start) != (newest.market, newest.interval, newest.start));
    let report = run.audit();
    fails(&report, "1 candle missing", None);
    assert_eq!(
        (report.candles.examples[0].expected, report.candles.examples[0].found),
        (Some(newest), None)
    );
}

#[test]
fn a_candle_beyond_the_log_and_one_from_nothing_are_found() {
    let mut run = base();
    let at = run.newest_candle(100);
    run.candles[at].version.offset += 100_000;
    let report = run.audit();
    fails(&report, "1 candle differing", None);
    assert_eq!(report.candles.examples[0].columns, ["kafka_offset"]);

    let mut run = base();
    let mut candle = run.candles[0];
    candle.start = EventTime::from_millis(candle.start.millis() - 86_400_000);
    run.candles.push(candle);
    let report = run.audit();
    fails(&report, "1 candle in the table that no trade supports", None);
    assert_eq!(report.candles.examples[0].found, Some(candle));
}

#[test]
fn a_version_that_stands_twice_is_doubled_even_if_it_is_an_old_one() {
    for newest in [true, false] {
        let mut run = base();
        let minute = run
            .candles
            .iter()
            .position(|candle| candle.interval == Interval::M1)
            .unwrap();
        let at = if newest { run.newest_candle(minute) } else { minute };
        run.candles.push(run.candles[at]);
        let report = run.audit();
        fails(&report, "1 version of a candle more than once", None);
        assert_eq!(report.candles.doubled, 1);
    }
}

#[test]
fn a_trade_that_was_too_late_and_still_applied_makes_its_candle_differ() {
    let mut run = base();
    let tolerated = run.clone();
    assert!(
        run.audit().too_late > 0,
        "the generator makes trades too late for their candles"
    );
    // The pipeline forgets to drop: it works with a lateness that never ends, the audit with the one agreed on.
    run.terms.lateness_ms = i64::MAX / 4;
    run.pipe();
    run.terms = tolerated.terms;
    let report = run.audit();
    assert_eq!(report.verdict, Verdict::Fail);
    assert!(
        report
            .reasons
            .iter()
            .all(|reason| reason.starts_with("windows (topic → candles)")),
        "{:?}",
        report.reasons
    );
    assert!(report.candles.differing > 0);
    assert_eq!(report.lost, 0);
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

#[test]
fn without_a_journal_the_topic_is_the_base() {
    let mut run = base();
    run.terms.journal = false;
    run.sent.clear();
    run.bad_frames.clear(); // the real exchange lists none, and its bad frames are dead letters all the same
    let report = run.audit();
    assert_eq!(
        (report.verdict, report.sent),
        (Verdict::Pass, 3_000),
        "{}",
        report.render()
    );
    run.rows.remove(3);
    fails(&run.audit(), "worker (topic → table): 1 trade lost", None);
}

#[test]
fn a_run_that_proves_nothing_is_inconclusive() {
    let mut nothing = run(1, 0, 1);
    let report = nothing.audit();
    assert_eq!(report.verdict, Verdict::Inconclusive);
    assert!(report.reasons[0].contains("nothing was sent"));
    nothing.letters.clear();
    assert_eq!(
        nothing.audit().verdict,
        Verdict::Fail,
        "a missing dead letter is wrong even without trades"
    );

    let mut run = base();
    run.facts.faults.push(ledger::FaultOutcome {
        name: "broker-kill".into(),
        at_s: 10.0,
        ..Default::default()
    });
    let report = run.audit();
    assert_eq!(report.verdict, Verdict::Inconclusive);
    assert!(
        report.reasons[0].contains("broker-kill never struck"),
        "{:?}",
        report.reasons
    );
    run.rows.pop();
    assert_eq!(
        run.audit().verdict,
        Verdict::Fail,
        "a loss is a loss, whether the fault struck or not"
    );
}

#[test]
fn what_is_absent_from_a_run_that_was_not_drained_may_be_on_its_way_but_what_is_twice_is_twice() {
    let mut run = base();
    run.facts.not_drained = Some("the worker was 3 records behind".into());
    run.rows.truncate(run.rows.len() - 3);
    let report = run.audit();
    assert_eq!(
        (report.verdict, report.lost),
        (Verdict::Inconclusive, 3),
        "{}",
        report.render()
    );
    run.rows.push(run.rows[0]);
    assert_eq!(run.audit().verdict, Verdict::Fail);
}

#[test]
fn two_audits_of_one_run_give_the_same_report() {
    let mut run = base();
    let mut random = Random(3);
    for _ in 0..40 {
        let at = random.below(run.rows.len() as u64) as usize;
        run.rows.remove(at);
    }
    let (one, two) = (run.audit(), run.audit());
    assert_eq!(one, two);
    assert_eq!(one.examples.len(), 5, "the first five of forty: {:#?}", one.examples);
}
