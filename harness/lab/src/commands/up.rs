//! `up`: the whole pipeline for a while, live, with an audit at the end.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use anyhow::{Context, bail};
use ledger::Verdict;
use stack::Stack;

use crate::cli::UpArgs;
use crate::run::plan::Plan;
use crate::run::setup::{Ready, setup};
use crate::run::stop::Stop;
use crate::run::{audit, live};
use crate::view::Screen;
use crate::{note, out};

/// What must not outlive a run that is broken off.
type Remains = Arc<OnceLock<Arc<crate::run::crew::Crew>>>;

pub(crate) fn run(args: UpArgs) -> anyhow::Result<ExitCode> {
    let plan = Plan::new(args)?;
    let runtime = super::runtime()?;
    let done = runtime.block_on(async {
        let stop = Stop::listen()?;
        let remains = Remains::default();
        tokio::select! {
            done = whole(&plan, &stop, &remains) => done,
            () = stop.wished(2) => Err(anyhow::anyhow!(broken_off(&plan, &remains))),
        }
    });
    // A thread that waits for a key or for a server must not hold up the end.
    runtime.shutdown_background();
    done
}

fn broken_off(plan: &Plan, remains: &Remains) -> String {
    if let Some(crew) = remains.get() {
        crew.dismiss();
    }
    let kept = if plan.args.keep {
        "; the run's folder was kept"
    } else {
        " and its folder is removed"
    };
    format!("stopped at once: not drained, not audited; every process of the run is killed{kept}")
}

async fn whole(plan: &Plan, stop: &Stop, remains: &Remains) -> anyhow::Result<ExitCode> {
    let args = &plan.args;
    let live_view = !args.plain && std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    note("Tickbook: Upbit trades → Kafka → windows → ClickHouse");
    let ready = tokio::select! {
        ready = setup(plan) => ready?,
        () = stop.wished(1) => bail!("stopped before the first trade; nothing ran, and what was fetched is kept"),
    };
    let _ = remains.set(Arc::clone(&ready.crew));
    log_to(&ready);
    if args.keep {
        note(&format!(
            "  the run's folder stays: {}",
            ready.stack.run_dir().display()
        ));
    }
    let screen = match live_view {
        true => Some(Screen::enter().context("the terminal cannot be drawn on; add --plain")?),
        false => None,
    };
    let (ready, outcome) = live(plan, ready, screen, stop).await?;
    ready.crew.dismiss();
    let report = audit::audit(plan, &ready, outcome).await?;
    let place = audit::keep(plan, &ready, &report)?;
    if args.json {
        out(&format!("{}\n", serde_json::to_string_pretty(&report)?));
        note(&report.render());
    } else {
        out(&report.render());
    }
    note(&format!(
        "The report again: ./lab audit [--json]. Logs: {}",
        place.join("logs").display()
    ));
    let Ready {
        stack, exchange, crew, ..
    } = ready;
    drop((exchange, crew));
    if let Some(stack) = Arc::<Stack>::into_inner(stack) {
        // The verdict stands; what could not be tidied up is only told.
        if let Err(error) = stack.stop().await {
            note(&format!("the servers did not go cleanly: {error}"));
        }
    }
    Ok(ExitCode::from(match report.verdict {
        Verdict::Pass => 0,
        verdict => verdict.exit_code(),
    }))
}

/// From here on what this process has to say goes to a file: a screen that is drawn on has no room for it.
fn log_to(ready: &Ready) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,rdkafka=error,librdkafka=error"));
    if let Ok(file) = std::fs::File::create(ready.folder.join("logs").join("lab.log")) {
        // Fails only when there is a subscriber already.
        let _ = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            .with_writer(file)
            .try_init();
    }
}
