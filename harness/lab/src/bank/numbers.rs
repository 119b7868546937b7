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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use measure::{Code, Figure, Machine, Record, Stale};

    use super::*;
    use crate::labs::{Lab, Whose};
    use crate::measuring::{digest, known};

    const FOLDER: &str = "08-watermarks";

    /// A checkout with a lab's manifest, and nothing measured.
    fn checkout() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let solution = root.path().join("solutions").join(FOLDER);
        std::fs::create_dir_all(&solution).unwrap();
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../solutions/08-watermarks/lab.toml");
        std::fs::copy(manifest, solution.join("lab.toml")).unwrap();
        root
    }

    fn measured(root: &Path, file: &Path, mode: Mode, code: Option<&str>, samples: &[f64]) {
        let lab = Lab::read(root, FOLDER).unwrap();
        let fresh = digest::of(&lab, Whose::Reference).unwrap();
        let record = Record {
            experiment: "idle-partition".into(),
            lab: FOLDER.into(),
            mode,
            code: Code::Reference,
            code_digest: code.map_or(fresh, str::to_owned),
            revision: "1".into(),
            date: "2026-11-22T12:00:00Z".into(),
            machine: Machine::this(),
            provider: "none".into(),
            servers: Default::default(),
            seconds: 1.0,
            figures: vec![Figure {
                arm: "cure=none".into(),
                metric: "stall".into(),
                samples: samples.to_vec(),
                n: 1,
            }],
            notes: Vec::new(),
        };
        measure::lines::append(file, &record).unwrap();
    }

    fn quoted(root: &Path) -> Filled {
        let name = "idle-partition stall cure=none".parse().unwrap();
        quotable(&Known::read(root).unwrap(), &name)
    }

    #[test]
    fn an_own_number_comes_before_the_references_and_a_stale_one_is_not_quoted() {
        let checkout = checkout();
        let root = checkout.path();
        let missing = Gap {
            why: Why::Missing,
            measure: "./lab bench 08".into(),
        };
        assert_eq!(quoted(root), Filled::Blank(missing));

        measured(root, &known::reference_of(root, FOLDER), Mode::Full, None, &[4.0]);
        let Filled::Reference(number) = quoted(root) else {
            panic!("the reference's: {:?}", quoted(root));
        };
        assert!(number.value == 4.0 && number.marks.is_empty(), "{number:?}");

        let mine = known::mine_of(root, FOLDER);
        measured(root, &mine, Mode::Full, Some("other code"), &[1.0]);
        let stale = Gap {
            why: Why::Stale(Stale::Code),
            measure: "./lab bench 08".into(),
        };
        assert_eq!(
            quoted(root),
            Filled::Blank(stale),
            "the reference's does not stand for it"
        );

        measured(root, &mine, Mode::Quick, None, &[1.0, 2.0, 90.0]);
        let Filled::Own(number) = quoted(root) else {
            panic!("the reader's own: {:?}", quoted(root));
        };
        assert_eq!((number.value, number.marks), (2.0, vec![Mark::Quick, Mark::Wide]));
    }
}
