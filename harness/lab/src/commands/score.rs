//! `score`: how well the reader's predictions hold, and whether that gets better.

use std::process::ExitCode;

use measure::{Calibration, Outcome, Prediction, shown, shown_in};

use super::predict::worded;
use crate::measuring::Known;
use crate::{cargo, out};

/// Fewer than these say nothing about how sure somebody should be.
pub(crate) const ENOUGH: usize = 5;

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let known = Known::read(&cargo::root())?;
    known.tell_broken();
    let blind = |prediction: &&Prediction| !known.measured_before(&prediction.of.experiment, &prediction.date);
    let open = match known.predictions.iter().rev().find(blind) {
        Some(newest) => Open::Next(known.bench(&newest.of)),
        None if known.predictions.is_empty() => Open::None,
        None => Open::Afterwards,
    };
    out(&text(&known.outcomes(), &open, known.unjudged()));
    Ok(ExitCode::SUCCESS)
}

/// What there is to say of predictions where none was judged.
enum Open {
    /// There are no predictions.
    None,
    /// All were written down after their measurement.
    Afterwards,
    /// The command that measures the newest of the others.
    Next(String),
}

/// `unjudged` are predictions whose measurement spread so much that hit and miss would be a draw.
fn text(outcomes: &[Outcome], open: &Open, unjudged: usize) -> String {
    let beside = match unjudged {
        0 => String::new(),
        _ => format!(
            "{} not judged: the repetitions of what was measured spread too widely.\n",
            crate::text::plural(unjudged as u64, "prediction is", "predictions are")
        ),
    };
    let Some(all) = Calibration::of(outcomes) else {
        return match open {
            Open::None => "No predictions yet. Next: ./lab predict NN, with the number of a chapter\n".into(),
            Open::Afterwards => "All that you predicted had been measured here before, so none of it counts. \
                                 Next: ./lab predict NN, with the number of another chapter\n"
                .into(),
            Open::Next(_) if unjudged > 0 => {
                format!("{beside}Next: ./lab predict NN, with the number of another chapter\n")
            }
            Open::Next(bench) => format!("Nothing that you predicted was measured yet. Next: {bench}\n"),
        };
    };
    let mut out = String::new();
    for (at, outcome) in outcomes.iter().enumerate() {
        let prediction = &outcome.prediction;
        let until = Calibration::of(&outcomes[..=at]).map_or(0.0, |so_far| so_far.share());
        out.push_str(&format!(
            "{}  {}\n            you: {}; measured: {}; {}; hits so far: {:.0} %\n",
            prediction.date.get(..10).unwrap_or(&prediction.date),
            prediction.of,
            worded(prediction),
            shown_in(outcome.measured, &prediction.unit),
            match (outcome.hit(), outcome.off_by()) {
                (true, _) => "hit".to_owned(),
                (false, off) if off.is_finite() => format!("missed, off by {}×", shown(off)),
                (false, _) => "missed: one is 0, the other is not".to_owned(),
            },
            until * 100.0
        ));
    }
    out.push_str(&format!(
        "\n{} of {} lay in your interval ({:.0} %; nine tenths were meant). {}\n{}\n",
        all.hits,
        all.measured,
        all.share() * 100.0,
        match all.median_off.is_finite() {
            true => format!("Half of your numbers were off by {}× or less.", shown(all.median_off)),
            false => "Of half of them one side is 0, and how far off they were is no factor.".into(),
        },
        advice(&all)
    ));
    out + &beside
}

fn advice(all: &Calibration) -> &'static str {
    match () {
        () if all.measured < ENOUGH => {
            "Too few to say whether your factors are wide enough: predict the next chapter, too."
        }
        () if all.share() < Calibration::WANTED - 0.1 => "You are surer than you may be: take wider factors.",
        () if all.share() >= 1.0 && all.measured >= 2 * ENOUGH => "Never wrong: your factors could be narrower.",
        () => "Your factors are about as wide as they should be.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(value: f64, measured: f64, day: u8) -> Outcome {
        let prediction = Prediction {
            of: "acks-cost p99 acks=all brokers=3".parse().unwrap(),
            value,
            factor: 2.0,
            unit: "ms".into(),
            date: format!("2026-01-{day:02}T08:00:00Z"),
        };
        Outcome { prediction, measured }
    }

    #[test]
    fn the_score_says_how_it_went_over_time_and_what_to_change() {
        let outcomes: Vec<Outcome> = [(10.0, 12.0), (10.0, 90.0), (5.0, 4.0), (8.0, 80.0), (0.0, 3.0)]
            .iter()
            .zip(1..)
            .map(|((value, measured), day)| outcome(*value, *measured, day))
            .collect();
        let next = |bench: &str| Open::Next(bench.to_owned());
        insta::assert_snapshot!(text(&outcomes, &next("./lab bench 05"), 0));
        assert!(text(&[], &Open::None, 0).contains("./lab predict NN"));
        assert!(text(&[], &next("./lab bench 09"), 0).contains("Next: ./lab bench 09"));
        assert!(text(&outcomes, &next("./lab bench 05"), 2).contains("2 predictions are not judged"));
    }
}
