//! Building and running one lab's tests, on the reader's crate or the reference.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::bail;
use stack::Provider;
use tokio_util::sync::CancellationToken;

use crate::cargo;
use crate::keep::progress::{Progress, Verdict, today};
use crate::labs::manifest::TestName;
use crate::labs::runner::build::{self, Broken};
use crate::labs::runner::{self, Build, Case, Event, How, Ran};
use crate::labs::{Lab, Layer, Whose};
use crate::servers::Servers;

use super::standing::Standing;

/// What is to be run.
pub(crate) struct Asked<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) whose: Whose,
    /// Words of which each test that is run has one in its name; none: all.
    pub(crate) filter: &'a [String],
    /// Whether the tests of the task that is to be built now must pass before others are run.
    pub(crate) focus: bool,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) whose: Whose,
    pub(crate) provider: Provider,
    pub(crate) broken: Option<Broken>,
    pub(crate) ran: Vec<Ran>,
    /// Tests on servers that did not run, or not to their end, because others are red.
    pub(crate) held_back: Vec<TestName>,
    /// Why the servers cannot be had, if they cannot.
    pub(crate) no_servers: Option<String>,
    /// Only some were asked for.
    pub(crate) filtered: bool,
    /// The task whose tests had to pass first, and did not: the others were not run.
    pub(crate) stopped_at: Option<u8>,
    pub(crate) took: Duration,
}

impl Attempt {
    pub(crate) fn green(&self) -> bool {
        self.broken.is_none()
            && self.stopped_at.is_none()
            && self.no_servers.is_none()
            && self.held_back.is_empty()
            && !self.ran.is_empty()
            && self.ran.iter().all(Ran::passed)
    }

    /// Whether every test that the manifest declares ran: a program that says that it has none is no success.
    pub(crate) fn whole(&self, lab: &Lab) -> bool {
        let mut declared = lab.manifest.tasks.iter().flat_map(|task| &task.tests);
        self.filtered || declared.all(|name| self.ran.iter().any(|ran| ran.name == *name))
    }
}

/// Builds and runs. Tests of the task that is to be built now come first. Tests on servers run beside the quick ones, and
/// stop when one of those is red.
///
/// # Errors
/// Cargo or a test program cannot be started; the filter means no test.
pub(crate) async fn run(
    servers: &Servers,
    asked: &Asked<'_>,
    mut tell: impl FnMut(Event<'_>),
) -> anyhow::Result<Attempt> {
    let from = Instant::now();
    let (lab, whose) = (asked.lab, asked.whose);
    let standing = Standing::of(lab.clone())?;
    let mut result = Attempt {
        whose,
        provider: servers.provider(),
        broken: None,
        ran: Vec::new(),
        held_back: Vec::new(),
        no_servers: None,
        filtered: !asked.filter.is_empty(),
        stopped_at: None,
        took: Duration::ZERO,
    };
    let needs_servers = |task: Option<u8>| match (whose, task) {
        (Whose::Yours, Some(task)) => standing.built(task),
        _ => true,
    };
    // While cargo compiles there is a core to spare.
    let any_on_servers = lab.manifest.tasks.iter().any(|task| {
        needs_servers(Some(task.number))
            && task
                .tests
                .iter()
                .any(|test| lab.manifest.layer(&test.program) == Some(Layer::Server))
    });
    if any_on_servers && !result.filtered {
        servers.start();
    }
    let now = standing
        .next()
        .filter(|task| asked.focus && standing.built(task.number));
    // Each program is linked anew at every save: those of the task that is to be built now first, and alone.
    if let Some(task) = now {
        let mut programs: Vec<&str> = task.tests.iter().map(|test| test.program.as_str()).collect();
        programs.retain(|program| lab.manifest.layer(program) != Some(Layer::Server));
        programs.sort_unstable();
        programs.dedup();
        if !programs.is_empty() {
            let Some(mut cases) = cases_of(asked, &programs, &mut result).await? else {
                result.took = from.elapsed();
                return Ok(result);
            };
            cases.retain(|case| task.tests.contains(&case.name));
            result.ran = runner::run(ordered(&standing, cases), &How::on(servers), &mut tell).await?;
            if result.ran.iter().any(|ran| !ran.passed()) {
                result.stopped_at = Some(task.number);
                result.took = from.elapsed();
                return Ok(result);
            }
        }
    }
    let mut programs: Vec<&str> = lab
        .manifest
        .programs
        .iter()
        .map(|program| program.name.as_str())
        .collect();
    if whose == Whose::Yours {
        programs.push("mine");
    }
    let Some(mut cases) = cases_of(asked, &programs, &mut result).await? else {
        result.took = from.elapsed();
        return Ok(result);
    };
    cases.retain(|case| result.ran.iter().all(|ran| ran.name != case.name));
    if result.filtered {
        cases.retain(|case| {
            asked
                .filter
                .iter()
                .any(|word| case.name.to_string().contains(word.as_str()))
        });
        if cases.is_empty() {
            bail!(
                "no test of {} has {} in its name; ./lab test {} runs all of them",
                lab.manifest.folder(),
                asked.filter.join(" or "),
                lab.manifest.short()
            );
        }
    }
    let choice = choose(ordered(&standing, cases), result.filtered, needs_servers);
    result.held_back = choice.held_back;
    let (without, on_servers, filtered) = (choice.quick, choice.on_servers, result.filtered);
    let enough = |ran: &Ran| is_enough(ran, filtered, needs_servers);
    let waiting: Vec<TestName> = on_servers.iter().map(|case| case.name.clone()).collect();
    let (how, up) = (How::on(servers), servers.up());
    let (ran, no_servers) = beside(without, on_servers, up, &how, enough, &mut tell).await?;
    result.ran.extend(ran);
    result.no_servers = no_servers;
    let ran = |name: &TestName| result.ran.iter().any(|ran| ran.name == *name);
    let missing: Vec<TestName> = waiting.into_iter().filter(|name| !ran(name)).collect();
    result.held_back.extend(missing);
    result.took = from.elapsed();
    Ok(result)
}

/// Builds programs and asks them which tests they have; `None` where something does not compile, which is in `result` then.
async fn cases_of(asked: &Asked<'_>, programs: &[&str], result: &mut Attempt) -> anyhow::Result<Option<Vec<Case>>> {
    let (lab, whose) = (asked.lab, asked.whose);
    let package = lab.package(whose);
    let mut call = cargo::cargo("test");
    build::ask(&mut call, &lab.root, &package, programs.iter().copied());
    // Not optimised, and without what only a debugger reads: built in a third of the time at every save, and no test measures. `up` and `bench` build anew.
    for setting in ["opt-level=0", "debug=0"] {
        call.args(["--config", &format!("profile.release.package.{package}.{setting}")]);
    }
    match build::build(call, &lab.place(whose)).await? {
        Build::Ready { binaries, .. } => Ok(Some(runner::cases(&lab.manifest, &binaries).await?)),
        Build::Broken(broken) => {
            result.broken = Some(broken);
            Ok(None)
        }
    }
}

/// Which tests are run, and how.
struct Choice {
    /// Without servers, or the reader's own.
    quick: Vec<Case>,
    on_servers: Vec<Case>,
    /// What is not built is red without servers, too.
    held_back: Vec<TestName>,
}

/// `built`: whether the code that a test of this task needs is written; a test of no task needs none.
fn choose(cases: Vec<Case>, filtered: bool, built: impl Fn(Option<u8>) -> bool) -> Choice {
    let (on_servers, quick): (Vec<Case>, Vec<Case>) = cases
        .into_iter()
        .partition(|case| case.layer == Layer::Server && case.name.program != "mine");
    let (on_servers, kept): (Vec<Case>, Vec<Case>) = on_servers
        .into_iter()
        .partition(|case| filtered || built(case.name.task()));
    Choice {
        quick,
        on_servers,
        held_back: kept.into_iter().map(|case| case.name).collect(),
    }
}

/// Whether this quick test says enough: one of what is built is red, and its cause is to be looked for without servers first.
/// What was asked for by name is run whatever others say.
fn is_enough(ran: &Ran, filtered: bool, built: impl Fn(Option<u8>) -> bool) -> bool {
    !filtered && !ran.passed() && built(ran.name.task())
}

/// Runs both kinds at the same time: the quick ones mostly wait. When one of those is red for which `enough` holds, tests on
/// servers that still run are ended: they could only say the same, after minutes. On servers that are somebody's the quick ones
/// come first: nobody who was ended in the middle gives back what he has hurt. Gives those that ran to their end, and why the
/// servers are not `up`, if they are not.
///
/// # Errors
/// A program cannot be started.
async fn beside(
    quick: Vec<Case>,
    on_servers: Vec<Case>,
    up: impl Future<Output = Result<(), String>>,
    how: &How,
    enough: impl Fn(&Ran) -> bool,
    tell: impl FnMut(Event<'_>),
) -> anyhow::Result<(Vec<Ran>, Option<String>)> {
    let (tell, ended, stop) = (RefCell::new(tell), RefCell::new(Vec::new()), CancellationToken::new());
    let quick = runner::run(quick, how, |event| {
        if matches!(&event, Event::Ended(ran) if enough(ran)) {
            stop.cancel();
        }
        (tell.borrow_mut())(event);
    });
    let quick_ones_ended = CancellationToken::new();
    let quick = async {
        let ran = quick.await;
        quick_ones_ended.cancel();
        ran
    };
    let servers = async {
        if on_servers.is_empty() {
            return anyhow::Ok(None);
        }
        if how.alone {
            quick_ones_ended.cancelled().await;
        }
        if let Err(sentence) = up.await {
            return Ok(Some(sentence));
        }
        let told = |event: Event<'_>| {
            if let Event::Ended(ran) = &event {
                ended.borrow_mut().push((*ran).clone());
            }
            (tell.borrow_mut())(event);
        };
        runner::run(on_servers, how, told).await?;
        Ok(None)
    };
    let servers = async { stop.run_until_cancelled(servers).await.transpose() };
    let (mut ran, no_servers) = tokio::try_join!(quick, servers)?;
    let no_servers = no_servers.flatten();
    ran.extend(ended.into_inner());
    Ok((ran, no_servers))
}

/// Those of the task that is to be built now first, in the manifest's order; then the other tasks', then the rest.
fn ordered(standing: &Standing, cases: Vec<Case>) -> Vec<Case> {
    let manifest = &standing.lab.manifest;
    let now = standing.next().map(|task| task.number);
    let all: Vec<&TestName> = manifest.tasks.iter().flat_map(|task| &task.tests).collect();
    let mut cases = cases;
    let known: BTreeSet<&TestName> = all.iter().copied().collect();
    cases.sort_by_key(|case| {
        let place = all.iter().position(|name| **name == case.name).unwrap_or(usize::MAX);
        let task = case.name.task();
        (task.is_none() || task != now, !known.contains(&case.name), place)
    });
    cases
}

/// Writes down what a run of the reader's crate says of each task. `before` is how it stood when the run began: what was changed
/// meanwhile, as by a reset, was not tested.
///
/// # Errors
/// The progress cannot be written.
pub(crate) fn record(before: &Standing, result: &Attempt) -> anyhow::Result<()> {
    let lab = &before.lab;
    let others = Standing::of(lab.clone())?.todos != before.todos;
    if result.whose != Whose::Yours || result.filtered || result.broken.is_some() || others {
        return Ok(());
    }
    let of_tasks = |ran: &&Ran| lab.manifest.tasks.iter().any(|task| task.tests.contains(&ran.name));
    let passed = result.ran.iter().filter(of_tasks).filter(|ran| ran.passed()).count();
    Progress::change(&lab.root, &lab.manifest.folder(), |progress| {
        for task in &lab.manifest.tasks {
            let own = |ran: &&Ran| task.tests.contains(&ran.name);
            let green = result.ran.iter().filter(own).filter(|ran| ran.passed()).count();
            if green == task.tests.len() {
                progress.task_mut(task.number).passed.get_or_insert_with(today);
            } else if result.ran.iter().filter(own).any(|ran| !ran.passed()) {
                // What was passed once and is red now is not passed.
                if progress.task(task.number).passed.is_some() {
                    progress.task_mut(task.number).passed = None;
                }
            }
        }
        progress.started.get_or_insert_with(today);
        progress.last = Some(Verdict {
            date: today(),
            passed: u32::try_from(passed).unwrap_or(u32::MAX),
            code: result.whose.word().to_owned(),
            stack: result.provider.name().to_owned(),
        });
    })?;
    Ok(())
}

#[cfg(test)]
mod tests;
