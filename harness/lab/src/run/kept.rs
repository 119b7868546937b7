//! What outlives a run: its report, where `./lab audit` finds it, and its logs.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use ledger::Report;
use stack::{Server, Stack};

use super::not_built::NotBuilt;

/// The folder of the last run's report and logs.
fn last_run(home: &Path) -> PathBuf {
    home.join("last-run")
}

/// The last run, as `./lab audit` finds it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Last {
    /// Its report.
    Audited(PathBuf),
    /// It ended without one; its logs, if it left any.
    Unaudited(Option<PathBuf>),
    /// There was no run.
    Never,
}

/// What there is of the last run.
pub(crate) fn last(home: &Path) -> Last {
    let place = last_run(home);
    let (report, logs) = (place.join("report.json"), place.join("logs"));
    if report.exists() {
        Last::Audited(report)
    } else if place.exists() {
        Last::Unaudited(Some(logs).filter(|logs| logs.exists()))
    } else {
        Last::Never
    }
}

/// A run begins: what is kept of the one before goes now and not when there is something newer, so that a run that comes to
/// nothing does not end with the PASS of another.
///
/// # Errors
/// It cannot be removed.
pub(crate) fn begin(home: &Path) -> anyhow::Result<()> {
    let place = last_run(home);
    match std::fs::remove_dir_all(&place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        // The empty folder says that there was a run.
        _ => std::fs::create_dir_all(&place),
    }
    .with_context(|| {
        format!(
            "{} cannot be written to; set TICKBOOK_HOME to a folder that can",
            place.display()
        )
    })
}

/// Where things of this run are, and where they go to be kept.
pub(crate) struct Kept {
    place: PathBuf,
    logs: PathBuf,
    /// Held, so that the logs are still there when something has gone wrong.
    stack: Arc<Stack>,
}

impl Kept {
    /// For a run with its folder inside the stack's.
    pub(crate) fn new(home: &Path, stack: &Arc<Stack>, folder: &Path) -> Self {
        Self {
            place: last_run(home),
            logs: folder.join("logs"),
            stack: Arc::clone(stack),
        }
    }

    /// Keeps the report.
    pub(crate) fn report(&self, report: &Report) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.place).with_context(|| format!("{} cannot be made", self.place.display()))?;
        report.write(&self.place.join("report.json"))?;
        std::fs::write(self.place.join("report.txt"), report.render()).context("the report as text cannot be written")
    }

    /// Keeps the logs of the pipeline, and of the `servers` if they may have something to say; returns where.
    pub(crate) fn logs(&self, servers: bool) -> anyhow::Result<PathBuf> {
        let kept = self.place.join("logs");
        std::fs::create_dir_all(&kept).with_context(|| format!("{} cannot be made", kept.display()))?;
        for log in std::fs::read_dir(&self.logs).into_iter().flatten().flatten() {
            copy(&log.path(), &kept.join(log.file_name()))?;
        }
        if servers {
            let kafka = self.stack.kafka();
            let all = kafka.brokers().iter().chain(kafka.controller());
            for server in all.chain([self.stack.clickhouse().server()]) {
                copy(server.log(), &kept.join(name(server)))?;
            }
        }
        Ok(kept)
    }

    /// The error of a run that broke off, with the place of its logs.
    /// Of a run that met an unbuilt task the error itself: its logs say no more.
    pub(crate) fn after(&self, error: anyhow::Error) -> anyhow::Error {
        if error.is::<NotBuilt>() {
            return error;
        }
        let why = format!("{error:#}");
        // Last words of a process are lines of their own, and so is what comes after them.
        let then = if why.contains('\n') { "\n" } else { "; " };
        match self.logs(true) {
            Ok(logs) => anyhow::anyhow!(
                "{why}{then}the logs of the run and its servers are in {}",
                logs.display()
            ),
            Err(lost) => anyhow::anyhow!("{why}{then}its logs could not be kept ({lost:#})"),
        }
    }
}

/// Every server calls its own log the same.
fn name(server: &Server) -> String {
    format!("{}.log", server.name())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    match std::fs::copy(from, to) {
        // A process that said nothing has no log.
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_begins_takes_the_report_of_the_one_before_away() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(last(home.path()), Last::Never);
        begin(home.path()).unwrap();
        assert_eq!(last(home.path()), Last::Unaudited(None));
        let (place, report) = (last_run(home.path()), last_run(home.path()).join("report.json"));
        Report::default().write(&report).unwrap();
        std::fs::create_dir(place.join("logs")).unwrap();
        assert_eq!(last(home.path()), Last::Audited(report));
        begin(home.path()).unwrap();
        assert_eq!(
            last(home.path()),
            Last::Unaudited(None),
            "a report or logs of a run before are left"
        );
        std::fs::create_dir(place.join("logs")).unwrap();
        assert_eq!(last(home.path()), Last::Unaudited(Some(place.join("logs"))));
    }
}
