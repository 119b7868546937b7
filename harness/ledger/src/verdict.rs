//! From counts to a verdict: which counts are a FAIL, which only say that the run proved nothing, and the sentences.

use crate::report::{ByStage, LatencyMs, Report, Verdict};
use crate::{AuditInput, LedgerError, RunFacts};

/// Puts the facts of the run into the report.
pub(crate) fn facts(report: &mut Report, input: &AuditInput) {
    let run = &input.run;
    report.command.clone_from(&run.command);
    report.started_ms = run.started_ms;
    report.mine.clone_from(&run.mine);
    report.brokers = run.brokers;
    report.acks.clone_from(&run.acks);
    report.source.clone_from(&run.source);
    report.journal = input.journal.is_some();
    report.seed = run.seed;
    report.duration_s = run.duration_s;
    report.markets = run.markets;
    report.workers = run.workers;
    report.encoding = input.encoding;
    report.stack = run.stack.clone();
    report.faults.clone_from(&run.faults);
    report.repair = run.repair;
    report.latency_ms = LatencyMs {
        p50: run.latency.millis_at(0.5),
        p99: run.latency.millis_at(0.99),
        p999: run.latency.millis_at(0.999),
        max: run.latency.max_millis(),
    };
}

/// The report of a run that could not be audited: INCONCLUSIVE, with the reason, and with what is known of the run. Also
/// where the pipeline failed: a pipeline that gives up because its servers are gone is not what was to be judged.
pub fn inconclusive(input: &AuditInput, error: &LedgerError) -> Report {
    let mut report = Report::default();
    facts(&mut report, input);
    report.reasons = vec![format!("the audit could not be made: {error}")];
    report.reasons.extend(failed(&input.run));
    report
}

fn failed(run: &RunFacts) -> Option<String> {
    let why = run.pipeline_failed.as_ref()?;
    Some(format!(
        "pipeline: it failed, so that what was left stayed where it was: {why}"
    ))
}

fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What a reason begins with, in the order of the stages.
const STAGES: [&str; 5] = ["pipeline", "ingest", "worker", "windows", "dead letters"];

/// Decides, and says why: one sentence for each thing that is wrong, each naming its stage.
pub(crate) fn judge(report: &mut Report, run: &RunFacts) {
    let mut wrong = present(report);
    wrong.extend(failed(run));
    let absent = absent(report);
    let idle = proves_nothing(report, run);
    let drained = run.not_drained.is_none();
    report.verdict = if !wrong.is_empty() || (drained && !absent.is_empty()) {
        Verdict::Fail
    } else if idle.is_empty() && drained {
        Verdict::Pass
    } else {
        Verdict::Inconclusive
    };
    // In the order of the stages, because what is wrong at one shows again at those behind it.
    let stage = |reason: &String| STAGES.iter().position(|stage| reason.starts_with(stage));
    let mut reasons: Vec<String> = wrong.into_iter().chain(absent).collect();
    reasons.sort_by_key(stage);
    report.reasons = reasons.into_iter().chain(idle).collect();
}

/// What is there and must not be: wrong at any moment of a run.
fn present(report: &Report) -> Vec<String> {
    let mut reasons = Vec::new();
    let trades = |n| plural(n, "trade", "trades");
    let ByStage { ingest, worker } = report.altered;
    if ingest > 0 {
        let than = if report.journal {
            "were sent"
        } else {
            "in their first record"
        };
        reasons.push(format!(
            "ingest (exchange → topic): {} in the topic with other values than {than}",
            trades(ingest)
        ));
    }
    if worker > 0 {
        reasons.push(format!(
            "worker (topic → table): {} in the table with other values than in the topic",
            trades(worker)
        ));
    }
    let ByStage { ingest, worker } = report.unexpected;
    if ingest > 0 {
        reasons.push(format!(
            "ingest (exchange → topic): {} in the topic that the exchange never sent",
            trades(ingest)
        ));
    }
    if worker > 0 {
        reasons.push(format!(
            "worker (topic → table): {} in the table that the topic does not hold",
            trades(worker)
        ));
    }
    if report.unreadable > 0 {
        let records = plural(report.unreadable, "record", "records");
        reasons.push(format!(
            "ingest (exchange → topic): {records} in the topic outside the schema"
        ));
    }
    if report.misplaced > 0 {
        let records = plural(report.misplaced, "record", "records");
        reasons.push(format!(
            "ingest (exchange → topic): {records} in another partition or under another key than their market's"
        ));
    }
    if report.duplicated > 0 {
        let n = trades(report.duplicated);
        reasons.push(format!(
            "worker (topic → table): {n} duplicated, more than one row in a plain SELECT"
        ));
    }
    if report.dead_lettered > 0 {
        let n = trades(report.dead_lettered);
        reasons.push(format!("dead letters: {n} sent in good form and taken for unreadable"));
    }
    let letters = report.dead_letter_check.unexpected;
    if letters > 0 {
        let n = plural(letters, "dead letter", "dead letters");
        reasons.push(format!(
            "dead letters: {n} of bytes that the exchange never sent as a bad frame"
        ));
    }
    let candles = &report.candles;
    if candles.unexpected > 0 {
        let n = plural(candles.unexpected, "candle", "candles");
        reasons.push(format!(
            "windows (topic → candles): {n} in the table that no trade supports"
        ));
    }
    if candles.differing > candles.stale {
        let n = plural(candles.differing - candles.stale, "candle", "candles");
        reasons.push(format!(
            "windows (topic → candles): {n} differing from the batch computation of the topic"
        ));
    }
    if candles.doubled > 0 {
        let n = plural(candles.doubled, "version", "versions");
        reasons.push(format!(
            "worker (topic → candles): {n} of a candle more than once in a plain SELECT"
        ));
    }
    reasons
}

/// What is missing at the end: wrong when the run was drained, and on its way when it was not.
fn absent(report: &Report) -> Vec<String> {
    let mut reasons = Vec::new();
    let trades = |n| plural(n, "trade", "trades");
    let ByStage { ingest, worker } = report.lost_by_stage;
    if ingest > 0 {
        reasons.push(format!(
            "ingest (exchange → topic): {} lost, sent and not in the topic",
            trades(ingest)
        ));
    }
    if worker > 0 {
        reasons.push(format!(
            "worker (topic → table): {} lost, in the topic and not in the table",
            trades(worker)
        ));
    }
    let candles = &report.candles;
    let plural_candles = |n| plural(n, "candle", "candles");
    if candles.missing > 0 {
        let n = plural_candles(candles.missing);
        reasons.push(format!(
            "windows (topic → candles): {n} missing, though their trades are in the topic"
        ));
    }
    if candles.stale > 0 {
        let n = plural_candles(candles.stale);
        reasons.push(format!(
            "windows (topic → candles): {n} stale, with an older version as the newest in the table"
        ));
    }
    if report.dead_letter_check.missing > 0 {
        let n = plural(report.dead_letter_check.missing, "bad frame", "bad frames");
        reasons.push(format!("dead letters: {n} not in the topic of dead letters"));
    }
    reasons
}

/// Why the run proves nothing, however right its figures look.
fn proves_nothing(report: &Report, run: &RunFacts) -> Vec<String> {
    let mut reasons = Vec::new();
    if report.sent == 0 {
        reasons.push("nothing was sent, so nothing could be lost".into());
    }
    for fault in run.faults.iter().filter(|fault| !fault.struck) {
        let why = if fault.what.is_empty() { "" } else { ": " };
        reasons.push(format!("the fault {} never struck{why}{}", fault.name, fault.what));
    }
    if let Some(why) = &run.not_drained {
        reasons.push(format!(
            "the run was not drained, so what is absent may have been on its way: {why}"
        ));
    }
    reasons
}
