//! The commands, one file each.

mod audit;
mod bench;
mod book;
mod check;
mod clean;
mod conformance;
mod doctor;
mod generate;
mod hint;
mod images;
mod list;
mod next;
mod portfolio;
mod predict;
mod questions;
mod record;
mod rehearse;
mod reset;
mod reveal;
pub(crate) mod score;
mod soak;
mod start;
mod status;
mod test;
mod up;
mod update;
mod watch;
mod worker;

use std::process::ExitCode;

use anyhow::Context;

use crate::cli::{Cli, Command};
use crate::faults;

/// Does what was asked.
///
/// # Errors
/// The first cause, as a sentence that says what to do next.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    if cli.command.touches_labs() && update::is_half_way() {
        anyhow::bail!("an update of the workbook was interrupted; ./lab update ends it, and nothing of yours is lost");
    }
    if cli.command.builds() {
        for path in crate::labs::found::bring_back(&crate::cargo::root())? {
            crate::note(&format!("brought back, because it was missing: {}", path.display()));
        }
    }
    match cli.command {
        Command::Up(args) if args.faults.contains(&faults::Scheduled::List) => {
            crate::out(&faults::list());
            Ok(ExitCode::SUCCESS)
        }
        Command::Up(args) => up::run(*args),
        Command::Soak(args) => soak::run(&args),
        Command::Worker(args) => worker::run(&args),
        Command::Record(args) => record::run(&args),
        Command::Test {
            what,
            programs,
            brokers,
            jobs,
            reference,
            bonus,
        } => test::run(&test::Wanted {
            args: &what,
            programs: &programs,
            brokers,
            jobs,
            reference,
            bonus,
        }),
        Command::List => list::run(),
        Command::Next { lab } => next::run(lab.as_deref()),
        Command::Start { lab } => start::run(&lab),
        Command::Watch { lab, stack } => watch::run(&lab, stack),
        Command::Hint { lab, task, again } => hint::run(&lab, task, again),
        Command::Reveal { lab, task, give_up } => reveal::run(&lab, task, give_up),
        Command::Status { lab } => status::run(lab.as_deref()),
        Command::Bench(args) => bench::run(&args),
        Command::Predict {
            lab,
            experiment,
            value,
            factor,
        } => predict::run(&predict::Wanted {
            lab: &lab,
            experiment: experiment.as_deref(),
            value: value.as_deref(),
            factor,
        }),
        Command::Score => score::run(),
        Command::Portfolio { out, name, open } => portfolio::run(out, name, open),
        Command::Book { build, port, open } => book::run(build, port, open),
        Command::BookPreprocessor { words } => book::preprocess(&words),
        Command::Audit { json } => audit::run(json),
        Command::Reset { lab, all } => reset::run(&lab, all),
        Command::Update => update::run(),
        Command::Clean { all } => clean::run(all, cli.yes),
        Command::Generate { labs } => generate::run(&labs),
        Command::Check { labs, stack } => check::run(&labs, stack),
        Command::Rehearse(args) => rehearse::run(&args),
        Command::Questions(asked) => questions::run(&asked),
        Command::Doctor => Ok(doctor::run()),
        Command::Images => images::run(),
        Command::Conformance { subject, file, mine } => conformance::run(subject, &file, &mine),
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no threads can be started")
}
