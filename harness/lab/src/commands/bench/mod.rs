//! `bench`: the experiments of a lab; the benches of other parts, which are criterion's; and that of the pipeline, which measures its
//! stages and the whole.

mod experiments;
mod page;
mod programme;
mod tables;
mod targets;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use ledger::Verdict;
use stack::Provider;

use super::up;
use crate::cli::{self, BenchArgs, TestArgs, UpArgs};
use crate::labs::found::{self, Whose};
use crate::parts::{self, Package};
use crate::reader::standing::Standing;
use crate::run::plan::Plan;
use crate::values::Rate;
use crate::{cargo, note, out};
use programme::Lengths;

/// Below, a run is over before what is on its way can be seen to grow, and its latency is that of its beginning.
const SHORTEST: Duration = Duration::from_secs(10);

pub(crate) fn run(args: &BenchArgs) -> anyhow::Result<ExitCode> {
    let what = &args.what;
    let asked = asked(&what.parts, &parts::all(&cargo::root())?, what.rest.is_empty())?;
    let whole_of_it = matches!(asked, Asked::Pipeline(_));
    ensure!(
        args.each.is_none() || (whole_of_it && what.rest.is_empty()),
        "--each goes with the whole of ./lab bench pipeline, and with nothing behind --"
    );
    let experiments = matches!(&asked, Asked::Experiments(_));
    ensure!(
        !args.reference || ((whole_of_it || experiments) && what.rest.is_empty()),
        "--reference goes with a lab that has experiments, or with ./lab bench pipeline, and with nothing behind --"
    );
    ensure!(
        (!args.quick && args.only.is_empty()) || experiments,
        "--quick and --only go with one lab that has experiments, and with nothing behind --"
    );
    ensure!(
        args.each.is_none_or(|each| each >= SHORTEST),
        "--each {} s is too short to tell whether the rate is kept up with: at least {} s",
        args.each.unwrap_or_default().as_secs(),
        SHORTEST.as_secs()
    );
    match asked {
        Asked::Experiments(package) => {
            let lab = found::find(&cargo::root(), &package.folder)?;
            // Before anything is said of whose code is measured.
            experiments::chosen(&lab, &args.only)?;
            let whose = match args.reference {
                true => Whose::Reference,
                false => built(&package)?.1,
            };
            experiments::run(&lab, whose, args, stack_of(what)?)
        }
        Asked::Parts(packages) => criterion(&packages, what),
        Asked::Pipeline(package) if what.rest.is_empty() => whole(&package, args),
        Asked::Pipeline(package) => pipeline(&package, what),
    }
}

/// Everything that is measured of the pipeline.
fn whole(package: &Package, args: &BenchArgs) -> anyhow::Result<ExitCode> {
    let provider = stack_of(&args.what)?;
    let lengths = if args.reference {
        Lengths::REFERENCE
    } else {
        Lengths::SHORT
    };
    let lengths = args.each.map_or(lengths, Lengths::all);
    let figures = programme::measure(provider, lengths)?;
    out(&tables::text(&figures));
    if args.reference {
        let written = page::write(&cargo::root(), provider, &figures)?;
        note(&format!("\nWritten: {}", written.display()));
    }
    note(&format!(
        "\n{}: measured. Code: reference. Servers: {provider}.",
        package.folder
    ));
    Ok(ExitCode::SUCCESS)
}

/// Where the servers come from: figures want no virtual network in between, unless it is asked for.
fn stack_of(args: &TestArgs) -> anyhow::Result<Provider> {
    match args.stack {
        Some(provider) => Ok(provider.resolve()),
        None => Ok(cli::DEFAULT_STACK.parse()?),
    }
}

#[derive(Debug)]
enum Asked {
    Experiments(Package),
    Parts(Vec<Package>),
    Pipeline(Package),
}

/// `bare` where nothing stands behind `--`: that is for criterion.
fn asked(words: &[String], all: &[Package], bare: bool) -> anyhow::Result<Asked> {
    let is_pipeline = |package: &Package| package.name == cargo::PIPELINE.0;
    let mut packages = parts::find(words, all)?;
    ensure!(
        !packages.is_empty(),
        "which part is to be measured? ./lab bench 02 or ./lab bench pipeline; all of them would take an hour"
    );
    if packages.iter().any(is_pipeline) {
        ensure!(
            packages.len() == 1,
            "the pipeline needs the machine for itself: ./lab bench pipeline, and the other parts in another call"
        );
        return Ok(Asked::Pipeline(packages.remove(0)));
    }
    if let ([package], true) = (packages.as_slice(), bare)
        && let Ok(lab) = found::find(&cargo::root(), &package.folder)
        && !lab.manifest.experiments.is_empty()
    {
        return Ok(Asked::Experiments(package.clone()));
    }
    // Cargo would build them, find nothing to run, and call that a success.
    if let Some(package) = packages.iter().find(|package| package.benches.is_empty()) {
        let some = all
            .iter()
            .filter(|package| !package.benches.is_empty() || is_pipeline(package));
        let some: Vec<&str> = some.map(|package| package.folder.as_str()).collect();
        bail!(
            "{} has no benches; there are those of {}",
            package.folder,
            some.join(", ")
        );
    }
    Ok(Asked::Parts(packages))
}

fn criterion(packages: &[Package], args: &TestArgs) -> anyhow::Result<ExitCode> {
    let provider = stack_of(args)?;
    let mut command = cargo::cargo("bench");
    command.env("LAB_STACK", provider.name());
    cargo::with_ours(&cargo::root(), &mut command);
    let mut whose = Whose::Yours;
    for package in packages {
        let (name, its) = built(package)?;
        if its == Whose::Reference {
            whose = its;
        }
        command.args(["--package", &name]);
        for bench in &package.benches {
            command.args(["--bench", bench]);
        }
    }
    if !args.rest.is_empty() {
        command.arg("--").args(&args.rest);
    }
    let status = command
        .status()
        .context("cargo cannot be started; ./lab doctor says what is missing")?;
    let (word, code) = match status.success() {
        true => ("measured", ExitCode::SUCCESS),
        false => ("could not be measured", ExitCode::FAILURE),
    };
    note(&format!(
        "\n{}: {word}. Code: {}. Servers: {}.",
        parts::named(packages),
        whose.word(),
        provider
    ));
    Ok(code)
}

/// Whose crate is measured: the reader's, if all of it is built; a `todo!` has no speed.
fn built(package: &Package) -> anyhow::Result<(String, Whose)> {
    let Ok(lab) = found::find(&cargo::root(), &package.folder) else {
        return Ok((package.name.clone(), Whose::Reference));
    };
    let standing = Standing::of(lab)?;
    match standing.todos.first() {
        None => Ok((standing.lab.package(Whose::Yours), Whose::Yours)),
        Some(todo) => {
            note(&format!(
                "task {} of {} is not built yet, so the reference is measured",
                todo.task, package.folder
            ));
            Ok((package.name.clone(), Whose::Reference))
        }
    }
}

/// A run of `up` as anybody could make it, audit and all: what loses trades is not fast.
fn pipeline(package: &Package, args: &TestArgs) -> anyhow::Result<ExitCode> {
    let args = as_up(args)?;
    let mut plan = Plan::new(args.clone())?;
    plan.measured = true;
    let done = up::carried_out(plan)?;
    let verdict = done.report.verdict;
    let word = match verdict {
        Verdict::Pass => "measured",
        _ => "NOT measured, because the run did not pass its audit",
    };
    out(&tables::text_of(&programme::of(&done, &args)));
    note(&format!(
        "\n{}: {word}. Code: reference. Servers: {}.",
        package.folder, done.report.stack.provider
    ));
    Ok(ExitCode::from(verdict.exit_code()))
}

/// What `up` is asked for: its minute, but at full speed, and what stands behind `--`.
fn as_up(args: &TestArgs) -> anyhow::Result<UpArgs> {
    let mut up = cli::up_with(&args.rest)?;
    up.rate.get_or_insert(Rate::Max);
    if let Some(provider) = args.stack {
        up.stack = provider;
    }
    Ok(up)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::Length;

    fn args(parts: &[&str], rest: &[&str]) -> TestArgs {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        TestArgs {
            parts: owned(parts),
            stack: None,
            rest: owned(rest),
        }
    }

    fn what(parts: &[&str]) -> anyhow::Result<Asked> {
        asked(&args(parts, &[]).parts, &parts::all(&cargo::root())?, true)
    }

    #[test]
    fn the_pipeline_is_measured_by_running_it_whatever_it_is_called() {
        for word in ["pipeline", "14", "14-pipeline"] {
            assert!(matches!(what(&[word]), Ok(Asked::Pipeline(_))), "{word}");
        }
        assert!(matches!(what(&["02"]), Ok(Asked::Parts(_))));
        let up = as_up(&args(&["pipeline"], &["--workers", "2"])).unwrap();
        assert_eq!(
            (up.rate, up.length, up.workers),
            (Some(Rate::Max), Length::For(Duration::from_secs(60)), 2)
        );
        let up = as_up(&args(&["pipeline"], &["--rate", "50k"])).unwrap();
        assert_eq!(up.rate, Some(Rate::PerSecond(50_000.0)));
    }

    #[test]
    fn what_cannot_be_measured_is_refused_with_what_can() {
        let refused = what(&["stack"]).unwrap_err().to_string();
        assert!(
            refused.starts_with("stack has no benches; there are those of "),
            "{refused}"
        );
        assert!(
            refused.contains("14-pipeline") && !refused.contains(", stack"),
            "{refused}"
        );
        assert!(
            what(&["02", "pipeline"]).is_err(),
            "two that disturb each other were taken"
        );
        assert!(what(&[]).is_err(), "an hour was begun without a question");
        assert_eq!(
            as_up(&args(&["pipeline"], &["--speed", "5"])).unwrap_err().to_string(),
            "there is no --speed; did you mean --seed?"
        );
    }
}
