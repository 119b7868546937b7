//! A manifest as it is written, and whether it fits together.

use std::collections::BTreeSet;
use std::ops::Range;

use measure::Experiment;
use serde::Deserialize;
use toml::Spanned;

use super::{Bonus, Layer, Manifest, Mutant, Program, Task, TestName};

/// As it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    number: Spanned<u32>,
    name: String,
    library: String,
    title: String,
    about: String,
    #[serde(default)]
    read: Vec<String>,
    #[serde(default)]
    words: BTreeSet<String>,
    #[serde(default = "yes")]
    pipeline: bool,
    programs: RawPrograms,
    task: Vec<Spanned<RawTask>>,
    #[serde(default)]
    mutant: Vec<Spanned<RawMutant>>,
    bonus: Option<Spanned<RawBonus>>,
    #[serde(default)]
    experiment: Vec<Spanned<Experiment>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPrograms {
    #[serde(default)]
    pure: Vec<String>,
    #[serde(default)]
    mock: Vec<String>,
    #[serde(default)]
    server: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTask {
    number: Spanned<u8>,
    title: String,
    what: String,
    tests: Spanned<Vec<Spanned<String>>>,
    hints: Spanned<Vec<String>>,
    predict: Option<String>,
    answer: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMutant {
    name: Spanned<String>,
    killed_by: Spanned<String>,
    question: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBonus {
    mutant: Spanned<String>,
    what: String,
}

/// Most labs build a part of the pipeline.
fn yes() -> bool {
    true
}

/// Where, and what.
pub(super) struct Wrong(pub(super) Range<usize>, pub(super) String);

impl Raw {
    pub(super) fn checked(self, folder: &str) -> Result<Manifest, Wrong> {
        let said = format!("{:02}-{}", self.number.get_ref(), self.name);
        if said != folder {
            let what = format!("number and name say {said}, and the folder is {folder}; make them agree");
            return Err(Wrong(self.number.span(), what));
        }
        let layers = [
            (Layer::Pure, self.programs.pure),
            (Layer::Mock, self.programs.mock),
            (Layer::Server, self.programs.server),
        ];
        let programs: Vec<Program> = layers
            .into_iter()
            .flat_map(|(layer, names)| names.into_iter().map(move |name| Program { name, layer }))
            .collect();
        let mut tasks = Vec::with_capacity(self.task.len());
        let mut seen = BTreeSet::new();
        for (at, raw) in self.task.into_iter().enumerate() {
            tasks.push(task(at, raw, &programs, &mut seen)?);
        }
        let mut mutants: Vec<Mutant> = Vec::new();
        for raw in self.mutant {
            let raw = raw.into_inner();
            let (span, name) = (raw.name.span(), raw.name.into_inner());
            if !is_name(&name) {
                return Err(Wrong(
                    span,
                    format!("a mutant is named in small letters and dashes, not {name:?}"),
                ));
            }
            if mutants.iter().any(|other| other.name == name) {
                return Err(Wrong(span, format!("there are two mutants named {name}; rename one")));
            }
            mutants.push(Mutant {
                name,
                killed_by: test_name(&raw.killed_by, &programs)?,
                question: raw.question,
            });
        }
        let bonus = match self.bonus.map(Spanned::into_inner) {
            None => None,
            Some(bonus) => {
                let (span, mutant) = (bonus.mutant.span(), bonus.mutant.into_inner());
                if !mutants.iter().any(|each| each.name == mutant) {
                    return Err(Wrong(
                        span,
                        format!("no [[mutant]] is named {mutant}; name one of them"),
                    ));
                }
                Some(Bonus {
                    mutant,
                    what: bonus.what,
                })
            }
        };
        let mut experiments: Vec<Experiment> = Vec::with_capacity(self.experiment.len());
        for raw in self.experiment {
            experiments.push(experiment(raw, &experiments)?);
        }
        Ok(Manifest {
            experiments,
            number: self.number.into_inner(),
            name: self.name,
            library: self.library,
            title: self.title,
            about: self.about,
            read: self.read,
            words: self.words,
            pipeline: self.pipeline,
            programs,
            tasks,
            mutants,
            bonus,
        })
    }
}

fn task(at: usize, raw: Spanned<RawTask>, programs: &[Program], seen: &mut BTreeSet<TestName>) -> Result<Task, Wrong> {
    let (whole, raw) = (raw.span(), raw.into_inner());
    let number = *raw.number.get_ref();
    if usize::from(number) != at + 1 {
        let what = format!(
            "this is task {} of the file, and its number is {number}; number them 1, 2, 3",
            at + 1
        );
        return Err(Wrong(raw.number.span(), what));
    }
    let (span, hints) = (raw.hints.span(), raw.hints.into_inner());
    let hints: [String; 3] = hints.try_into().map_err(|hints: Vec<String>| {
        Wrong(
            span.clone(),
            format!(
                "task {number} has {} hints; give three, each nearer to the code",
                hints.len()
            ),
        )
    })?;
    if hints.iter().any(|hint| hint.trim().is_empty()) {
        return Err(Wrong(
            span,
            format!("a hint of task {number} is empty; say something in it"),
        ));
    }
    let (span, names) = (raw.tests.span(), raw.tests.into_inner());
    if names.is_empty() {
        return Err(Wrong(
            span,
            format!("task {number} has no tests; name those that are red until it is built"),
        ));
    }
    let mut tests = Vec::with_capacity(names.len());
    for written in names {
        let name = test_name(&written, programs)?;
        let short = name.test.rsplit("::").next().unwrap_or(&name.test);
        if !short.starts_with(&format!("task{number}_")) {
            let what =
                format!("{name} is a test of task {number} and its name does not begin with task{number}_; rename it");
            return Err(Wrong(written.span(), what));
        }
        if !seen.insert(name.clone()) {
            return Err(Wrong(written.span(), format!("{name} stands here twice; remove one")));
        }
        tests.push(name);
    }
    let predict = match (raw.predict, raw.answer) {
        (Some(question), Some(answer)) => Some((question, answer)),
        (None, None) => None,
        _ => {
            return Err(Wrong(
                whole,
                format!("task {number}: predict and answer go together; write the other one"),
            ));
        }
    };
    Ok(Task {
        number,
        title: raw.title,
        what: raw.what,
        tests,
        hints,
        predict,
    })
}

/// Small letters, digits and dashes.
fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty() && name.chars().all(fits)
}

fn experiment(raw: Spanned<Experiment>, others: &[Experiment]) -> Result<Experiment, Wrong> {
    let (span, this) = (raw.span(), raw.into_inner());
    let wrong = |what: String| Err(Wrong(span.clone(), format!("experiment {}: {what}", this.id)));
    if !is_name(&this.id) {
        return wrong("an id is small letters, digits and dashes; rename it".into());
    }
    if others.iter().any(|other| other.id == this.id) {
        return wrong("there are two of this id; rename one".into());
    }
    if this.metrics.is_empty() {
        return wrong("it has no metrics; name each with its unit".into());
    }
    if this.predict.of.experiment != this.id {
        return wrong(format!(
            "what is predicted is of {}; name a figure of this experiment",
            this.predict.of.experiment
        ));
    }
    let drawn = this.chart.iter().map(|chart| &chart.metric);
    if let Some(metric) = drawn
        .chain([&this.predict.of.metric])
        .chain(&this.exact)
        .find(|metric| !this.metrics.contains_key(*metric))
    {
        return wrong(format!("it has no metric {metric}; add it to metrics, with its unit"));
    }
    if !(this.minutes > 0.0 && this.quick_seconds > 0.0 && this.quick_seconds < 60.0 && this.spread > 0.0) {
        return wrong("minutes, quick_seconds (below 60) and spread are above 0; correct them".into());
    }
    Ok(this)
}

fn test_name(written: &Spanned<String>, programs: &[Program]) -> Result<TestName, Wrong> {
    let wrong = |what| Err(Wrong(written.span(), what));
    let Some((program, test)) = written.get_ref().split_once("::") else {
        return wrong(format!(
            "{:?} is not PROGRAM::TEST, such as mock::task1_a_name",
            written.get_ref()
        ));
    };
    if !programs.iter().any(|each| each.name == program) {
        return wrong(format!(
            "[programs] names no {program}; add it to its layer, or correct this name"
        ));
    }
    Ok(TestName {
        program: program.to_owned(),
        test: test.to_owned(),
    })
}
