//! Numbers in a sentence: `{{#n FIGURE}}`, `{{#range FIGURE}}` and `{{#ratio FIGURE / FIGURE}}`.

use measure::{FigureName, shown_in, shown_of};

use super::html::{escape, inline};
use crate::measuring::Known;
use crate::measuring::known::By;
use crate::measuring::quoted::{Mark, Quoted};

/// `{{#n acks-cost p99 acks=all brokers=3}}`.
///
/// # Errors
/// A sentence: the words name no figure that any experiment has.
pub(super) fn number(known: &Known, words: &str) -> Result<String, String> {
    let name = name(known, words)?;
    Ok(match known.quoted(&name, None) {
        Ok(quoted) => span(&quoted, &shown_in(quoted.value, quoted.unit)),
        Err(lacking) => not_measured(known, lacking),
    })
}

/// `{{#range leader-loss lost setting=acks1 fault=kill}}`: from the least to the most of its samples.
///
/// # Errors
/// As [`number`].
pub(super) fn range(known: &Known, words: &str) -> Result<String, String> {
    let name = name(known, words)?;
    let mut quoted = match known.quoted(&name, None) {
        Ok(quoted) => quoted,
        Err(lacking) => return Ok(not_measured(known, lacking)),
    };
    // How far it spreads is what a range says.
    quoted.marks.retain(|mark| !matches!(mark, Mark::Wide(_)));
    let (spread, unit) = (quoted.figure.spread(), quoted.unit);
    let (least, most) = (shown_of(spread.least, unit), shown_in(spread.most, unit));
    let both = format!("{least} to {most}");
    Ok(span(&quoted, if spread.least == spread.most { &most } else { &both }))
}

/// `{{#ratio acks-cost p99 acks=all brokers=3 / acks-cost p99 acks=1 brokers=3}}`: both of the same side.
///
/// # Errors
/// As [`number`].
pub(super) fn ratio(known: &Known, words: &str) -> Result<String, String> {
    let (above, below) = words
        .split_once(" / ")
        .ok_or_else(|| format!("{words:?} is no ratio; write two figures with ` / ` between them"))?;
    let (above, below) = (name(known, above)?, name(known, below)?);
    Ok(match known.quoted(&above, Some(&below)) {
        Ok(quoted) => span(&quoted, &shown_in(quoted.value, quoted.unit)),
        Err(lacking) => not_measured(known, lacking),
    })
}

/// The name of a figure that an experiment has.
fn name(known: &Known, words: &str) -> Result<FigureName, String> {
    let name: FigureName = words
        .parse()
        .map_err(|error: measure::NoFigureName| error.to_string())?;
    let experiment = super::experiment::find(known, &name.experiment)?;
    let Some(shown) = known.figure(&name) else {
        let metrics: Vec<&str> = experiment.1.metrics.keys().map(String::as_str).collect();
        return Err(format!(
            "{} has no metric {:?}; it has {}",
            name.experiment,
            name.metric,
            metrics.join(", ")
        ));
    };
    // Where somebody has measured all arms, one that nobody has was mistyped.
    let full = known
        .taken(&name.experiment, By::Reference)
        .filter(|taken| taken.marks().is_empty());
    if let (None, None, Some(full)) = (&shown.mine, &shown.reference, full) {
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
    Ok(name)
}

fn span(quoted: &Quoted<'_>, text: &str) -> String {
    let record = quoted.record;
    let (class, whose) = match quoted.by {
        By::Mine => ("n mine", "yours"),
        By::Reference => ("n", "reference"),
    };
    let from = format!("{whose}, {}, {}", day(&record.date), record.machine);
    let told = quoted.marks.iter().map(ToString::to_string);
    let title: Vec<String> = [from].into_iter().chain(told).collect();
    // One word of each: the rest is told by the title, and by the experiment's figure.
    let mut words: Vec<&str> = quoted.marks.iter().map(|mark| mark.word()).collect();
    words.dedup();
    let mark = if words.is_empty() {
        String::new()
    } else {
        format!(" ({})", words.join(", "))
    };
    format!(
        "<span class=\"{class}\" title=\"{}\">{}{mark}</span>",
        escape(&title.join("; ")),
        inline(text)
    )
}

/// `2026-11-22` of a time.
pub(super) fn day(date: &str) -> &str {
    date.split('T').next().unwrap_or(date)
}

fn not_measured(known: &Known, name: &FigureName) -> String {
    format!(
        "<span class=\"n none\">not measured yet: <code>{}</code></span>",
        known.bench(name)
    )
}
