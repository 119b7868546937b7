//! What came of an experiment, for a terminal: prediction, own figures, the reference's, and what they say of the guide.

use std::fmt::Write as _;

use measure::{Experiment, Figure, Outcome, Prediction, Record, Verdict, shown, shown_in, shown_of};

use super::Known;
use super::known::By;
use crate::reader::style::paragraphs;
use crate::text;

/// The comparison. `record` was just taken, `by` says into whose records it went; `known` was read after that.
pub(crate) fn told(
    known: &Known,
    experiment: &Experiment,
    record: &Record,
    by: By,
    prediction: Option<&Prediction>,
) -> String {
    let mut out = String::new();
    let mode = match record.mode {
        measure::Mode::Full => "",
        measure::Mode::Quick => ", quick: a first answer",
    };
    let took = std::time::Duration::from_secs_f64(record.seconds);
    let _ = writeln!(
        out,
        "{}: {} ({}{mode})",
        experiment.id,
        experiment.title,
        text::clock(took)
    );
    let reference = known.taken(&experiment.id, By::Reference).map(|taken| taken.record);
    let reference = reference.filter(|_| by == By::Mine);
    // What local processes take is no measure of what containers do.
    let (reference, other) = match reference {
        Some(reference) if reference.provider != record.provider => (None, Some(reference)),
        same => (same, None),
    };
    for metric in metrics(experiment) {
        out.push_str(&table(experiment, metric, record, reference));
    }
    if let Some(other) = other {
        out.push_str(&paragraphs(
            &format!(
                "The reference was measured on other servers ({}; here: {}), and is not compared.",
                other.provider, record.provider
            ),
            "  ",
        ));
    }
    for note in &record.notes {
        out.push_str(&paragraphs(&format!("not measured here: {note}"), "  "));
    }
    if by == By::Mine {
        let late = prediction.is_some_and(|it| known.measured_before(&experiment.id, &it.date));
        out.push_str(&expected(experiment, record, prediction, late));
    }
    out.push_str(&guide(known, experiment, by));
    out
}

/// Those that are predicted or drawn; the others are in the record and in the book.
fn metrics(experiment: &Experiment) -> Vec<&str> {
    let mut all = vec![experiment.predict.of.metric.as_str()];
    for chart in &experiment.chart {
        if !all.contains(&chart.metric.as_str()) {
            all.push(&chart.metric);
        }
    }
    all
}

fn table(experiment: &Experiment, metric: &str, record: &Record, reference: Option<&Record>) -> String {
    let figures: Vec<&Figure> = record.figures.iter().filter(|figure| figure.metric == metric).collect();
    if figures.is_empty() {
        return String::new();
    }
    let arms = figures.iter().map(|figure| figure.arm.chars().count());
    let wide = arms.max().unwrap_or(0).clamp(16, 52);
    let unit = experiment.unit(metric);
    let head = match unit {
        "" => metric.to_owned(),
        _ => format!("{metric}, {unit}"),
    };
    let mut out = format!(
        "\n  {head:<wide$}  {:>10}  {:>17}  {:>10}\n",
        "here", "least to most", "reference"
    );
    for figure in figures {
        let spread = figure.spread();
        let of_reference = reference.and_then(|record| record.figure(metric, &figure.arm));
        let _ = writeln!(
            out,
            "  {:<wide$}  {:>10}  {:>17}  {:>10}{}",
            figure.arm,
            shown_of(spread.median, unit),
            format!("{} – {}", shown_of(spread.least, unit), shown_of(spread.most, unit)),
            of_reference.map_or_else(|| "–".into(), |figure| shown_of(figure.spread().median, unit)),
            match spread.relative() > experiment.spread {
                true => "  spreads",
                false => "",
            }
        );
    }
    out
}

/// `late`: the prediction was written down after a first measurement.
fn expected(experiment: &Experiment, record: &Record, prediction: Option<&Prediction>, late: bool) -> String {
    let of = &experiment.predict.of;
    let Some(figure) = record.figure(&of.metric, &of.arm) else {
        return format!("\n  {of} was asked for and not measured in this run.\n");
    };
    let measured = figure.spread().median;
    let unit = experiment.unit(&of.metric);
    match prediction {
        None => format!(
            "\n  {}, {}: {}. No prediction was written down before this, so it says nothing of what you\n  knew. \
             ./lab predict asks before the next one.\n",
            of.metric,
            of.arm,
            shown_in(measured, unit)
        ),
        Some(prediction) => {
            let outcome = Outcome {
                prediction: prediction.clone(),
                measured,
            };
            let word = match (outcome.hit(), outcome.off_by()) {
                (true, _) => "inside your interval".to_owned(),
                (false, off) if off.is_finite() => format!("off by {}×, outside your interval", shown(off)),
                (false, _) => "outside your interval".to_owned(),
            };
            format!(
                "\n  {}, {}: you expected {} within a factor of {}; it is {}: {word}.{}\n",
                of.metric,
                of.arm,
                shown_in(prediction.value, unit),
                shown(prediction.factor),
                shown_in(measured, unit),
                match late {
                    true => "\n  It had been measured here before you wrote that down, so it does not count.",
                    false => "",
                }
            )
        }
    }
}

/// The claims that stand on this experiment.
fn guide(known: &Known, experiment: &Experiment, by: By) -> String {
    let mut out = String::new();
    let stands = |claim: &&measure::Claim| claim.figures().any(|name| name.experiment == experiment.id);
    for claim in known.claims.all().filter(stands) {
        let (verdict, _, marks) = known.judge(claim, by);
        let words = match &verdict {
            Verdict::Depends { holds, fails } => {
                format!("depends: yes with {}; no with {}", holds.join(", "), fails.join(", "))
            }
            Verdict::Inconclusive { why } => format!("inconclusive: {why}"),
            Verdict::NotMeasured { missing } => format!("open: {missing} was not measured"),
            verdict => verdict.word().to_owned(),
        };
        // Of the other experiments that it stands on as well.
        let marked = match marks.is_empty() {
            true => String::new(),
            false => format!(" ({})", marks.join("; ")),
        };
        out.push_str(&paragraphs(&format!("- {} → {words}{marked}", claim.says), "  "));
    }
    let whose = if by == By::Mine { "your" } else { "these" };
    match out.is_empty() {
        true => out,
        false => format!("\n  What the guide says, judged by {whose} records:\n{out}"),
    }
}
