//! The commands, one file each.

mod audit;
mod bench;
mod clean;
mod conformance;
mod doctor;
mod images;
mod record;
mod soak;
mod test;
mod up;
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
        } => test::run(&test::Wanted {
            args: &what,
            programs: &programs,
            brokers,
            jobs,
        }),
        Command::Bench(args) => bench::run(&args),
        Command::Audit { json } => audit::run(json),
        Command::Clean { all } => clean::run(all, cli.yes),
        Command::Doctor => Ok(doctor::run()),
        Command::Images => images::run(),
        Command::Conformance { subject, file } => conformance::run(subject, &file),
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no threads can be started")
}
