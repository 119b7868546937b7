//! `lab.toml`: the one place that says what a lab asks, tests and hints. A mistake in it is told with its line.

mod raw;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use raw::{Raw, Wrong};

/// A manifest that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {what}", file.display())]
pub(crate) struct ManifestError {
    /// Below the checkout.
    pub(crate) file: PathBuf,
    /// From 1.
    pub(crate) line: usize,
    /// What is wrong and what to do.
    pub(crate) what: String,
}

/// What one lab is.
#[derive(Debug, Clone)]
pub(crate) struct Manifest {
    pub(crate) number: u32,
    pub(crate) name: String,
    pub(crate) library: String,
    pub(crate) title: String,
    pub(crate) about: String,
    /// Files to read first, below the lab.
    pub(crate) read: Vec<String>,
    /// Names in backticks that are not of this project.
    pub(crate) words: BTreeSet<String>,
    /// Whether the pipeline can run what the reader builds: `./lab up --mine NN`.
    pub(crate) pipeline: bool,
    pub(crate) programs: Vec<Program>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) mutants: Vec<Mutant>,
    pub(crate) bonus: Option<Bonus>,
    pub(crate) experiments: Vec<measure::Experiment>,
}

/// A test program: a file in `tests/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) layer: Layer,
}

/// What a test stands on, and so how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    /// Values alone.
    Pure,
    /// A cluster in the process.
    Mock,
    /// Servers.
    Server,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pure => "pure",
            Self::Mock => "mock",
            Self::Server => "server",
        })
    }
}

/// One thing to build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) number: u8,
    pub(crate) title: String,
    pub(crate) what: String,
    /// In the order in which to look at them.
    pub(crate) tests: Vec<TestName>,
    pub(crate) hints: [String; 3],
    /// A question before coding, and its answer.
    pub(crate) predict: Option<(String, String)>,
}

/// A test: `mock::task4_a_name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TestName {
    pub(crate) program: String,
    pub(crate) test: String,
}

impl TestName {
    /// The task that it is named for.
    pub(crate) fn task(&self) -> Option<u8> {
        let short = self.test.rsplit("::").next()?;
        short.strip_prefix("task")?.split('_').next()?.parse().ok()
    }
}

impl fmt::Display for TestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.program, self.test)
    }
}

/// A plausible mistake, as a patch of the reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mutant {
    pub(crate) name: String,
    pub(crate) killed_by: TestName,
    pub(crate) question: String,
}

/// A test for the reader to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bonus {
    pub(crate) mutant: String,
    pub(crate) what: String,
}

impl Manifest {
    /// `05-acks`.
    pub(crate) fn folder(&self) -> String {
        format!("{:02}-{}", self.number, self.name)
    }

    /// The number as people type it: `05`.
    pub(crate) fn short(&self) -> String {
        format!("{:02}", self.number)
    }

    /// What to do when everything is built, as it stands behind `Next: `.
    pub(crate) fn at_the_end(&self) -> String {
        let read = format!("read solutions/{}/DISCUSSION.md", self.folder());
        match self.pipeline {
            true => format!("./lab up --mine {}   and {read}", self.short()),
            false => read,
        }
    }

    pub(crate) fn task(&self, number: u8) -> Option<&Task> {
        self.tasks.iter().find(|task| task.number == number)
    }

    pub(crate) fn layer(&self, program: &str) -> Option<Layer> {
        let found = self.programs.iter().find(|each| each.name == program);
        found.map(|program| program.layer)
    }

    /// How many tests are red before anything is built.
    pub(crate) fn declared(&self) -> usize {
        self.tasks.iter().map(|task| task.tests.len()).sum()
    }

    /// Reads `solutions/FOLDER/lab.toml`.
    ///
    /// # Errors
    /// The first mistake in it.
    pub(crate) fn read(root: &Path, folder: &str) -> Result<Self, ManifestError> {
        let file = Path::new("solutions").join(folder).join("lab.toml");
        let at_first = |what: String| ManifestError {
            file: file.clone(),
            line: 1,
            what,
        };
        let text = std::fs::read_to_string(root.join(&file)).map_err(|error| {
            at_first(format!(
                "cannot be read ({error}); `git checkout -- {}` brings it back",
                file.display()
            ))
        })?;
        Self::parse(&text, file, folder)
    }

    /// # Errors
    /// The first mistake in `text`.
    pub(crate) fn parse(text: &str, file: PathBuf, folder: &str) -> Result<Self, ManifestError> {
        let wrong = |span: Option<Range<usize>>, what: String| ManifestError {
            file: file.clone(),
            line: span.map_or(1, |span| line_of(text, span.start)),
            what,
        };
        let raw: Raw = toml::from_str(text).map_err(|error| {
            let words = error.message().replace('\n', " ");
            wrong(
                error.span(),
                format!("{words}; correct this line, the other labs go on without it"),
            )
        })?;
        raw.checked(folder).map_err(|Wrong(span, what)| wrong(Some(span), what))
    }
}

/// The line, from 1, of a place in a text.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}

#[cfg(test)]
mod tests;
