//! `check`: whether each lab still fits: what is generated is what is committed, the skeleton is red as announced and solved task by
//! task, the reference passes, each mutant is killed, and what prose names exists.
//!
//! All of it in a copy of the checkout, so that nothing of a reader's is looked at or touched, with the checkout's own build
//! directory, so that no dependency is compiled twice.

mod gates;
mod mutants;
mod names;
mod order;
mod scratch;
mod table;
mod tests_of;

use std::path::Path;
use std::time::{Duration, Instant};

use super::found::{self, Lab};
use super::manifest::ManifestError;
use crate::servers::Servers;
pub(crate) use mutants::Patched;
pub(crate) use scratch::Scratch;

/// A gate of a lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    Manifest,
    Generated,
    Compiles,
    Red,
    Reference,
    Order,
    Mutants,
    Names,
}

impl Gate {
    pub(crate) const ALL: [Self; 8] = [
        Self::Manifest,
        Self::Generated,
        Self::Compiles,
        Self::Red,
        Self::Reference,
        Self::Order,
        Self::Mutants,
        Self::Names,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Manifest => "lab.toml",
            Self::Generated => "generated = committed",
            Self::Compiles => "no warnings",
            Self::Red => "red as declared",
            Self::Order => "solved in order",
            Self::Reference => "reference passes",
            Self::Mutants => "mutants killed",
            Self::Names => "names exist",
        }
    }
}

/// What a gate came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// With a word on how much was looked at.
    Holds(String),
    /// With a line for each thing that is wrong.
    Broken(Vec<String>),
    /// An earlier gate had to hold first.
    NotReached,
}

/// A lab's gates.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) folder: String,
    pub(crate) gates: Vec<(Gate, Verdict)>,
    pub(crate) took: Duration,
}

impl Checked {
    fn new(folder: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            gates: Gate::ALL.iter().map(|gate| (*gate, Verdict::NotReached)).collect(),
            took: Duration::ZERO,
        }
    }

    fn set(&mut self, gate: Gate, verdict: Verdict) {
        if let Some(place) = self.gates.iter_mut().find(|(each, _)| *each == gate) {
            place.1 = verdict;
        }
    }

    pub(crate) fn holds(&self) -> bool {
        self.gates
            .iter()
            .all(|(_, verdict)| matches!(verdict, Verdict::Holds(_)))
    }

    fn of_broken(folder: &str, error: &ManifestError) -> Self {
        let mut checked = Self::new(folder);
        checked.set(Gate::Manifest, Verdict::Broken(vec![error.to_string()]));
        checked
    }
}

/// Turns findings into a verdict.
fn verdict(findings: Vec<String>, well: String) -> Verdict {
    match findings.is_empty() {
        true => Verdict::Holds(well),
        false => Verdict::Broken(findings),
    }
}

/// Checks labs one after another: cargo builds one thing at a time anyway, and tests are run several at a time. `cli` is the command
/// line, of which prose may speak.
///
/// # Errors
/// The copy cannot be made, or git or cargo cannot be started. What is wrong with a lab is in its verdicts.
pub(crate) async fn check(
    root: &Path,
    folders: &[String],
    servers: &Servers,
    cli: &clap::Command,
    tell: &dyn Fn(&str),
) -> anyhow::Result<Vec<Checked>> {
    tell("copying the checkout");
    let scratch = Scratch::make(root).await?;
    let mut all = Vec::new();
    for folder in folders {
        let from = Instant::now();
        let mut checked = match Lab::read(&scratch.root, folder) {
            Ok(lab) => {
                let mut checked = Checked::new(folder);
                let saying = |what: &str| tell(&format!("{folder}: {what}"));
                if let Err(error) = gates::run(&scratch, &lab, servers, cli, &saying, &mut checked).await {
                    // This lab cannot be judged; the others can.
                    let first = checked
                        .gates
                        .iter()
                        .find(|(_, verdict)| *verdict == Verdict::NotReached);
                    let gate = first.map_or(Gate::Names, |(gate, _)| *gate);
                    checked.set(gate, Verdict::Broken(vec![format!("{error:#}")]));
                }
                checked
            }
            Err(error) => Checked::of_broken(folder, &error),
        };
        checked.took = from.elapsed();
        scratch.forget_builds();
        all.push(checked);
    }
    Ok(all)
}

/// The folders that words mean; all without words.
///
/// # Errors
/// A word that means none.
pub(crate) fn chosen(root: &Path, words: &[String]) -> anyhow::Result<Vec<String>> {
    match words.is_empty() {
        true => found::folders(root),
        false => words.iter().map(|word| found::folder(root, word)).collect(),
    }
}

pub(crate) use table::table;
