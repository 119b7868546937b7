//! `audit`: the last run's report again.

use std::process::ExitCode;

use anyhow::bail;
use ledger::Report;

use crate::out;
use crate::run::current;
use crate::run::kept::{Last, last};

pub(crate) fn run(json: bool) -> anyhow::Result<ExitCode> {
    let home = stack::provision::home();
    let file = match last(&home) {
        Last::Audited(file) => file,
        Last::Never => bail!(
            "no run has been audited yet; ./lab up makes one ({} is where its report would be)",
            home.display()
        ),
        Last::Unaudited(logs) => {
            if let Some(current) = current::find(&home)? {
                bail!(
                    "the run of process {} goes on; ask again when it has ended, with an audit",
                    current.pid
                );
            }
            let logs = logs.map_or_else(String::new, |logs| format!(" (its logs are in {})", logs.display()));
            bail!(
                "the last run has no audit: it broke off, or is still being set up{logs}; ./lab up makes another run"
            );
        }
    };
    let report = Report::read(&file)?;
    if json {
        // As it was written: a program that reads it gets every field that the run's version knew.
        out(&std::fs::read_to_string(&file)?);
    } else {
        out(&report.render());
    }
    Ok(ExitCode::from(report.verdict.exit_code()))
}
