//! What is known of a blank today, as an answer may quote it.

use measure::shown_in;

use super::template::{Blank, Gap, Number, Piece, Why};
use crate::measuring::Known;
use crate::measuring::known::By;

/// As [`Known::quoted`] has it; but a stale number is to be measured again, and not to be drilled.
pub(crate) fn quotable(known: &Known, blank: &Blank) -> Piece {
    let (of, over) = match blank {
        Blank::Figure(of) => (of, None),
        Blank::Ratio(of, over) => (of, Some(over)),
    };
    let gap = |why, name| {
        Piece::Blank(Gap {
            why,
            measure: known.bench(name),
        })
    };
    match known.quoted(of, over) {
        Err(lacking) => gap(Why::Missing, lacking),
        Ok(quoted) => match quoted.stale() {
            Some(stale) => gap(Why::Stale(stale), of),
            None => Piece::Number(Number {
                text: shown_in(quoted.value, quoted.unit),
                own: quoted.by == By::Mine,
                marks: quoted.marks,
            }),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use measure::{Code, Figure, Machine, Mode, Record, Stale};

    use super::*;
    use crate::bank::template::fill;
    use crate::labs::{Lab, Whose};
    use crate::measuring::quoted::Mark;
    use crate::measuring::{digest, known};

    const FOLDER: &str = "08-watermarks";

    /// A checkout with a lab whose two sides differ, and nothing measured.
    fn checkout() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (side, code) in [("solutions", "fn whole() {}\n"), ("labs", "fn begun() {}\n")] {
            let source = root.path().join(side).join(FOLDER).join("src");
            std::fs::create_dir_all(&source).unwrap();
            std::fs::write(source.join("lib.rs"), code).unwrap();
        }
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../solutions/08-watermarks/lab.toml");
        std::fs::copy(manifest, root.path().join("solutions").join(FOLDER).join("lab.toml")).unwrap();
        root
    }

    /// Measures `stall` of idle-partition's arms, the reader's code or the reference's.
    fn measured(root: &Path, whose: Whose, mode: Mode, arms: &[(&str, &[f64])]) {
        let lab = Lab::read(root, FOLDER).unwrap();
        let (file, code) = match whose {
            Whose::Yours => (known::mine_of(root, FOLDER), Code::Yours),
            Whose::Reference => (known::reference_of(root, FOLDER), Code::Reference),
        };
        let mut experiments = lab.manifest.experiments.iter();
        let experiment = experiments.find(|each| each.id == "idle-partition").unwrap();
        let record = Record {
            experiment: experiment.id.clone(),
            lab: FOLDER.into(),
            mode,
            code,
            code_digest: digest::of(&lab, whose, experiment).unwrap(),
            revision: "1".into(),
            date: "2026-11-22T12:00:00Z".into(),
            machine: Machine::this(),
            provider: "none".into(),
            servers: Default::default(),
            seconds: 1.0,
            figures: arms
                .iter()
                .map(|(arm, samples)| Figure {
                    arm: (*arm).into(),
                    metric: "stall".into(),
                    samples: samples.to_vec(),
                    n: 1,
                })
                .collect(),
            notes: Vec::new(),
        };
        measure::lines::append(&file, &record).unwrap();
    }

    fn changed(root: &Path, side: &str) {
        let file = root.join(side).join(FOLDER).join("src/lib.rs");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, format!("{text}fn more() {{}}\n")).unwrap();
    }

    fn quoted(root: &Path, text: &str) -> Piece {
        let known = Known::read(root).unwrap();
        fill(text, &|blank| quotable(&known, blank)).remove(0)
    }

    fn number(text: &str, own: bool, marks: &[Mark]) -> Piece {
        Piece::Number(Number {
            text: text.into(),
            own,
            marks: marks.to_vec(),
        })
    }

    fn gap(why: Why) -> Piece {
        let measure = "./lab bench 08".into();
        Piece::Blank(Gap { why, measure })
    }

    const NONE: &str = "cure=none";
    const IDLE: &str = "cure=idle";
    const FIGURE: &str = "{{idle-partition stall cure=none}}";
    const RATIO: &str = "{{idle-partition stall cure=none / idle-partition stall cure=idle}}";

    #[test]
    fn a_fresh_own_number_comes_first_then_the_references_and_no_stale_one_is_drilled() {
        let checkout = checkout();
        let root = checkout.path();
        assert_eq!(quoted(root, FIGURE), gap(Why::Missing));

        measured(root, Whose::Reference, Mode::Full, &[(NONE, &[4.0])]);
        assert_eq!(quoted(root, FIGURE), number("4 ms", false, &[]));

        measured(root, Whose::Yours, Mode::Quick, &[(NONE, &[1.0, 2.0, 90.0])]);
        let marks = [Mark::Quick, Mark::Wide(44.5)];
        assert_eq!(quoted(root, FIGURE), number("2 ms", true, &marks));

        changed(root, "labs");
        assert_eq!(
            quoted(root, FIGURE),
            number("4 ms", false, &[]),
            "the reference's stands for a stale one"
        );

        changed(root, "solutions");
        assert_eq!(quoted(root, FIGURE), gap(Why::Stale(Stale::Code)));
    }

    #[test]
    fn a_ratio_is_of_one_side_and_has_the_marks_of_both_figures() {
        let checkout = checkout();
        let root = checkout.path();
        measured(
            root,
            Whose::Reference,
            Mode::Full,
            &[(NONE, &[9.0]), (IDLE, &[1.0, 3.0, 30.0])],
        );
        let reference = number("3×", false, &[Mark::Wide(29.0 / 3.0)]);
        assert_eq!(quoted(root, RATIO), reference);

        measured(root, Whose::Yours, Mode::Full, &[(NONE, &[8.0])]);
        assert_eq!(quoted(root, RATIO), reference, "the reader has one of the two");

        measured(root, Whose::Yours, Mode::Full, &[(NONE, &[8.0]), (IDLE, &[2.0])]);
        assert_eq!(quoted(root, RATIO), number("4×", true, &[]));
    }
}
