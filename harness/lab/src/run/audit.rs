//! After the run: the audit.

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ledger::{AuditInput, Phase, Repair, Report, RunFacts, StackFacts};

use super::live::Outcome;
use super::names::{BOUND_MS, LATENESS_MS};
use super::plan::Plan;
use super::room;
use super::setup::Ready;
use crate::cli::Source;
use crate::mine;

/// What there is to audit.
pub(super) fn input(plan: &Plan, ready: &Ready, outcome: Outcome) -> AuditInput {
    AuditInput {
        journal: ready.exchange.is_some().then(|| ready.folder.join("journal")),
        brokers: ready.stack.kafka().bootstrap().into(),
        topic: ready.names.topic.clone(),
        dead_letters: ready.names.dead_letters.clone(),
        clickhouse: ready.stack.clickhouse().url().into(),
        database: ready.names.database.clone(),
        encoding: plan.args.encoding,
        bound_ms: BOUND_MS,
        lateness_ms: LATENESS_MS,
        scratch: ready.folder.join("scratch"),
        run: facts(plan, ready, outcome),
    }
}

/// Audits the run. A copy that cannot be read makes it INCONCLUSIVE; that is no error.
pub(crate) async fn audit(plan: &Plan, ready: &Ready, outcome: Outcome) -> anyhow::Result<Report> {
    // What ran into a full disk in its last second would be judged by what it could not write.
    room::check(&ready.folder)?;
    let input = input(plan, ready, outcome);
    std::fs::create_dir_all(&input.scratch).with_context(|| format!("{} cannot be made", input.scratch.display()))?;
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
    let target = if crate::bar::fits() {
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

fn facts(plan: &Plan, ready: &Ready, outcome: Outcome) -> RunFacts {
    let board = ready.crew.board();
    let ingest = board.ingest();
    let words: Vec<String> = std::env::args().skip(1).collect();
    RunFacts {
        command: format!("./lab {}", words.join(" ")),
        started_ms: plan
            .began
            .duration_since(std::time::UNIX_EPOCH)
            .ok()
            .and_then(|since| i64::try_from(since.as_millis()).ok()),
        mine: mine::folders(&plan.mine),
        brokers: u64::from(plan.args.brokers),
        acks: plan.args.acks.name().into(),
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
            versions: ready.stack.versions().clone(),
        },
        pipeline_failed: outcome.pipeline_failed,
        not_drained: outcome.not_drained,
    }
}
