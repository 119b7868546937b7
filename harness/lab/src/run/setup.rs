//! Everything that must stand before the first trade: servers, tables, topics, the exchange, the pipeline's processes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use exchange::{Exchange, ExchangeConfig};
use market::Market;
use measure::Progress;
use stack::{Sizing, Stack, StackSpec};
use tokio::process::Command;
use tokio::sync::mpsc;

use super::Board;
use super::child::{Ended, tail};
use super::crew::Crew;
use super::current::{Current, Held};
use super::kept::Kept;
use super::names::{Names, Urls};
use super::not_built::NotBuilt;
use super::plan::Plan;
use crate::cli::Source;
use crate::text;
use crate::upbit::Upbit;
use crate::values::Rate;
use crate::{cargo, note};

/// How long the ingest may take to connect, and the workers to own their partitions.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// How long the tables may take. They are made in a second, unless ClickHouse does not answer.
const TABLES_LIMIT: Duration = Duration::from_secs(60);

/// A compacted snapshot may be as large as this: it holds the open windows of one partition.
const SNAPSHOT_BYTES: &str = "67108864";

/// A record that cannot be read may be as large as the broker takes, and its letter says more than it does.
const LETTER_BYTES: &str = "2097152";

/// Everything stands; no trade has been executed.
pub(crate) struct Ready {
    /// The servers.
    pub(crate) stack: Arc<Stack>,
    /// The project's own exchange, if trades come from it.
    pub(crate) exchange: Option<Arc<Exchange>>,
    /// The processes of the pipeline.
    pub(crate) crew: Arc<Crew>,
    /// Their ends.
    pub(crate) ends: mpsc::UnboundedReceiver<Ended>,
    /// Names in the servers.
    pub(crate) names: Names,
    /// The markets.
    pub(crate) markets: Vec<Market>,
    /// The lab's folder of the run: journal, logs, the audit's scratch.
    pub(crate) folder: PathBuf,
    /// The place that makes this the run that `./lab worker` joins; absent when another run has it.
    pub(crate) place: Option<(Held, Current)>,
}

/// Sets everything up, saying on standard error how far it is.
pub(crate) async fn setup(plan: &Plan) -> anyhow::Result<Ready> {
    let args = &plan.args;
    plan.check_disk()?;
    // Asked before anything is started: it is the one answer that may not come.
    let listed = match args.source {
        Source::Upbit => Some(Upbit(&args.upbit).markets(&args.markets).await?),
        _ => None,
    };
    let built = async { cargo::pipeline(&plan.mine).await?.take() };
    let program = step("pipeline built", built).await?;
    let sizing = match plan.rate() {
        Some(Rate::Max) => Sizing::Throughput,
        Some(Rate::PerSecond(rate)) if rate > 20_000.0 => Sizing::Throughput,
        _ => Sizing::Tests,
    };
    let spec = StackSpec {
        provider: args.stack,
        brokers: args.brokers,
        keep: args.keep,
        sizing,
        progress: true,
    };
    let stack = Arc::new(step("Kafka and ClickHouse ready", async { Ok(Stack::start(spec).await?) }).await?);
    let folder = stack.run_dir().join("lab");
    let kept = Kept::new(&plan.home, &stack, &folder);
    stand(plan, listed, program, stack, folder)
        .await
        .map_err(|error| kept.after(error))
}

/// Everything that comes after the servers.
async fn stand(
    plan: &Plan,
    listed: Option<Vec<Market>>,
    program: cargo::Program,
    stack: Arc<Stack>,
    folder: PathBuf,
) -> anyhow::Result<Ready> {
    let args = &plan.args;
    let names = Names::new(stack.provider());
    let logs = folder.join("logs");
    std::fs::create_dir_all(&logs).with_context(|| format!("{} cannot be made", logs.display()))?;
    // The run's own, also for whoever joins it from another terminal: the next build may be of other code.
    let own = folder.join(cargo::PIPELINE.1);
    program
        .put(&own)
        .with_context(|| format!("the program cannot be put at {}", own.display()))?;
    let program = own;
    step(
        "topics and tables made",
        tables_and_topics(&program, &stack, &names, args.partitions),
    )
    .await?;
    let (exchange, urls, markets) = source(plan, listed, &folder).await?;

    let worker_args = names.worker_args(&stack, args);
    let place = hold(plan, &program, &worker_args, &folder)?;
    let board = Arc::new(std::sync::Mutex::new(Board::default()));
    let members = ["--workers".to_owned(), args.workers.to_string()];
    let worker_args = worker_args.into_iter().chain(members).map(OsString::from).collect();
    let (crew, ends) = Crew::new(program, logs, worker_args, board);
    let ingest: Vec<OsString> = names
        .ingest_args(&stack, &urls, &markets, args)
        .into_iter()
        .map(OsString::from)
        .collect();
    let mut ready = Ready {
        stack,
        exchange,
        crew,
        ends,
        names,
        markets,
        folder,
        place,
    };
    // Whatever fails from here on, no process of the pipeline is left behind.
    let started = async {
        ready
            .crew
            .start_ingest(&ingest)
            .context("the ingest cannot be started")?;
        ready.crew.start_worker().context("a worker cannot be started")?;
        until_ready(&mut ready, args.partitions).await
    };
    if let Err(error) = step("ingest connected, workers in their group", started).await {
        ready.crew.dismiss();
        return Err(error);
    }
    Ok(ready)
}

/// Does one step and says that it is done, with the time if it took any.
async fn step<T>(done: &str, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let from = Instant::now();
    let result = work.await?;
    note(&format!(
        "  {done:<44}{:>8}",
        text::millis(from.elapsed().as_secs_f64() * 1e3)
    ));
    Ok(result)
}

async fn tables_and_topics(program: &Path, stack: &Stack, names: &Names, partitions: i32) -> anyhow::Result<()> {
    // Retention is by age and size, and an audit reads from the beginning: nothing may go before the run does.
    let keep = [("retention.ms", "-1"), ("retention.bytes", "-1")];
    // What is newest is not compacted until its segment is full or old.
    let compact = [
        ("cleanup.policy", "compact"),
        ("max.message.bytes", SNAPSHOT_BYTES),
        ("segment.ms", "60000"),
        ("segment.bytes", SNAPSHOT_BYTES),
        ("min.cleanable.dirty.ratio", "0.1"),
    ];
    let letters = [("max.message.bytes", LETTER_BYTES), keep[0], keep[1]];
    let kafka = stack.kafka();
    let topics = async {
        tokio::try_join!(
            kafka.create_topic(&names.topic, partitions, &keep),
            kafka.create_topic(&names.dead_letters, 1, &letters),
            kafka.create_topic(&names.snapshots, partitions, &compact),
        )
        .context("the topics cannot be made")
    };
    let tables = async {
        // Not left to the program: on servers that stay, what was made through the stack goes with the run.
        let database = stack.clickhouse().create_database(&names.database);
        database.await.context("the database cannot be made")?;
        let made = Command::new(program)
            .args([
                "tables",
                "--clickhouse",
                stack.clickhouse().url(),
                "--database",
                &names.database,
            ])
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(TABLES_LIMIT, made)
            .await
            .with_context(|| {
                let limit = text::span(TABLES_LIMIT);
                format!("the tables were not made within {limit}; free some memory or disk, then run again")
            })?
            .context("the pipeline's program cannot be started")?;
        let told = String::from_utf8_lossy(&output.stdout);
        let unbuilt = told.lines().find_map(|line| match serde_json::from_str(line) {
            Ok(Progress::Unbuilt(met)) => Some(met),
            _ => None,
        });
        if let Some(met) = unbuilt {
            return Err(NotBuilt(met).into());
        }
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the tables cannot be made: {}", words.trim());
        Ok(())
    };
    tokio::try_join!(topics, tables).map(|_| ())
}

/// The exchange, where it is, and its markets: those that the real one has `listed`, or a new one of ours with its own.
async fn source(
    plan: &Plan,
    listed: Option<Vec<Market>>,
    folder: &Path,
) -> anyhow::Result<(Option<Arc<Exchange>>, Urls, Vec<Market>)> {
    let args = &plan.args;
    if let Some(markets) = listed {
        return Ok((None, Upbit(&args.upbit).urls(), markets));
    }
    let source = plan.exchange_source()?;
    let exchange = Exchange::start(ExchangeConfig::new(source, folder.join("journal"))).await?;
    let urls = Urls {
        ws: exchange.ws_url(),
        rest: exchange.rest_url(),
    };
    let markets = exchange.markets().to_vec();
    Ok((Some(Arc::new(exchange)), urls, markets))
}

fn hold(plan: &Plan, program: &Path, worker_args: &[String], folder: &Path) -> anyhow::Result<Option<(Held, Current)>> {
    let Some(held) = Held::take(&plan.home)? else {
        note("  another run goes on on this machine: the figures of both suffer, and ./lab worker joins the other one");
        return Ok(None);
    };
    let current = Current {
        pid: std::process::id(),
        program: program.to_path_buf(),
        worker_args: worker_args.to_vec(),
        joined: folder.join("joined"),
        leaving: false,
    };
    std::fs::create_dir_all(&current.joined)?;
    held.tell(&current)?;
    Ok(Some((held, current)))
}

/// Waits until the ingest is connected and subscribed, and the workers own every partition.
async fn until_ready(ready: &mut Ready, partitions: i32) -> anyhow::Result<()> {
    let from = Instant::now();
    loop {
        let connected = match &ready.exchange {
            Some(exchange) => exchange.counters().subscribed > 0,
            None => ready.crew.board().ingest().connected,
        };
        let owned: usize = ready
            .crew
            .workers()
            .iter()
            .map(|worker| ready.crew.board().owned_by(worker.name()))
            .sum();
        if connected && owned >= usize::try_from(partitions).unwrap_or(0) {
            return Ok(());
        }
        if let Ok(ended) = ready.ends.try_recv() {
            if let Some(unbuilt) = ended.unbuilt {
                return Err(NotBuilt(unbuilt).into());
            }
            bail!(
                "{} ended before the first trade; its last words:\n{}",
                ended.name,
                last_words(ready, &ended.name)
            );
        }
        if from.elapsed() > READY_LIMIT {
            let who = if connected {
                "the workers own no partitions"
            } else {
                "the ingest is not connected"
            };
            let log = if connected { "worker-1" } else { "ingest" };
            bail!(
                "{who} after {}; the last words of {log}:\n{}",
                text::span(READY_LIMIT),
                last_words(ready, log)
            );
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The end of a process's log.
pub(crate) fn last_words(ready: &Ready, name: &str) -> String {
    tail(&ready.folder.join("logs").join(format!("{name}.log")), 8)
}
