//! What is known of a figure today, as an answer may quote it.

use measure::{FigureName, Mode};

use super::template::{Filled, Gap, Mark, Number, Why};
use crate::measuring::Known;

/// The reader's own number; without one the reference's. An own number that is stale is neither quoted nor replaced: it is to be
/// measured again.
pub(crate) fn quotable(known: &Known, name: &FigureName) -> Filled {
    let chapter = known.experiment(&name.experiment).map(|(lab, _)| lab.manifest.short());
    let measure = match chapter {
        Some(chapter) => format!("./lab bench {chapter}"),
        None => "./lab bench".to_owned(),
    };
    let gap = |why, measure| Filled::Blank(Gap { why, measure });
    let Some(shown) = known.figure(name) else {
        return gap(Why::Missing, measure);
    };
    let Some((figure, taken)) = shown.mine.or(shown.reference) else {
        return gap(Why::Missing, measure);
    };
    if let Some(stale) = taken.stale {
        return gap(Why::Stale(stale), measure);
    }
    let spread = figure.spread();
    let bound = known
        .experiment(&name.experiment)
        .map_or(f64::INFINITY, |(_, each)| each.spread);
    let mut marks = Vec::new();
    if taken.record.mode == Mode::Quick {
        marks.push(Mark::Quick);
    }
    if spread.relative() > bound {
        marks.push(Mark::Wide);
    }
    let number = Number {
        value: spread.median,
        unit: shown.unit.to_owned(),
        marks,
        measure,
    };
    match shown.mine.is_some() {
        true => Filled::Own(number),
        false => Filled::Reference(number),
    }
}
