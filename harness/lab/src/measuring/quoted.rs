//! What a sentence quotes of a figure, and what must be said beside it: the same in the book's pages and in the bank's answers.

use std::fmt;

use measure::{Figure, FigureName, Record, Stale};

use super::Known;
use super::known::By;

/// What whoever quotes a number must know.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mark {
    /// It is of a quick run.
    Quick,
    /// Something has changed since it was measured.
    Stale(Stale),
    /// Its repetitions spread by so many medians, more than the experiment's bound: nothing may be concluded from it.
    Wide(f64),
}

impl Mark {
    /// In a word, for where there is no room for more.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Stale(_) => "stale",
            Self::Wide(_) => "wide",
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quick => f.write_str("quick: a first answer"),
            Self::Stale(stale) => write!(f, "stale: {}", stale.why()),
            Self::Wide(by) if by.is_finite() => write!(f, "wide: the repetitions spread by {:.0} %", by * 100.0),
            Self::Wide(_) => f.write_str("wide: the repetitions spread about a median of 0"),
        }
    }
}

/// A figure, or one in multiples of another, as a sentence quotes it.
pub(crate) struct Quoted<'a> {
    /// The median, or the ratio of two medians, in `unit`.
    pub(crate) value: f64,
    pub(crate) unit: &'a str,
    /// Of a ratio the one that is divided, as its record.
    pub(crate) figure: &'a Figure,
    pub(crate) record: &'a Record,
    pub(crate) by: By,
    /// Of a ratio those of both figures.
    pub(crate) marks: Vec<Mark>,
}

impl Quoted<'_> {
    pub(crate) fn stale(&self) -> Option<Stale> {
        self.marks.iter().find_map(|mark| match mark {
            Mark::Stale(stale) => Some(*stale),
            _ => None,
        })
    }
}

impl Known {
    /// What is quoted: the reader's own if it is fresh, else the reference's if that is, else the reader's stale one, and last the
    /// reference's. Both figures of a ratio are of the same side, which is fresh if both are: two machines make no ratio. A page
    /// shows a stale one with its mark; the rehearsal, which would have it learnt by heart, leaves it blank.
    ///
    /// # Errors
    /// Neither side has measured it all: the figure that the reader has not.
    pub(crate) fn quoted<'a>(
        &self,
        of: &'a FigureName,
        over: Option<&'a FigureName>,
    ) -> Result<Quoted<'_>, &'a FigureName> {
        let sides = [By::Mine, By::Reference].into_iter();
        let there = sides.filter_map(|by| self.of_side(of, over, by));
        there.min_by_key(|quoted| quoted.stale().is_some()).ok_or_else(|| {
            let lacks = |name: &&FigureName| self.figure(name).is_none_or(|shown| shown.mine.is_none());
            [of].into_iter().chain(over).find(lacks).unwrap_or(of)
        })
    }

    fn of_side(&self, of: &FigureName, over: Option<&FigureName>, by: By) -> Option<Quoted<'_>> {
        let (_, experiment) = self.experiment(&of.experiment)?;
        let shown = self.figure(of)?;
        let (figure, taken) = match by {
            By::Mine => shown.mine?,
            By::Reference => shown.reference?,
        };
        let spread = figure.spread();
        let wide = (spread.relative() > experiment.spread).then(|| Mark::Wide(spread.relative()));
        let mut quoted = Quoted {
            value: spread.median,
            unit: shown.unit,
            figure,
            record: taken.record,
            by,
            marks: taken.marks().into_iter().chain(wide).collect(),
        };
        if let Some(over) = over {
            let other = self.of_side(over, None, by)?;
            quoted.value /= other.value;
            quoted.unit = "×";
            for mark in other.marks {
                if !quoted.marks.contains(&mark) {
                    quoted.marks.push(mark);
                }
            }
        }
        Some(quoted)
    }

    /// The command that measures a figure: `./lab bench 05`.
    pub(crate) fn bench(&self, name: &FigureName) -> String {
        match self.experiment(&name.experiment) {
            Some((lab, _)) => format!("./lab bench {}", lab.manifest.short()),
            None => "./lab bench".to_owned(),
        }
    }
}
