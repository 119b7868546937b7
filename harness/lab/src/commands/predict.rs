//! `predict`: a number for each experiment of a lab, written down before it is measured.

use std::io::{BufRead, IsTerminal as _};
use std::process::ExitCode;

use anyhow::{bail, ensure};
use measure::{Experiment, Prediction, shown_in};

use crate::labs::{Lab, found};
use crate::measuring::number::number;
use crate::measuring::{Known, known};
use crate::reader::style::paragraphs;
use crate::text::now;
use crate::{cargo, note, out};

/// What one is nine tenths sure of unless one says otherwise.
const FACTOR: f64 = 2.0;

/// What is asked for.
pub(crate) struct Wanted<'a> {
    pub(crate) lab: &'a str,
    pub(crate) experiment: Option<&'a str>,
    pub(crate) value: Option<&'a str>,
    pub(crate) factor: Option<f64>,
}

pub(crate) fn run(wanted: &Wanted<'_>) -> anyhow::Result<ExitCode> {
    let root = cargo::root();
    let lab = found::find(&root, wanted.lab)?;
    let known = Known::read(&root)?;
    known.tell_broken();
    let all = &lab.manifest.experiments;
    ensure!(!all.is_empty(), "{} has no experiments", lab.manifest.folder());
    if let Some(factor) = wanted.factor {
        sure(factor)?;
    }
    let chosen: Vec<&Experiment> = match wanted.experiment {
        None => all.iter().collect(),
        Some(id) => vec![of(&lab, id)?],
    };
    match wanted.value {
        Some(text) => {
            let experiment = chosen[0];
            let value = number(text, unit(experiment))?;
            keep(&known, experiment, value, wanted.factor.unwrap_or(FACTOR))?;
            out(&format!("\nNext: {}\n", next(&lab, Some(experiment))));
        }
        None if std::io::stdin().is_terminal() => ask(&known, &lab, &chosen, wanted.experiment.is_some())?,
        None => list(&known, &lab, &chosen),
    }
    Ok(ExitCode::SUCCESS)
}

/// The experiment of that id.
fn of<'a>(lab: &'a Lab, id: &str) -> anyhow::Result<&'a Experiment> {
    let all = &lab.manifest.experiments;
    match all.iter().find(|each| each.id == id) {
        Some(experiment) => Ok(experiment),
        None => {
            let ids: Vec<&str> = all.iter().map(|each| each.id.as_str()).collect();
            bail!(
                "{} has no experiment {id:?}; there are {}",
                lab.manifest.folder(),
                ids.join(", ")
            )
        }
    }
}

fn unit(experiment: &Experiment) -> &str {
    experiment.unit(&experiment.predict.of.metric)
}

fn sure(factor: f64) -> anyhow::Result<()> {
    ensure!(
        (1.0..=1000.0).contains(&factor),
        "a factor is between 1 (exactly that) and 1000; 2 says: between half of it and twice as much"
    );
    Ok(())
}

/// Writes it down, and says what was understood.
fn keep(known: &Known, experiment: &Experiment, value: f64, factor: f64) -> anyhow::Result<()> {
    let date = now();
    let blind = !known.measured_before(&experiment.id, &date);
    let prediction = Prediction {
        of: experiment.predict.of.clone(),
        value,
        factor,
        unit: unit(experiment).to_owned(),
        date,
    };
    measure::lines::append(&known::predictions_of(&known.root), &prediction)?;
    out(&format!("{}: {}\n", experiment.id, worded(&prediction)));
    if !blind {
        note("it was measured here before, so this one is kept and does not count in ./lab score");
    }
    Ok(())
}

/// `12 ms, between 6 ms and 24 ms`.
pub(crate) fn worded(prediction: &Prediction) -> String {
    let Prediction {
        value, factor, unit, ..
    } = prediction;
    let shown = |value: f64| shown_in(value, unit);
    match *factor > 1.0 && *value > 0.0 {
        true => format!(
            "{}, between {} and {}",
            shown(*value),
            shown(value / factor),
            shown(value * factor)
        ),
        false => shown(*value),
    }
}

/// Asks for each that has none yet; for all if one is named.
fn ask(known: &Known, lab: &Lab, chosen: &[&Experiment], named: bool) -> anyhow::Result<()> {
    let open: Vec<&&Experiment> = chosen
        .iter()
        .filter(|each| named || known.prediction(&each.predict.of).is_none())
        .collect();
    if open.is_empty() {
        list(known, lab, chosen);
        return Ok(());
    }
    out(
        "Write down what you expect before you measure. You should be nine tenths sure of the interval; Enter alone passes.\n",
    );
    let mut lines = std::io::stdin().lock().lines();
    for (at, experiment) in open.iter().enumerate() {
        out(&format!(
            "\n{} of {}: {}\n{}",
            at + 1,
            open.len(),
            experiment.title,
            paragraphs(&experiment.predict.question, "  ")
        ));
        let Some(value) = answer(&mut lines, &format!("  your number{}: ", counted(experiment)), |text| {
            Ok(number(text, unit(experiment))?)
        })?
        else {
            continue;
        };
        let question = format!("  sure within a factor of [{FACTOR}]: ");
        let factor = answer(&mut lines, &question, |text| {
            let factor = number(text, "")?;
            sure(factor)?;
            Ok(factor)
        })?;
        keep(known, experiment, value, factor.unwrap_or(FACTOR))?;
    }
    out(&format!("\nNext: {}\n", next(lab, None)));
    Ok(())
}

/// Asks until the answer can be read; `None` for an empty one, and at the end of input.
fn answer(
    lines: &mut impl Iterator<Item = std::io::Result<String>>,
    question: &str,
    read: impl Fn(&str) -> anyhow::Result<f64>,
) -> anyhow::Result<Option<f64>> {
    loop {
        crate::out_now(question);
        let Some(line) = lines.next() else { return Ok(None) };
        let line = line?;
        if line.trim().is_empty() {
            return Ok(None);
        }
        match read(&line) {
            Ok(value) => return Ok(Some(value)),
            Err(error) => note(&format!("  {error}")),
        }
    }
}

/// `, in ms`; nothing of a bare number.
fn counted(experiment: &Experiment) -> String {
    match unit(experiment) {
        "" => String::new(),
        unit => format!(", in {unit}"),
    }
}

/// What is asked, and what was said.
fn list(known: &Known, lab: &Lab, chosen: &[&Experiment]) {
    for experiment in chosen {
        out(&format!(
            "{}: {}\n{}",
            experiment.id,
            experiment.title,
            paragraphs(&experiment.predict.question, "  ")
        ));
        let said = match known.prediction(&experiment.predict.of) {
            Some(prediction) => format!("yours: {}", worded(prediction)),
            None => format!(
                "yours: not yet; ./lab predict {} {} NUMBER --factor 3{}",
                lab.manifest.short(),
                experiment.id,
                counted(experiment)
            ),
        };
        out(&format!("  {said}\n"));
    }
    out(&format!("\nNext: {}\n", next(lab, None)));
}

fn next(lab: &Lab, experiment: Option<&Experiment>) -> String {
    let short = lab.manifest.short();
    match experiment {
        Some(experiment) => format!("./lab bench {short} --only {}", experiment.id),
        None => format!("./lab bench {short}"),
    }
}
