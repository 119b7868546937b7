//! Runs one experiment and makes a record of it.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use indicatif::ProgressBar;
use measure::{Code, Experiment, Figure, Kind, Machine, Mode, Record, Told};
use stack::Provider;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::build::Programs;
use super::{criterion, digest};
use crate::labs::{Lab, Whose};
use crate::run::not_built::NotBuilt;
use crate::{revision, text};

/// Names a recording of the exchange, for experiments that replay one.
const CAPTURE: &str = "TICKBOOK_CAPTURE";

/// How many of a program's last words are shown if it fails.
const WORDS: usize = 30;

/// What stands before a line of a program that somebody who reads `measure::Told` must not pass over.
const MEANT: [&str; 5] = [
    "{\"figure\":",
    "{\"servers\":",
    "{\"unbuilt\":",
    "{\"not_here\":",
    "{\"step\":",
];

/// Which code is measured, as it was when it was built: an experiment takes minutes, and files change meanwhile.
#[derive(Clone, PartialEq)]
pub(crate) struct Stamp {
    /// By experiment.
    digests: BTreeMap<String, String>,
    revision: String,
}

impl Stamp {
    /// # Errors
    /// The code cannot be read.
    pub(crate) fn of(lab: &Lab, whose: Whose) -> anyhow::Result<Self> {
        let experiments = &lab.manifest.experiments;
        let digests = experiments
            .iter()
            .map(|each| Ok((each.id.clone(), digest::of(lab, whose, each)?)));
        Ok(Self {
            digests: digests.collect::<anyhow::Result<_>>()?,
            revision: revision::of(&lab.root),
        })
    }
}

/// What is to be run.
pub(crate) struct Order<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) experiment: &'a Experiment,
    pub(crate) whose: Whose,
    pub(crate) stamp: &'a Stamp,
    pub(crate) mode: Mode,
    pub(crate) provider: Provider,
    /// How long it took last time, or is said to take.
    pub(crate) expected: Duration,
}

/// What a program has told.
#[derive(Default)]
struct Heard {
    figures: Vec<Figure>,
    notes: Vec<String>,
    provider: Option<String>,
    servers: BTreeMap<String, String>,
}

/// # Errors
/// The program fails, meets a task that is not built, takes far longer than it should, or tells something that the experiment does
/// not have.
pub(crate) async fn run(order: &Order<'_>, programs: &Programs, bar: &ProgressBar) -> anyhow::Result<Record> {
    let Order { lab, experiment, .. } = order;
    let program = programs.find(&experiment.program)?;
    let date = text::now();
    let from = Instant::now();
    let home = tempfile::tempdir().context("no temporary folder can be made")?;
    let mut child = start(order, program, home.path())?;
    let limit = order.expected * 4 + Duration::from_secs(120);
    let heard = tokio::time::timeout(limit, hear(&mut child, order, bar, from)).await;
    let Ok(heard) = heard else {
        let _ = child.kill().await;
        bail!(
            "{} was not done after {}, four times what it should take, and was ended; nothing was recorded",
            experiment.id,
            text::clock(limit)
        );
    };
    let mut heard = heard?;
    if experiment.kind == Kind::Criterion {
        let metric = experiment.predict.of.metric.as_str();
        heard.figures = criterion::figures(home.path(), &lab.package(order.whose), metric)?;
    }
    ensure!(
        !heard.figures.is_empty() || !heard.notes.is_empty(),
        "{} measured nothing; look at {}",
        experiment.id,
        experiment.program
    );
    if let Some(figure) = heard
        .figures
        .iter()
        .find(|figure| !experiment.metrics.contains_key(&figure.metric))
    {
        bail!(
            "{} measured {}, which solutions/{}/lab.toml does not name; add it to its metrics",
            experiment.id,
            figure.metric,
            lab.manifest.folder()
        );
    }
    Ok(Record {
        experiment: experiment.id.clone(),
        lab: lab.manifest.folder(),
        mode: order.mode,
        code: match order.whose {
            Whose::Yours => Code::Yours,
            Whose::Reference => Code::Reference,
        },
        code_digest: order.stamp.digests.get(&experiment.id).cloned().unwrap_or_default(),
        revision: order.stamp.revision.clone(),
        date,
        machine: Machine::this(),
        provider: heard.provider.unwrap_or_else(|| "none".into()),
        servers: heard.servers,
        seconds: (from.elapsed().as_secs_f64() * 10.0).round() / 10.0,
        figures: heard.figures,
        notes: heard.notes,
    })
}

fn start(order: &Order<'_>, program: &Path, home: &Path) -> anyhow::Result<Child> {
    let mut command = Command::new(program);
    match (order.experiment.kind, order.mode) {
        (Kind::Program, mode) => {
            command.arg(&order.experiment.id);
            if mode == Mode::Quick {
                command.arg("--quick");
            }
        }
        (Kind::Criterion, Mode::Full) => {}
        (Kind::Criterion, Mode::Quick) => {
            command.args([
                "--warm-up-time",
                "0.2",
                "--measurement-time",
                "0.5",
                "--sample-size",
                "10",
            ]);
        }
    }
    // The program runs in the lab's folder, and not where the reader named the file.
    if let Some(named) = std::env::var_os(CAPTURE).filter(|named| !named.is_empty()) {
        command.env(CAPTURE, std::path::absolute(named)?);
    }
    command
        .arg("--bench")
        .env("LAB_STACK", order.provider.name())
        .env("CRITERION_HOME", home)
        // A program that is killed removes nothing: what it wrote, a gigabyte now and then, goes with this folder.
        .env("TMPDIR", home)
        // Of a program that fails the last words are shown, and they are to be words.
        .env_remove("RUST_BACKTRACE")
        .current_dir(order.lab.place(order.whose))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
        .spawn()
        .with_context(|| format!("{} cannot be started", program.display()))
}

async fn hear(child: &mut Child, order: &Order<'_>, bar: &ProgressBar, from: Instant) -> anyhow::Result<Heard> {
    let mut heard = Heard::default();
    let mut told = BufReader::new(child.stdout.take().context("no output")?).lines();
    let mut said = BufReader::new(child.stderr.take().context("no output")?).lines();
    let mut words: VecDeque<String> = VecDeque::new();
    let (mut telling, mut saying) = (true, true);
    while telling || saying {
        tokio::select! {
            line = told.next_line(), if telling => match line? {
                None => telling = false,
                Some(line) => match serde_json::from_str(&line) {
                    Ok(told) => take(told, order, &mut heard, bar, from)?,
                    Err(err) if MEANT.iter().any(|head| line.contains(head)) => bail!(
                        "{} told something that cannot be read ({err}), and nothing was recorded; does its code write to standard \
                         output as well? The line: {line}",
                        order.experiment.id
                    ),
                    // Criterion talks to people.
                    Err(_) => keep(&mut words, line),
                },
            },
            line = said.next_line(), if saying => match line? {
                None => saying = false,
                Some(line) => keep(&mut words, line),
            },
        }
    }
    let status = child.wait().await?;
    if !status.success() {
        bar.suspend(|| words.iter().for_each(|line| crate::note(&format!("  {line}"))));
        bail!(
            "{} failed ({status}); its last words stand above, and nothing was recorded",
            order.experiment.id
        );
    }
    Ok(heard)
}

fn keep(words: &mut VecDeque<String>, line: String) {
    if words.len() == WORDS {
        words.pop_front();
    }
    words.push_back(line);
}

fn take(told: Told, order: &Order<'_>, heard: &mut Heard, bar: &ProgressBar, from: Instant) -> anyhow::Result<()> {
    match told {
        Told::Step { done, of, name } => step(order, (done, of), &name, bar, from),
        Told::Figure(figure) => heard.figures.push(figure),
        Told::Servers { provider, versions } => {
            heard.provider = Some(provider);
            heard.servers = versions;
        }
        Told::NotHere(why) => heard.notes.push(why),
        Told::Unbuilt(met) => return Err(NotBuilt(met).into()),
    }
    Ok(())
}

fn step(order: &Order<'_>, (done, of): (usize, usize), name: &str, bar: &ProgressBar, from: Instant) {
    let left = match done {
        0 => order.expected,
        _ => from.elapsed().mul_f64(of.saturating_sub(done) as f64 / done as f64),
    };
    let said = format!("{}: step {} of {of}: {name}", order.experiment.id, done + 1);
    match bar.is_hidden() {
        true => crate::note(&format!("  {said}")),
        false => bar.set_message(format!("{said}; about {} left", text::clock(left))),
    }
}
