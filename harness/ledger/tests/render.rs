//! What a person reads: one report of each verdict, from audits of runs in vectors.

mod support;

use std::path::Path;

use ledger::{FaultOutcome, LedgerError, Repair, Report, StackFacts, Verdict};
use support::run;

/// Gives the report the facts that only a run on servers has.
fn dress(mut report: Report) -> Report {
    report.journal = true;
    report.source = "generate".into();
    report.seed = Some(7);
    report.duration_s = 60.0;
    report.markets = 7;
    report.workers = 2;
    report.trades_per_second = 2_012.4;
    report.latency_ms = ledger::LatencyMs {
        p50: 12.3,
        p99: 48.81,
        p999: 301.0,
        max: 1_204.5,
    };
    report.repair = Repair {
        gaps: 1,
        repaired: 402,
        repair_ms: 1_900,
    };
    report.stack = StackFacts {
        provider: "local".into(),
        versions: [("kafka".into(), "4.3.1".into()), ("clickhouse".into(), "25.8.2".into())].into(),
    };
    report.faults = vec![FaultOutcome {
        name: "socket-drop".into(),
        at_s: 10.0,
        struck: true,
        what: "1 connection reset; the feed was back after 0.4 s and repaired 402 trades over REST".into(),
    }];
    report.audit_s = 0.8;
    report
}

fn narrow(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "wider than 80 columns: {line}");
        assert_eq!(line, line.trim_end(), "spaces at the end of a line");
    }
}

#[test]
fn a_pass_shows_every_stage_and_says_nothing_of_failures() {
    let text = dress(run(7, 3_000, 40).audit()).render();
    narrow(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn a_report_says_whose_code_ran_and_one_of_before_labs_says_the_reference() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let mut report = dress(run(7, 300, 40).audit());
    report.mine = vec!["05-acks".into(), "08-watermarks".into()];
    report.write(&file).unwrap();
    let text = Report::read(&file).unwrap().render();
    narrow(&text);
    let line = "code yours: 05-acks, 08-watermarks; the rest reference";
    assert!(text.lines().any(|found| found == line), "{text}");

    let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    json.as_object_mut()
        .unwrap()
        .remove("mine")
        .expect("the report names the labs");
    std::fs::write(&file, json.to_string()).unwrap();
    let text = Report::read(&file).unwrap().render();
    assert!(text.lines().any(|found| found == "code reference"), "{text}");
}

#[test]
fn a_fail_names_stages_and_examples_and_what_to_do_next() {
    let mut run = run(7, 3_000, 40);
    run.rows.remove(1_000);
    run.rows.push(run.rows[4]);
    run.rows[40].1.price = "1".parse().unwrap();
    run.sent.push(market::Trade {
        sequential_id: 1,
        ..run.sent[0]
    });
    let newest = run.newest_candle(400);
    run.candles[newest].trades += 1;
    run.letters.clear();
    let text = dress(run.audit()).render();
    narrow(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn an_inconclusive_run_says_why_and_what_to_do() {
    let mut run = run(7, 0, 40);
    run.bad_frames.clear();
    run.letters.clear();
    let never = FaultOutcome {
        name: "broker-kill".into(),
        at_s: 90.0,
        struck: false,
        what: "the run ended before it was due".into(),
    };
    run.facts.faults.push(never.clone());
    let mut report = dress(run.audit());
    report.faults.push(never);
    let text = report.render();
    narrow(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn a_report_survives_the_file_and_one_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    let report = dress(run(7, 300, 40).audit());
    report.write(&path).unwrap();
    assert_eq!(Report::read(&path).unwrap(), report);

    let value: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for field in [
        "sent",
        "lost",
        "duplicated",
        "late",
        "reordered",
        "dead_letters",
        "trades_per_second",
    ] {
        assert!(value[field].is_number(), "{field} must be a number: {value:#}");
    }
    assert_eq!(value["verdict"], "PASS");
    assert!(value["latency_ms"]["p999"].is_number() && value["faults"].is_array());

    std::fs::write(&path, "{").unwrap();
    let error = Report::read(&path).unwrap_err();
    assert!(error.to_string().contains("report.json"), "{error}");
    assert!(Report::read(Path::new("/nowhere/report.json")).is_err());
    let codes = [Verdict::Pass, Verdict::Fail, Verdict::Inconclusive].map(Verdict::exit_code);
    assert_eq!(codes, [0, 1, 2]);
    assert!(matches!(error, LedgerError::File { .. }));
}
