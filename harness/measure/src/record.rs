//! A measurement record: one run of one experiment, with all that says whether it may be compared. A line of JSON.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Figure, Machine};

/// How thoroughly an experiment was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// As the experiment says.
    Full,
    /// A first answer within a minute: fewer repetitions, shorter runs. Marked as such wherever it is shown.
    Quick,
}

/// Whose code was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Code {
    /// The reader's lab.
    Yours,
    /// The solution.
    Reference,
}

/// One run of one experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The experiment's id.
    pub experiment: String,
    /// The lab's folder: `05-acks`.
    pub lab: String,
    /// Full or quick.
    pub mode: Mode,
    /// Whose code.
    pub code: Code,
    /// A digest of that code and of the experiment's.
    pub code_digest: String,
    /// The checkout's revision, and whether it had changes.
    pub revision: String,
    /// When it began, UTC, RFC 3339.
    pub date: String,
    /// Where.
    pub machine: Machine,
    /// Where the servers came from; `none` for an experiment without servers.
    pub provider: String,
    /// Versions of the servers, by name.
    pub servers: BTreeMap<String, String>,
    /// How long it took, seconds.
    pub seconds: f64,
    /// What was measured.
    pub figures: Vec<Figure>,
    /// What could not be measured, and why, in sentences.
    #[serde(default)]
    pub notes: Vec<String>,
}

impl Record {
    /// A figure by metric and arm.
    #[must_use]
    pub fn figure(&self, metric: &str, arm: &str) -> Option<&Figure> {
        self.figures
            .iter()
            .find(|figure| figure.metric == metric && figure.arm == arm)
    }
}

/// What of today a record must agree with, not to be stale.
#[derive(Clone, Debug, Default)]
pub struct Today {
    /// Digest of the code as it is now, whose-ever the record's is.
    pub code_digest: Option<String>,
    /// Versions of the servers as they would be started now.
    pub servers: BTreeMap<String, String>,
    /// This machine; `None` for the reference's records, which are of another.
    pub machine: Option<Machine>,
}

/// Why a record says nothing about today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// The lab's code or the experiment's has changed.
    Code,
    /// A server has another version.
    Server,
    /// It was taken on another machine.
    Machine,
}

impl Stale {
    /// Of `record`, the first reason.
    #[must_use]
    pub fn of(record: &Record, today: &Today) -> Option<Self> {
        let code = today.code_digest.as_ref().is_some_and(|now| *now != record.code_digest);
        let differs =
            |(name, version): (&String, &String)| today.servers.get(name).is_some_and(|now| !is(version, now));
        let machine = today.machine.as_ref().is_some_and(|now| *now != record.machine);
        match () {
            () if code => Some(Self::Code),
            () if record.servers.iter().any(differs) => Some(Self::Server),
            () if machine => Some(Self::Machine),
            () => None,
        }
    }

    /// What has changed since, as a clause.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::Code => "the code has changed since",
            Self::Server => "a server's version has changed since",
            Self::Machine => "this is another machine",
        }
    }
}

/// Whether a server that calls itself `version` is the one that is pinned: it may say more, as 25.8.2.1 of 25.8.2.
fn is(version: &str, pinned: &str) -> bool {
    let more = version.strip_prefix(pinned);
    more.is_some_and(|more| more.is_empty() || more.starts_with('.'))
}

/// The records of a file, and what of it cannot be read.
#[derive(Clone, Debug, Default)]
pub struct Records {
    /// In the file's order: the oldest first.
    pub records: Vec<Record>,
    /// What cannot be read.
    pub broken: Vec<BrokenLine>,
}

/// A line that is no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {what}", file.display())]
pub struct BrokenLine {
    /// The file.
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
    /// What is wrong with it, and what to do.
    pub what: String,
}

impl Records {
    /// Reads a file of records; none is no records. A line that cannot be read is told and passed over.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn read(file: &Path) -> std::io::Result<Self> {
        crate::lines::read(file, "measurement record").map(|(records, broken)| Self { records, broken })
    }

    /// The newest record of an experiment that `fits`.
    pub fn newest(&self, experiment: &str, fits: impl Fn(&Record) -> bool) -> Option<&Record> {
        let of = |record: &&Record| record.experiment == experiment && fits(record);
        self.records.iter().rev().find(of)
    }

    /// The record to show of an experiment: the newest full one that `fits`, else the newest quick one.
    pub fn best(&self, experiment: &str, fits: impl Fn(&Record) -> bool) -> Option<&Record> {
        self.newest(experiment, |record| record.mode == Mode::Full && fits(record))
            .or_else(|| self.newest(experiment, &fits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_says_more_of_its_version_than_is_pinned_is_the_pinned_one() {
        for (version, pinned, same) in [
            ("25.8.2.1", "25.8.2", true),
            ("4.3.1", "4.3.1", true),
            ("25.8.21", "25.8.2", false),
            ("25.8.1.1", "25.8.2", false),
            ("4.3", "4.3.1", false),
        ] {
            assert_eq!(is(version, pinned), same, "{version} where {pinned} is pinned");
        }
    }
}
