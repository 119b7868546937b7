//! After the run: the audit.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ledger::{AuditInput, Phase, Repair, Report, RunFacts, StackFacts};
use tokio::time::timeout;

use super::live::Outcome;
use super::plan::{BOUND_MS, LATENESS_MS, Plan};
use super::setup::Ready;
use crate::cargo::bar_fits;
use crate::cli::Source;

/// How long a server may take to say its version: it stands beside the figures, and no audit waits for it.
const VERSIONS_LIMIT: Duration = Duration::from_secs(5);

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
    let report = audited
        .await
        .context("the audit broke off with the message above; please report it, with the logs")?;
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
        pipeline_failed: outcome.pipeline_failed,
        not_drained: outcome.not_drained,
    }
}

/// What the servers call themselves; one that does not answer in time is left out.
async fn versions(ready: &Ready) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    let client = ready.stack.clickhouse().client();
    let asked = client.query("SELECT version()").fetch_one::<String>();
    if let Ok(Ok(version)) = timeout(VERSIONS_LIMIT, asked).await {
        versions.insert("ClickHouse".into(), version);
    }
    // It calls programs of the machine, which may be as slow as they like.
    let survey = timeout(VERSIONS_LIMIT, tokio::task::spawn_blocking(stack::provision::survey)).await;
    let kafka = survey
        .ok()
        .and_then(Result::ok)
        .unwrap_or_default()
        .into_iter()
        .find(|found| found.what == "Kafka jars")
        .and_then(|found| found.version);
    if let Some(version) = kafka {
        versions.insert("Kafka".into(), version);
    }
    versions
}
