//! The commands, one file each.

use std::process::ExitCode;

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
        other => anyhow::bail!("{other:?} is on its way"),
    }
}
