//! After the run: the audit, and the report where `./lab audit` finds it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ledger::{AuditInput, Phase, Repair, Report, RunFacts, StackFacts, Verdict};

use super::live::Outcome;
use super::plan::{BOUND_MS, LATENESS_MS, Plan};
use super::setup::Ready;
use crate::cargo::bar_fits;
use crate::cli::Source;

/// The folder of the last run's report and logs.
pub(crate) fn last_run(home: &Path) -> PathBuf {
    home.join("last-run")
}

/// Audits the run. A copy that cannot be read makes it INCONCLUSIVE; that is no error.
pub(crate) async fn audit(plan: &Plan, ready: &Ready, outcome: Outcome) -> anyhow::Result<Report> {
    let scratch = ready.folder.join("scratch");
    std::fs::create_dir_all(&scratch).with_context(|| format!("{} cannot be made", scratch.display()))?;
    let input = AuditInput {
        journal: ready.exchange.is_some().then(|| ready.folder.join("journal")),
        brokers: ready.stack.kafka().bootstrap().into(),
        topic: ready.names.topic.clone(),
        dead_letters: ready.names.dead_letters.clone(),
        clickhouse: ready.stack.clickhouse().url().into(),
        database: ready.names.database.clone(),
        encoding: plan.args.encoding,
        bound_ms: BOUND_MS,
        lateness_ms: LATENESS_MS,
        scratch,
        run: facts(plan, ready, outcome).await,
    };
    let bar = bar();
    let reader = bar.clone();
    let audited = tokio::task::spawn_blocking(move || {
        let mut progress = |phase: Phase, done: u64, all: u64| {
            reader.set_length(all);
            reader.set_position(done);
            reader.set_message(phase.name());
        };
        ledger::audit(&input, &mut progress).unwrap_or_else(|error| ledger::inconclusive(&input, &error))
    });
    let report = audited.await.context("the audit failed; its message is above")?;
    bar.finish_and_clear();
    Ok(report)
}

fn bar() -> ProgressBar {
    let target = if bar_fits() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(0), target);
    // A constant template.
    if let Ok(style) = ProgressStyle::with_template("  auditing: {msg:<24} {wide_bar} {human_pos}") {
        bar.set_style(style.progress_chars("━━─"));
    }
    bar
}

async fn facts(plan: &Plan, ready: &Ready, outcome: Outcome) -> RunFacts {
    let versions = versions(ready).await;
    let board = ready.crew.board();
    let ingest = board.ingest();
    RunFacts {
        source: plan.args.source.name().into(),
        seed: (plan.args.source == Source::Generate).then_some(plan.args.seed),
        markets: ready.markets.len() as u64,
        workers: u64::from(plan.args.workers),
        duration_s: outcome.duration.as_secs_f64(),
        latency: board.latency(),
        faults: outcome.faults,
        repair: Repair {
            gaps: ingest.gaps,
            repaired: ingest.repaired,
            repair_ms: ingest.repair_ms,
        },
        stack: StackFacts {
            provider: ready.stack.provider().to_string(),
            versions,
        },
        not_drained: outcome.not_drained,
    }
}

/// What the servers call themselves; one that does not answer is left out.
async fn versions(ready: &Ready) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    let client = ready.stack.clickhouse().client();
    if let Ok(version) = client.query("SELECT version()").fetch_one::<String>().await {
        versions.insert("ClickHouse".into(), version);
    }
    let survey = tokio::task::spawn_blocking(stack::provision::survey)
        .await
        .unwrap_or_default();
    let kafka = survey
        .into_iter()
        .find(|found| found.what == "Kafka jars")
        .and_then(|found| found.version);
    if let Some(version) = kafka {
        versions.insert("Kafka".into(), version);
    }
    versions
}

/// Keeps the report for `./lab audit`, and the logs: the pipeline's always, the servers' when something is wrong.
pub(crate) fn keep(plan: &Plan, ready: &Ready, report: &Report) -> anyhow::Result<PathBuf> {
    let place = last_run(&plan.home);
    let logs = place.join("logs");
    if logs.exists() {
        std::fs::remove_dir_all(&logs).with_context(|| format!("{} cannot be removed", logs.display()))?;
    }
    std::fs::create_dir_all(&logs).with_context(|| format!("{} cannot be made", logs.display()))?;
    report.write(&place.join("report.json"))?;
    std::fs::write(place.join("report.txt"), report.render())?;
    let mut kept: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(ready.folder.join("logs"))? {
        kept.push(entry?.path());
    }
    if report.verdict != Verdict::Pass {
        kept.extend(
            ready
                .stack
                .kafka()
                .brokers()
                .iter()
                .map(|broker| broker.log().to_path_buf()),
        );
        kept.push(ready.stack.clickhouse().server().log().to_path_buf());
    }
    for log in kept {
        if let Some(name) = log.file_name() {
            // A log that is not there says nothing; the report does.
            let _ = std::fs::copy(&log, logs.join(name));
        }
    }
    Ok(place)
}
