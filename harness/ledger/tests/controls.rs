//! Negative controls of the trades: a run that is right must pass, and each thing broken in it must fail, at the right
//! stage, with the right example.

mod support;

use ledger::{Finding, Verdict};
use market::Decimal;
use support::{Random, Run, base, fails, record, run};

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
fn a_pipeline_that_failed_fails_whatever_is_there_and_first_of_all_reasons() {
    let mut run = base();
    run.facts.pipeline_failed = Some("the ingest ended with exit status: 101".into());
    let report = run.audit();
    fails(&report, "pipeline: it failed", None);
    assert!(report.reasons[0].ends_with("exit status: 101"), "{:?}", report.reasons);
    assert!(
        report.render().contains("pipeline: the log of the process"),
        "{}",
        report.render()
    );

    // Whether the user stopped it afterwards, or a fault could not strike any more, or a trade is missing too.
    run.facts.not_drained = Some("it was stopped".into());
    run.facts.faults.push(ledger::FaultOutcome {
        name: "broker-kill".into(),
        ..Default::default()
    });
    run.rows.pop();
    let report = run.audit();
    assert_eq!(report.verdict, Verdict::Fail);
    let begins = [
        "pipeline: ",
        "worker ",
        "the fault broker-kill",
        "the run was not drained",
    ];
    let reasons = &report.reasons;
    assert_eq!(reasons.len(), begins.len(), "{reasons:#?}");
    for (reason, begin) in reasons.iter().zip(begins) {
        assert!(reason.starts_with(begin), "{begin:?}: {reasons:#?}");
    }

    let mut nothing = support::run(1, 0, 1);
    nothing.facts.pipeline_failed = Some("workers die as soon as they are started".into());
    assert_eq!(nothing.audit().verdict, Verdict::Fail, "also before anything was sent");
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
