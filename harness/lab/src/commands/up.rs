//! `up`: the whole pipeline for a while, live, with an audit at the end.

use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, bail};
use ledger::{Report, Verdict};
use measure::Latency;
use stack::{Ending, Stack};

use crate::cli::UpArgs;
use crate::reader::standing::Standing;
use crate::run::crew::Crew;
use crate::run::kept::{self, Kept};
use crate::run::plan::Plan;
use crate::run::rounds::Round;
use crate::run::setup::{Ready, setup};
use crate::run::stop::Stop;
use crate::run::used::{Mark, Used};
use crate::run::{audit, live};
use crate::view::Screen;
use crate::{cargo, note, out};

/// What must not outlive a run that is broken off: its processes, and what was done to its servers.
type Remains = OnceLock<(Arc<Crew>, Ending)>;

/// A run that came to its end.
pub(crate) struct Audited {
    /// What the audit says.
    pub(crate) report: Report,
    /// Processor time of the ingest and of the workers, milliseconds.
    pub(crate) cpu_ms: (u64, u64),
    /// What was audited on the way, in a soak.
    pub(crate) rounds: Vec<Round>,
    /// What the servers and the exchange used, from the first trade to the last row; zeros unless the plan asks for it.
    pub(crate) used: Used,
    /// How many trades were executed and no row yet, second by second while the exchange traded.
    pub(crate) backlog: Vec<(Duration, u64)>,
    /// Latencies without the run's beginning.
    pub(crate) steady: Latency,
}

pub(crate) fn run(args: UpArgs) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::from(audited(args)?.report.verdict.exit_code()))
}

/// A whole run, shown and audited.
pub(crate) fn audited(args: UpArgs) -> anyhow::Result<Audited> {
    let plan = Plan::new(args)?;
    warn_of_todos(&plan);
    carried_out(plan)
}

/// Says before minutes of building what the run may end at. Not a refusal: the pipeline does not meet every task of a lab.
fn warn_of_todos(plan: &Plan) {
    for lab in &plan.mine {
        let Ok(lab) = crate::labs::Lab::read(&cargo::root(), &lab.folder) else {
            continue;
        };
        let Ok(standing) = Standing::of(lab) else { continue };
        let mut tasks: Vec<String> = standing.todos.iter().map(|todo| todo.task.to_string()).collect();
        tasks.dedup();
        if !tasks.is_empty() {
            note(&format!(
                "{}: not built yet: {} {}; the run ends when it meets one",
                standing.lab.manifest.folder(),
                if tasks.len() == 1 { "task" } else { "tasks" },
                tasks.join(", ")
            ));
        }
    }
}

/// The same of a plan.
pub(crate) fn carried_out(plan: Plan) -> anyhow::Result<Audited> {
    let runtime = super::runtime()?;
    let remains = Remains::default();
    let done = runtime.block_on(async {
        let stop = Stop::listen()?;
        tokio::select! {
            done = whole(&plan, &stop, &remains) => done,
            () = stop.wished(2) => Err(anyhow::anyhow!(broken_off(&plan, &remains))),
        }
    });
    // A thread that waits for a key or for a server must not hold up the end.
    runtime.shutdown_background();
    // Here and not by whichever task of it goes last, for which nobody waits.
    if let Some((_, servers)) = remains.get()
        && let Err(error) = servers.now()
    {
        note(&format!("the servers did not go cleanly: {error}"));
    }
    done
}

fn broken_off(plan: &Plan, remains: &Remains) -> String {
    if let Some((crew, _)) = remains.get() {
        crew.dismiss();
    }
    let kept = if plan.args.keep {
        "; the run's folder was kept"
    } else {
        " and its folder is removed"
    };
    format!("stopped at once: not drained, not audited; every process of the run is killed{kept}")
}

async fn whole(plan: &Plan, stop: &Stop, remains: &Remains) -> anyhow::Result<Audited> {
    let args = &plan.args;
    let live_view = !args.plain && crate::can_draw();
    note(&format!(
        "Tickbook: Upbit trades → Kafka → windows → ClickHouse\n  code {}",
        plan.whose()
    ));
    kept::begin(&plan.home)?;
    let ready = tokio::select! {
        ready = setup(plan) => ready?,
        () = stop.wished(1) => bail!("stopped before the first trade; what was fetched whole is kept, the rest is fetched again"),
    };
    let crew = Arc::clone(&ready.crew);
    let _ = remains.set((Arc::clone(&crew), ready.stack.ending()));
    log_to(&ready);
    let folder = ready.stack.run_dir().to_path_buf();
    if args.keep {
        note(&format!("  the run's folder stays: {}", folder.display()));
    }
    let kept = Kept::new(&plan.home, &ready.stack, &ready.folder);
    let done = live_and_audit(plan, ready, live_view, stop).await;
    crew.dismiss();
    let (ready, report, Seen { rounds, used, backlog }) = done.map_err(|error| kept.after(error))?;
    // Shown before anything is written: a full disk is no reason to keep the verdict from the reader.
    if plan.brief && report.verdict == Verdict::Pass {
        // Whoever asked makes a table of it.
    } else if args.json {
        // A soak's is of all its rounds, and comes when they are over.
        if plan.round.is_none() {
            out(&format!("{}\n", serde_json::to_string_pretty(&report)?));
        }
        note(&report.render());
    } else {
        out(&report.render());
    }
    match kept
        .report(&report)
        .and_then(|()| kept.logs(report.verdict != Verdict::Pass))
    {
        Ok(_) if plan.brief => {}
        Ok(logs) => note(&format!(
            "The report again: ./lab audit [--json]. Logs: {}",
            logs.display()
        )),
        Err(error) => note(&format!(
            "The verdict stands, but ./lab audit will not show it again: {error:#}; make room there (./lab clean removes \
             past runs), or set TICKBOOK_HOME to another disk"
        )),
    }
    if report.verdict == Verdict::Fail {
        ready.stack.keep();
        note(&format!(
            "What failed can be looked at: the run's folder stays, {}, until ./lab clean removes it",
            folder.display()
        ));
    }
    let (cpu_ms, steady) = {
        let board = crew.board();
        (board.cpu_ms(), board.steady_latency())
    };
    // What still holds the servers is let go of, so that they are stopped here, in order, and not whenever it goes.
    drop(kept);
    let Ready { stack, exchange, .. } = ready;
    drop(exchange);
    if let Some(stack) = Arc::<Stack>::into_inner(stack) {
        // The verdict stands; what could not be tidied up is only told.
        if let Err(error) = stack.stop().await {
            note(&format!("the servers did not go cleanly: {error}"));
        }
    }
    Ok(Audited {
        report,
        cpu_ms,
        rounds,
        used,
        backlog,
        steady,
    })
}

/// Servers are not asked by runs of which nobody wants to know.
async fn mark(plan: &Plan, ready: &Ready) -> Mark {
    match plan.measured {
        true => Mark::now(&ready.stack).await,
        false => Mark::default(),
    }
}

/// What was seen of a run, besides what the audit says.
struct Seen {
    rounds: Vec<Round>,
    used: Used,
    backlog: Vec<(Duration, u64)>,
}

async fn live_and_audit(
    plan: &Plan,
    ready: Ready,
    live_view: bool,
    stop: &Stop,
) -> anyhow::Result<(Ready, Report, Seen)> {
    let screen = match live_view {
        true => Some(Screen::enter().context("the terminal cannot be drawn on; add --plain")?),
        false => None,
    };
    let before = mark(plan, &ready).await;
    let (ready, mut outcome) = live(plan, ready, screen, stop).await?;
    ready.crew.dismiss();
    let seen = Seen {
        rounds: std::mem::take(&mut outcome.rounds),
        used: before.until(&mark(plan, &ready).await),
        backlog: std::mem::take(&mut outcome.backlog),
    };
    let report = audit::audit(plan, &ready, outcome).await?;
    Ok((ready, report, seen))
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
