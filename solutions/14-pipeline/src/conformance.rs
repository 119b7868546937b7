//! Conformance: published cases of window, watermark and placement semantics, run against the parts.
//!
//! A file holds one JSON object per line. A case of our dialect (Flink's) passes, or fails with what is different; a
//! case of another engine or kind is skipped and its reason counted. A claim that is not understood fails: a check that
//! passes over what it does not know proves nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;

use serde_json::{Map, Value};

mod assigning;
mod claim;
mod merging;
mod operating;
mod placing;
mod progress;

/// Why a case did not pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Reject {
    /// The parts give something else than the case claims.
    #[error("{0}")]
    Differs(String),
    /// The case says something that this program cannot check.
    #[error("not understood: {0}")]
    NotUnderstood(String),
    /// Another engine, or another kind of case.
    #[error("{0}")]
    NotOurs(String),
}

/// A case that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The case's id; its line where it has none.
    pub id: String,
    /// What is different.
    pub difference: String,
}

/// What became of the cases of a file. Shown: each failure, each reason for skipping with its count, and last the line
/// `N passed, N failed, N skipped`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many passed.
    pub passed: usize,
    /// Those that failed.
    pub failed: Vec<Failure>,
    /// Why cases were skipped, and how many each.
    pub skipped: BTreeMap<String, usize>,
}

impl Summary {
    /// Whether at least one case passed and none failed.
    pub fn is_success(&self) -> bool {
        self.failed.is_empty() && self.passed > 0
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failed {
            writeln!(f, "FAILED {}: {}", failure.id, failure.difference)?;
        }
        for (reason, count) in &self.skipped {
            writeln!(f, "skipped {count}: {reason}")?;
        }
        let skipped: usize = self.skipped.values().sum();
        write!(
            f,
            "{} passed, {} failed, {skipped} skipped",
            self.passed,
            self.failed.len()
        )
    }
}

/// Runs the cases of window assignment, session merging, watermarks and the window operator.
pub fn windows(reader: impl BufRead) -> Summary {
    run(reader, |case| {
        let engine = case.get("engine").and_then(Value::as_str).unwrap_or("flink");
        if engine != "flink" {
            return Err(Reject::NotOurs(format!("engine {engine} follows other rules")));
        }
        if let Some(unit) = case.get("unit").and_then(Value::as_str).filter(|unit| *unit != "ms") {
            return Err(Reject::NotUnderstood(format!("unit {unit:?}")));
        }
        let check = match case.get("kind").and_then(Value::as_str) {
            Some("window_assign") => assigning::check,
            Some("session_merge") => merging::check,
            Some("watermark") => progress::check,
            Some("operator") => operating::check,
            Some(kind) => return Err(Reject::NotOurs(format!("kind {kind}"))),
            None => return Err(Reject::NotUnderstood("a case without a kind".into())),
        };
        let mut expect = claim::object(case, "expect")?.clone();
        // A control: the claim beside this key is wrong, and a check that accepts it is broken.
        let control = expect
            .remove("harness_must_fail")
            .is_some_and(|value| value != Value::Bool(false));
        match (
            check(claim::object(case, "params")?, claim::object(case, "input")?, &expect),
            control,
        ) {
            (Ok(()), true) => Err(Reject::Differs("a wrong claim was accepted".into())),
            (Err(Reject::Differs(_)), true) => Ok(()),
            (verdict, _) => verdict,
        }
    })
}

/// Runs the vectors of key placement.
pub fn partitioner(reader: impl BufRead) -> Summary {
    run(reader, placing::check)
}

fn run(reader: impl BufRead, check: impl Fn(&Map<String, Value>) -> Result<(), Reject>) -> Summary {
    let mut summary = Summary::default();
    for (number, line) in reader.lines().enumerate() {
        let mut id = format!("line {}", number + 1);
        let verdict = match line {
            Err(error) => {
                // The rest of the file cannot be had either.
                let difference = format!("cannot be read: {error}");
                summary.failed.push(Failure { id, difference });
                break;
            }
            Ok(line) if line.trim().is_empty() => continue,
            Ok(line) => match serde_json::from_str::<Map<String, Value>>(&line) {
                Ok(case) => {
                    let name = case.get("id").or_else(|| case.get("key")).and_then(Value::as_str);
                    if let Some(name) = name {
                        id = match case.contains_key("id") {
                            true => name.to_owned(),
                            false => format!("{id} ({name:?})"),
                        };
                    }
                    check(&case)
                }
                Err(error) => Err(Reject::NotUnderstood(format!("not a JSON object: {error}"))),
            },
        };
        match verdict {
            Ok(()) => summary.passed += 1,
            Err(Reject::NotOurs(reason)) => *summary.skipped.entry(reason).or_default() += 1,
            Err(reject) => summary.failed.push(Failure {
                id,
                difference: reject.to_string(),
            }),
        }
    }
    summary
}
