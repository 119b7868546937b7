//! `audit`: the last run's report again.

use std::process::ExitCode;

use anyhow::bail;
use ledger::Report;

use crate::out;
use crate::run::audit::last_run;

pub(crate) fn run(json: bool) -> anyhow::Result<ExitCode> {
    let file = last_run(&stack::provision::home()).join("report.json");
    if !file.exists() {
        bail!(
            "no run has been audited yet; ./lab up makes one ({} is where its report would be)",
            file.display()
        );
    }
    let report = Report::read(&file)?;
    if json {
        // As it was written: a program that reads it gets every field that the run's version knew.
        out(&std::fs::read_to_string(&file)?);
    } else {
        out(&report.render());
    }
    Ok(ExitCode::from(report.verdict.exit_code()))
}
