//! An experiment's figures in a table: every arm and metric, yours beside the reference.

use measure::{Figure, shown_of};

use super::Whole;
use crate::book::html::escape;
use crate::measuring::quoted::Mark;

/// Above so many rows the table is folded: the charts say it sooner.
const OPEN: usize = 12;

pub(super) fn all(whole: &Whole<'_>) -> String {
    let mut rows: Vec<(&str, &str)> = Vec::new();
    let sides = [whole.mine, whole.reference];
    for figure in sides.iter().flatten().flat_map(|taken| &taken.record.figures) {
        let row = (figure.metric.as_str(), figure.arm.as_str());
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    // By metric, in the order in which each first came.
    let mut metrics: Vec<&str> = Vec::new();
    for (metric, _) in &rows {
        if !metrics.contains(metric) {
            metrics.push(metric);
        }
    }
    let open = if rows.len() <= OPEN { " open" } else { "" };
    let mut out = format!(
        "<details class=\"figures\"{open}><summary>All figures ({})</summary>\n\
         <div class=\"table-wrapper\" role=\"region\" aria-label=\"All figures\" tabindex=\"0\">\n<table>\n<thead><tr><th scope=\"col\">Arm</th>{}</tr></thead>\n",
        rows.len(),
        heads(whole)
    );
    for metric in metrics {
        let unit = whole.experiment.unit(metric);
        let counted = if unit.is_empty() {
            String::new()
        } else {
            format!(", {}", escape(unit))
        };
        let span = 1 + 3 * sides.iter().flatten().count();
        out.push_str(&format!(
            "<tbody>\n<tr class=\"metric\"><th colspan=\"{span}\" scope=\"rowgroup\">{}{counted}</th></tr>\n",
            escape(metric)
        ));
        for (_, arm) in rows.iter().filter(|(of, _)| *of == metric) {
            let cells: String = sides
                .iter()
                .flatten()
                .map(|taken| cells(taken.record.figure(metric, arm), unit))
                .collect();
            out.push_str(&format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", arm_words(arm)));
        }
        out.push_str("</tbody>\n");
    }
    out.push_str("</table>\n</div>\n</details>\n");
    out
}

fn heads(whole: &Whole<'_>) -> String {
    let head =
        |word: &str| format!("<th scope=\"col\">{word}</th><th scope=\"col\">least–most</th><th scope=\"col\">n</th>");
    let mine = whole
        .mine
        .map(|taken| head(&with_marks(whole.words().yours, &taken.marks())));
    let reference = whole
        .reference
        .map(|taken| head(&with_marks("Reference", &taken.marks())));
    mine.into_iter().chain(reference).collect()
}

fn with_marks(word: &str, marks: &[Mark]) -> String {
    let short: Vec<&str> = marks.iter().map(|mark| mark.word()).collect();
    if short.is_empty() {
        word.to_owned()
    } else {
        format!("{word} ({})", escape(&short.join(", ")))
    }
}

fn cells(figure: Option<&Figure>, unit: &str) -> String {
    let Some(figure) = figure else {
        return "<td>–</td><td>–</td><td>–</td>".into();
    };
    let spread = figure.spread();
    let range = match figure.samples.len() {
        0 | 1 => "–".to_owned(),
        _ => format!("{}–{}", shown_of(spread.least, unit), shown_of(spread.most, unit)),
    };
    format!(
        "<td><strong>{}</strong></td><td>{range}</td><td>{}</td>",
        shown_of(spread.median, unit),
        crate::text::grouped(figure.n)
    )
}

/// An arm's factors, each unbroken.
fn arm_words(arm: &str) -> String {
    let words: Vec<String> = arm
        .split_whitespace()
        .map(|word| format!("<span class=\"factor\">{}</span>", escape(word)))
        .collect();
    words.join(" ")
}
