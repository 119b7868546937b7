//! Numbers in a sentence: `{{#n FIGURE}}`, `{{#range FIGURE}}` and `{{#ratio FIGURE / FIGURE}}`.

use measure::{Figure, FigureName, shown_in, shown_of};

use super::html::{escape, inline};
use crate::measuring::Known;
use crate::measuring::known::{By, Taken};

/// A figure that can be quoted.
struct Quoted<'a> {
    figure: &'a Figure,
    taken: Taken<'a>,
    by: By,
}

/// `{{#n acks-cost p99 acks=all brokers=3}}`.
///
/// # Errors
/// A sentence: the words name no figure that any experiment has.
pub(super) fn number(known: &Known, words: &str) -> Result<String, String> {
    let name = name(words)?;
    let (unit, found) = look(known, &name)?;
    Ok(match found.into_iter().next() {
        Some(quoted) => quoted.span(&shown_in(quoted.figure.spread().median, unit)),
        None => not_measured(known, &name),
    })
}

/// `{{#range leader-loss lost setting=acks1 fault=kill}}`: from the least to the most of its samples.
///
/// # Errors
/// As [`number`].
pub(super) fn range(known: &Known, words: &str) -> Result<String, String> {
    let name = name(words)?;
    let (unit, found) = look(known, &name)?;
    let Some(quoted) = found.into_iter().next() else {
        return Ok(not_measured(known, &name));
    };
    let spread = quoted.figure.spread();
    let (least, most) = (shown_of(spread.least, unit), shown_in(spread.most, unit));
    let both = format!("{least} to {most}");
    Ok(quoted.span(if spread.least == spread.most { &most } else { &both }))
}

/// `{{#ratio acks-cost p99 acks=all brokers=3 / acks-cost p99 acks=1 brokers=3}}`: both of the same side.
///
/// # Errors
/// As [`number`].
pub(super) fn ratio(known: &Known, words: &str) -> Result<String, String> {
    let (above, below) = words
        .split_once(" / ")
        .ok_or_else(|| format!("{words:?} is no ratio; write two figures with ` / ` between them"))?;
    let (above, below) = (name(above)?, name(below)?);
    let (_, of) = look(known, &above)?;
    let (_, over) = look(known, &below)?;
    for quoted in &of {
        if let Some(other) = over.iter().find(|other| other.by == quoted.by) {
            let value = quoted.figure.spread().median / other.figure.spread().median;
            return Ok(quoted.span(&shown_in(value, "×")));
        }
    }
    Ok(not_measured(known, if of.is_empty() { &above } else { &below }))
}

fn name(words: &str) -> Result<FigureName, String> {
    words.parse().map_err(|error: measure::NoFigureName| error.to_string())
}

/// The unit, and the figures in the order in which they are to be quoted: the reader's if it is fresh, the reference's, the
/// reader's stale one.
fn look<'a>(known: &'a Known, name: &FigureName) -> Result<(&'a str, Vec<Quoted<'a>>), String> {
    let experiment = super::experiment::find(known, &name.experiment)?;
    let Some(shown) = known.figure(name) else {
        let metrics: Vec<&str> = experiment.1.metrics.keys().map(String::as_str).collect();
        return Err(format!(
            "{} has no metric {:?}; it has {}",
            name.experiment,
            name.metric,
            metrics.join(", ")
        ));
    };
    let quoted = |by| move |(figure, taken)| Quoted { figure, taken, by };
    let (fresh, stale): (Vec<_>, Vec<_>) = shown
        .mine
        .map(quoted(By::Mine))
        .into_iter()
        .partition(|mine| mine.taken.stale.is_none());
    let all: Vec<_> = fresh
        .into_iter()
        .chain(shown.reference.map(quoted(By::Reference)))
        .chain(stale)
        .collect();
    // Where somebody has measured all arms, one that nobody has was mistyped.
    let full = known
        .taken(&name.experiment, By::Reference)
        .filter(|taken| taken.marks().is_empty());
    if let (true, Some(full)) = (all.is_empty(), full) {
        let of_metric = full.record.figures.iter().filter(|figure| figure.metric == name.metric);
        let arms: Vec<&str> = of_metric.map(|figure| figure.arm.as_str()).collect();
        return Err(format!(
            "no record of {} has {} for {:?}; there is {}",
            name.experiment,
            name.metric,
            name.arm,
            arms.join("; ")
        ));
    }
    Ok((shown.unit, all))
}

impl Quoted<'_> {
    fn span(&self, text: &str) -> String {
        let record = self.taken.record;
        let (class, whose) = match self.by {
            By::Mine => ("n mine", "yours"),
            By::Reference => ("n", "reference"),
        };
        let marks = self.taken.marks();
        let title = [
            vec![format!("{whose}, {}, {}", day(&record.date), record.machine)],
            marks.clone(),
        ]
        .concat()
        .join("; ");
        // One word of each: the rest is told by the title, and by the experiment's figure.
        let short: Vec<&str> = marks.iter().filter_map(|mark| mark.split(':').next()).collect();
        let mark = if short.is_empty() {
            String::new()
        } else {
            format!(" ({})", short.join(", "))
        };
        format!(
            "<span class=\"{class}\" title=\"{}\">{}{mark}</span>",
            escape(&title),
            inline(text)
        )
    }
}

/// `2026-11-22` of a time.
pub(super) fn day(date: &str) -> &str {
    date.split('T').next().unwrap_or(date)
}

fn not_measured(known: &Known, name: &FigureName) -> String {
    let lab = known
        .experiment(&name.experiment)
        .map_or(String::new(), |(lab, _)| lab.manifest.short());
    format!("<span class=\"n none\">not measured yet: <code>./lab bench {lab}</code></span>")
}
