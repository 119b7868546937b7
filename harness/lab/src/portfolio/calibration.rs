//! How well the predictions hold: a drawing and a table of each with its measurement, and the share that held.

use measure::{Calibration, Code, Mode, Outcome, Record, shown, shown_in};

use crate::book::chart::{Interval, Intervals, intervals};
use crate::book::html::escape;
use crate::commands::score::ENOUGH;
use crate::measuring::Known;

/// A prediction that was made before the first measurement, that measurement, and the record that holds it.
pub(super) struct Counted<'a> {
    pub(super) outcome: Outcome,
    pub(super) record: &'a Record,
}

pub(super) fn counted(known: &Known) -> Vec<Counted<'_>> {
    let all = known.measured().into_iter();
    all.map(|(outcome, record)| Counted { outcome, record }).collect()
}

pub(super) fn section(known: &Known, counted: &[Counted<'_>]) -> String {
    let outcomes: Vec<Outcome> = counted.iter().map(|one| one.outcome.clone()).collect();
    let Some(all) = Calibration::of(&outcomes) else {
        let says = match known.predictions.is_empty() {
            true => "Nothing was predicted yet: <code>./lab predict 05</code>.",
            false => "Nothing that was predicted was measured yet: <code>./lab bench 05</code>.",
        };
        return super::empty("calibration", "Calibration", says);
    };
    let few = match all.measured < ENOUGH {
        true => " So few say little.",
        false => "",
    };
    let off = match all.median_off.is_finite() {
        true => format!(
            " Half of the numbers were off by {} or less.",
            shown_in(all.median_off, "×")
        ),
        false => String::new(),
    };
    format!(
        "<section id=\"calibration\">\n<h2>Calibration</h2>\n\
         <p>Each number was written down before its experiment was first run, with a factor: nine tenths sure that the figure lies between \
         the number divided by it and the number times it. It is held against the first full measurement that was taken then, or a quick one \
         where there is no full one; a figure that spread too widely judges nothing. A number that was thought over before counts as it was \
         last.</p>\n\
         <p class=\"result\">{} of {} lay inside their interval ({:.0} %; 90 % were meant).{off}{few}</p>\n{}{}</section>\n",
        all.hits,
        all.measured,
        all.share() * 100.0,
        drawing(counted),
        table(counted)
    )
}

/// `inside`, `off by 2.4×`.
fn word(outcome: &Outcome) -> String {
    match (outcome.hit(), outcome.off_by()) {
        (true, _) => "inside".into(),
        (false, off) if off.is_finite() => format!("off by {}", shown_in(off, "×")),
        (false, _) if outcome.measured == 0.0 => "measured 0".into(),
        (false, _) => "predicted 0".into(),
    }
}

fn drawing(counted: &[Counted<'_>]) -> String {
    let interval = |one: &Counted<'_>| {
        let prediction = &one.outcome.prediction;
        Interval {
            label: format!("{} {}", prediction.of.experiment, prediction.of.metric),
            unit: prediction.unit.clone(),
            predicted: prediction.value,
            factor: prediction.factor.max(1.0),
            measured: one.outcome.measured,
            word: word(&one.outcome),
        }
    };
    intervals(&Intervals {
        title: "Where each measurement fell, in multiples of what was predicted".into(),
        all: counted.iter().map(interval).collect(),
    })
}

fn table(counted: &[Counted<'_>]) -> String {
    let mut rows = String::new();
    for Counted { outcome, record } in counted {
        let prediction = &outcome.prediction;
        let class = if outcome.hit() { "good" } else { "bad" };
        let quick = match record.mode {
            Mode::Full => "",
            Mode::Quick => " <span class=\"mark\">quick</span>",
        };
        let whose = match record.code {
            Code::Yours => "own code",
            Code::Reference => "the reference's code",
        };
        let day = |date: &str| escape(date.split('T').next().unwrap_or(date));
        rows.push_str(&format!(
            "<tr><th scope=\"row\"><code>{}</code> {} <span class=\"note\">{}</span></th>\
             <td data-label=\"Predicted\">{} <span class=\"note\">within a factor of {}, {}</span></td>\
             <td data-label=\"Measured\">{}{quick} <span class=\"note\">{}, {whose}</span></td>\
             <td data-label=\"Result\"><span class=\"{class}\">{}</span></td></tr>\n",
            escape(&prediction.of.experiment),
            escape(&prediction.of.metric),
            escape(&prediction.of.arm),
            escape(&shown_in(prediction.value, &prediction.unit)),
            shown(prediction.factor),
            day(&prediction.date),
            escape(&shown_in(outcome.measured, &prediction.unit)),
            day(&record.date),
            word(outcome)
        ));
    }
    format!(
        "<table class=\"predictions\">\n<thead><tr><th scope=\"col\">Figure</th><th scope=\"col\">Predicted</th><th scope=\"col\">Measured</th>\
         <th scope=\"col\">Result</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
    )
}
