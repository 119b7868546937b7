//! `worker`: one more worker process for the run that goes on in another terminal.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use measure::{Progress, WorkerProgress};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::cli::WorkerArgs;
use crate::note;
use crate::run::current::{self, Current};
use crate::run::joined::name_of;
use crate::run::not_built::NotBuilt;
use crate::run::stop::Stop;
use crate::text;

/// How often the run is asked whether it ends.
const LOOK: Duration = Duration::from_millis(200);

pub(crate) fn run(args: &WorkerArgs) -> anyhow::Result<ExitCode> {
    let home = stack::provision::home();
    let Some(current) = current::find(&home)? else {
        bail!("no run goes on; start one in another terminal with ./lab up --for 5m, then ./lab worker here");
    };
    let runtime = super::runtime()?;
    let done = runtime.block_on(async {
        let stop = Stop::listen()?;
        tokio::select! {
            done = work(&home, &current, args, &stop) => done,
            () = stop.wished(2) => bail!("stopped at once; the group gives its partitions to the others in a few seconds"),
        }
    });
    runtime.shutdown_background();
    done
}

async fn work(home: &Path, current: &Current, args: &WorkerArgs, stop: &Stop) -> anyhow::Result<ExitCode> {
    let name = name_of(std::process::id());
    let file = current.joined.join(&name);
    let mut reports = std::fs::File::create(&file).with_context(|| format!("{} cannot be written", file.display()))?;
    let log = current.joined.with_file_name("logs").join(format!("{name}.log"));
    let words = std::fs::File::create(&log).with_context(|| format!("{} cannot be written", log.display()))?;
    let mut child = Command::new(&current.program)
        .args(&current.worker_args)
        .args(["--name", &name])
        .args(["--workers", &args.workers.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(words)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .context("the worker cannot be started")?;
    note(&format!(
        "{name} joins the run of process {}; Ctrl-C drains it and leaves",
        current.pid
    ));
    let stdout = child.stdout.take().context("the worker has no output")?;
    let mut lines = BufReader::new(stdout).lines();
    let mut shown = Duration::ZERO;
    let from = std::time::Instant::now();
    let mut look = tokio::time::interval(LOOK);
    let mut told = false;
    let mut newest = Newest::new();
    loop {
        tokio::select! {
            line = next(&mut lines) => match line {
                None => break,
                Some(line) => {
                    writeln!(reports, "{line}").with_context(|| format!("{} cannot be written", file.display()))?;
                    match serde_json::from_str(&line) {
                        Ok(Progress::Worker(worker)) => drop(newest.insert(worker.worker.clone(), worker)),
                        Ok(Progress::Unbuilt(met)) => return Err(NotBuilt(met).into()),
                        _ => {}
                    }
                    if from.elapsed() >= shown + Duration::from_secs(1) {
                        shown = from.elapsed();
                        show(&newest, from.elapsed());
                    }
                }
            },
            _ = look.tick(), if !told => match current::find(home)? {
                Some(now) if now.pid == current.pid && !now.leaving => {}
                Some(now) if now.pid == current.pid => {
                    note("the run ends: draining");
                    told = true;
                    drain(&mut child).await;
                }
                _ => bail!("the run is gone; nothing is left to work on"),
            },
            () = stop.wished(1), if !told => {
                note("draining; the others take over");
                told = true;
                drain(&mut child).await;
            }
        }
    }
    let status = child.wait().await?;
    if told && status.success() {
        note(&format!("{name} has left; nothing of it is left undelivered"));
        return Ok(ExitCode::SUCCESS);
    }
    let words = crate::run::child::tail(&log, 8);
    bail!("the worker ended with {status}; its last words:\n{words}")
}

/// The next line; `None` at the end.
async fn next(lines: &mut tokio::io::Lines<BufReader<ChildStdout>>) -> Option<String> {
    lines.next_line().await.ok().flatten()
}

async fn drain(child: &mut Child) {
    if let Some(stdin) = child.stdin.as_mut() {
        // One that has ended already is drained.
        let _ = stdin.write_all(b"drain\n").await;
        let _ = stdin.flush().await;
    }
}

/// The newest line of each worker of the process.
type Newest = BTreeMap<String, WorkerProgress>;

fn show(newest: &Newest, at: Duration) {
    let mut partitions: Vec<i32> = newest
        .values()
        .flat_map(|worker| &worker.partitions)
        .map(|lag| lag.partition)
        .collect();
    partitions.sort_unstable();
    let owns: Vec<String> = partitions.iter().map(i32::to_string).collect();
    let owns = if owns.is_empty() {
        "none yet".into()
    } else {
        owns.join(" ")
    };
    note(&format!(
        "{}  partitions {owns:<14}  {} rows  {} candle rows",
        text::clock(at),
        text::grouped(newest.values().map(|worker| worker.acked).sum()),
        text::grouped(newest.values().map(|worker| worker.candles).sum())
    ));
}
