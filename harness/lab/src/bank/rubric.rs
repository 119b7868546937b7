//! The rubric, `book/questions/rubric.toml`: four dimensions, and for each what a listener hears at 1 to 4.

use serde::Deserialize;

use super::Side;
use super::raw::said;
use crate::labs::manifest::line_of;
use crate::measuring::claims::Mistake;

/// How an answer is scored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rubric {
    pub(crate) dimensions: [Dimension; 4],
}

/// One thing that is scored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dimension {
    /// One word; reviews go by it.
    pub(crate) id: String,
    pub(crate) en: Signals,
    pub(crate) ko: Signals,
}

/// A dimension in one language.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signals {
    pub(crate) name: String,
    /// What is listened for, as a question.
    pub(crate) asks: String,
    /// What a listener hears at 1, 2, 3 and 4.
    pub(crate) bands: [String; 4],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    dimension: Vec<Dimension>,
}

impl Dimension {
    pub(crate) fn signals(&self, side: Side) -> &Signals {
        side.of(&self.en, &self.ko)
    }
}

impl Rubric {
    /// # Errors
    /// The first mistake in it.
    pub(crate) fn parse(text: &str, file: &str) -> Result<Self, Mistake> {
        let wrong = |line, what| Mistake {
            file: file.to_owned(),
            line,
            what,
        };
        let raw: Raw = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            wrong(line, said(&error, "questions"))
        })?;
        let many = raw.dimension.len();
        let dimensions = <[Dimension; 4]>::try_from(raw.dimension);
        let dimensions = dimensions.map_err(|_| {
            wrong(
                1,
                format!("there are {many} dimensions; a score is of four, correct it"),
            )
        })?;
        Ok(Self { dimensions })
    }
}
