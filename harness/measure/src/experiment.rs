//! What an experiment is, as a lab's manifest declares it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::FigureName;

/// One experiment of a lab.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Small letters and dashes; unique in the workbook.
    pub id: String,
    /// What is asked, as a heading.
    pub title: String,
    /// What is done and how, in a paragraph: what a reader must know to trust the figures.
    pub how: String,
    /// The program of `[[bench]]` that runs it: one that speaks [`Teller`](crate::Teller)'s lines, or one of criterion's.
    pub program: String,
    /// Files that this experiment is made of, as `experiments/order.rs`, below the solution's folder; several may name one file. What no
    /// experiment names is all of theirs. A changed line makes those records stale that were measured with it, and no others.
    #[serde(default)]
    pub files: Vec<String>,
    /// Which kind of program that is.
    #[serde(default)]
    pub kind: Kind,
    /// How long a full run takes on a small machine, minutes.
    pub minutes: f64,
    /// The same of a quick one, seconds; under 60.
    pub quick_seconds: f64,
    /// What it leaves on the disk while it runs, MB.
    pub disk_mb: u64,
    /// Brokers of the Kafka clusters that it starts, such as `[1, 3]`; empty without servers.
    #[serde(default)]
    pub brokers: Vec<u8>,
    /// Above this, `(most - least) / median` of the repetitions, nothing is concluded from a figure.
    pub spread: f64,
    /// The metrics, and the unit of each: `records/s`, `ms`, `%`, `trades`, `×` for a ratio, `` for a bare number.
    pub metrics: BTreeMap<String, String>,
    /// Metrics in which there is no chance, such as the value of a setting: one repetition says all.
    #[serde(default)]
    pub exact: Vec<String>,
    /// What a reader is asked before it.
    pub predict: Predict,
    /// How its figures are drawn.
    #[serde(default)]
    pub chart: Vec<Chart>,
}

/// What runs an experiment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A program that tells its figures itself.
    #[default]
    Program,
    /// Criterion; an arm's name is the bench's id behind the package's name, as `bench=observe/per_record`.
    Criterion,
}

/// A number to be written down before it is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predict {
    /// The question, which ends with what the number counts.
    pub question: String,
    /// The figure that answers it.
    pub of: FigureName,
}

/// A drawing of some of an experiment's figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// What it shows, as a sentence: it is also the text that stands for the drawing.
    pub title: String,
    /// The metric.
    pub metric: String,
    /// Only arms with these factors, as `acks=all brokers=3`; by default all.
    #[serde(default)]
    pub only: String,
    /// The factor along the horizontal axis of a line chart, whose values are numbers; without it, bars.
    pub x: Option<String>,
    /// What the horizontal axis counts, with its unit.
    pub x_title: Option<String>,
    /// Whether the values' axis is logarithmic.
    #[serde(default)]
    pub log: bool,
}

impl Chart {
    /// Whether an arm is drawn: it has every factor that is asked for, with that value.
    #[must_use]
    pub fn shows(&self, arm: &str) -> bool {
        let has = |(name, value): (&str, &str)| crate::factors(arm).any(|factor| factor == (name, value));
        crate::factors(&self.only).all(has)
    }
}

impl Experiment {
    /// The unit of a metric.
    #[must_use]
    pub fn unit(&self, metric: &str) -> &str {
        self.metrics.get(metric).map_or("", String::as_str)
    }
}
