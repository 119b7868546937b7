//! Claims and their verdicts, which are computed from records.

use serde::{Deserialize, Serialize};

use crate::{Figure, FigureName, Spread};

/// A factual claim, and the rule by which a record judges it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Small letters and dashes; unique.
    pub id: String,
    /// The chapter's number: `05`.
    pub chapter: String,
    /// Items of `book/guide.toml` that say it.
    pub guide: Vec<String>,
    /// What is claimed, in our words.
    pub says: String,
    /// What was found, in a sentence that stays true whatever the figures are: mechanism, conditions, source.
    pub because: String,
    /// A dated primary source, where one decides more than a figure could.
    #[serde(default)]
    pub source: Option<Source>,
    /// What is looked at. All hold: confirmed; none: refuted; some: it depends on their conditions.
    #[serde(default)]
    pub check: Vec<Check>,
    /// Why it cannot be measured here; instead of checks.
    #[serde(default)]
    pub not_here: Option<String>,
    /// The number that it names, for charts and tables beside what was measured.
    #[serde(default)]
    pub figure: Option<Said>,
}

/// A number that a claim names for a figure.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// The figure.
    pub of: FigureName,
    /// The number, in the metric's unit.
    pub value: f64,
}

/// Where something is written down.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its title.
    pub title: String,
    /// Its address.
    pub url: String,
    /// When it was published, or last read where it has no date: `2019-05-13`.
    pub date: String,
}

/// One condition under which a claim is looked at.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The condition, which a `depends` names: `3 brokers`.
    pub when: String,
    /// The figure.
    pub of: FigureName,
    /// Another, by which it is divided.
    #[serde(default)]
    pub over: Option<FigureName>,
    /// What of the repetitions counts.
    #[serde(default)]
    pub take: Take,
    /// It holds if the value is not below this.
    #[serde(default)]
    pub at_least: Option<f64>,
    /// And not above this.
    #[serde(default)]
    pub at_most: Option<f64>,
}

/// What of a figure's repetitions counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Take {
    /// The median; too wide a spread leaves it open, unless every repetition lies on the same side.
    #[default]
    Median,
    /// The most: whether it happened in any repetition. A spread is no doubt then.
    Most,
    /// The least: whether it happened in each of them.
    Least,
}

/// What the records say of a claim.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// Every check holds.
    Confirmed,
    /// None does.
    Refuted,
    /// Some do.
    Depends {
        /// Conditions under which it holds.
        holds: Vec<String>,
        /// Conditions under which it does not.
        fails: Vec<String>,
    },
    /// Some figure spreads too widely for any verdict, to both sides of a bound.
    Inconclusive {
        /// Which, and how widely, in a clause.
        why: String,
    },
    /// There is no record of some figure yet.
    NotMeasured {
        /// The first one that is missing.
        missing: String,
    },
    /// It cannot be measured here.
    NotHere {
        /// Why.
        why: String,
    },
}

impl Verdict {
    /// The word that stands in tables.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Refuted => "refuted",
            Self::Depends { .. } => "depends",
            Self::Inconclusive { .. } => "inconclusive",
            Self::NotMeasured { .. } => "not measured yet",
            Self::NotHere { .. } => "not measured here",
        }
    }
}

/// A check with the value that decided it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seen {
    /// The condition.
    pub when: String,
    /// The value: of the figure, or of one over the other.
    pub value: f64,
    /// Whether the check holds.
    pub holds: bool,
}

/// A figure, and what must hold before something is concluded from it.
pub struct Bounded<'a> {
    /// The figure.
    pub figure: &'a Figure,
    /// `(most - least) / median`.
    pub bound: f64,
    /// How many repetitions there must be: chance is not seen in one.
    pub repetitions: usize,
}

impl Claim {
    /// The figures that it is judged by.
    pub fn figures(&self) -> impl Iterator<Item = &FigureName> {
        self.check
            .iter()
            .flat_map(|check| [Some(&check.of), check.over.as_ref()])
            .flatten()
    }

    /// Judges the claim by the figures that `find` knows; with what was seen of each check that could be looked at.
    pub fn judge<'a>(&self, find: impl Fn(&FigureName) -> Option<Bounded<'a>>) -> (Verdict, Vec<Seen>) {
        if let Some(why) = &self.not_here {
            return (Verdict::NotHere { why: why.clone() }, Vec::new());
        }
        let (mut seen, mut missing, mut wide) = (Vec::new(), None, None);
        for check in &self.check {
            match check.look(&find) {
                Ok(looked) => seen.push(looked),
                Err(Open::Missing(name)) => missing = missing.or(Some(name.to_string())),
                Err(Open::Wide(why)) => wide = wide.or(Some(why)),
            }
        }
        if let Some(missing) = missing {
            return (Verdict::NotMeasured { missing }, seen);
        }
        if let Some(why) = wide {
            return (Verdict::Inconclusive { why }, seen);
        }
        let of = |holds: bool| -> Vec<String> {
            let these = seen.iter().filter(|seen| seen.holds == holds);
            these.map(|seen| seen.when.clone()).collect()
        };
        let verdict = match (of(true), of(false)) {
            (holds, fails) if holds.is_empty() && fails.is_empty() => Verdict::NotMeasured {
                missing: "any check".into(),
            },
            (_, fails) if fails.is_empty() => Verdict::Confirmed,
            (holds, _) if holds.is_empty() => Verdict::Refuted,
            (holds, fails) => Verdict::Depends { holds, fails },
        };
        (verdict, seen)
    }
}

/// A ratio to 0 is none, however much stands above it.
fn divided(of: f64, below: f64, name: &FigureName) -> Result<f64, Open<'_>> {
    match below {
        0.0 => Err(Open::Wide(format!("{name} is 0, and to that there is no ratio"))),
        _ => Ok(of / below),
    }
}

/// Why a check decides nothing.
enum Open<'a> {
    Missing(&'a FigureName),
    Wide(String),
}

impl Check {
    fn look<'a>(&self, find: &impl Fn(&FigureName) -> Option<Bounded<'a>>) -> Result<Seen, Open<'_>> {
        for name in [Some(&self.of), self.over.as_ref()].into_iter().flatten() {
            let known = find(name).ok_or(Open::Missing(name))?;
            let taken = known.figure.samples.len();
            if taken < known.repetitions {
                return Err(Open::Wide(format!(
                    "{name} was taken {} in a quick run, and less than {} times decides nothing; measure it in full",
                    if taken == 1 { "once" } else { "twice" },
                    known.repetitions
                )));
            }
        }
        let (of, over) = (&self.of, self.over.as_ref());
        let ends = match over {
            None => Ok(find(of).ok_or(Open::Missing(of))?.figure.spread()),
            Some(over) => self.ratios(over, find),
        };
        let value = match (self.take, over) {
            (Take::Most, _) => ends?.most,
            (Take::Least, _) => ends?.least,
            (Take::Median, _) => {
                if !ends.is_ok_and(|ends| self.is_on_one_side(&ends)) {
                    narrow(of, find)?;
                    over.map_or(Ok(()), |over| narrow(over, find))?;
                }
                match over {
                    None => median(of, find)?,
                    Some(over) => divided(median(of, find)?, median(over, find)?, over)?,
                }
            }
        };
        Ok(Seen {
            when: self.when.clone(),
            value,
            holds: self.holds(value),
        })
    }

    fn holds(&self, value: f64) -> bool {
        self.at_least.is_none_or(|least| value >= least) && self.at_most.is_none_or(|most| value <= most)
    }

    /// Whether each repetition alone would decide alike: then it does not matter how far they spread.
    fn is_on_one_side(&self, ends: &Spread) -> bool {
        (self.holds(ends.least) && self.holds(ends.most))
            || self.at_least.is_some_and(|least| ends.most < least)
            || self.at_most.is_some_and(|most| ends.least > most)
    }

    /// The ratios, repetition by repetition: what is least of both need not have been seen together. Where the two have not the same
    /// repetitions, the ends that lie furthest apart.
    fn ratios<'c, 'a>(
        &'c self,
        over: &'c FigureName,
        find: &impl Fn(&FigureName) -> Option<Bounded<'a>>,
    ) -> Result<Spread, Open<'c>> {
        let of = find(&self.of).ok_or(Open::Missing(&self.of))?.figure;
        let below = find(over).ok_or(Open::Missing(over))?.figure;
        let pairs: Vec<(f64, f64)> = if of.samples.len() == below.samples.len() {
            of.samples.iter().copied().zip(below.samples.iter().copied()).collect()
        } else {
            let (of, below) = (of.spread(), below.spread());
            vec![(of.least, below.most), (of.most, below.least)]
        };
        let ratios = pairs.into_iter().map(|(of, below)| divided(of, below, over));
        Ok(Spread::of(ratios.collect::<Result<_, _>>()?))
    }
}

fn median<'c, 'a>(name: &'c FigureName, find: &impl Fn(&FigureName) -> Option<Bounded<'a>>) -> Result<f64, Open<'c>> {
    Ok(find(name).ok_or(Open::Missing(name))?.figure.spread().median)
}

/// An error where the repetitions spread too widely for their median to decide anything.
fn narrow<'c, 'a>(name: &'c FigureName, find: &impl Fn(&FigureName) -> Option<Bounded<'a>>) -> Result<(), Open<'c>> {
    let known = find(name).ok_or(Open::Missing(name))?;
    match known.figure.spread().relative() {
        wide if wide > known.bound => Err(Open::Wide(format!(
            "the repetitions of {name} spread by {:.0} %, and more than {:.0} % decides nothing where they lie on both sides",
            wide * 100.0,
            known.bound * 100.0
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
