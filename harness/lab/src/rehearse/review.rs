//! Reviews: what came of each question that was rehearsed, a line of JSON each, in `.lab/rehearsal/reviews.jsonl`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use measure::BrokenLine;
use serde::{Deserialize, Serialize};

use crate::keep;

/// One question, answered and scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Review {
    /// Its id.
    pub(crate) question: String,
    /// When it was scored, UTC, RFC 3339.
    pub(crate) date: String,
    /// The day where the reader was: what is due is due on a day, at whatever hour one sits down.
    #[serde(with = "day")]
    pub(crate) day: Date,
    /// `en` or `ko`.
    pub(crate) lang: String,
    /// Whether it was part of a mock interview.
    pub(crate) mock: bool,
    /// How long the answers took, seconds.
    pub(crate) seconds: u64,
    /// Whether some answer was said aloud.
    pub(crate) spoken: bool,
    /// By the rubric's dimension, 1 to 4.
    pub(crate) scores: BTreeMap<String, u8>,
    /// Key points that were named.
    pub(crate) named: usize,
    /// Of how many.
    pub(crate) of: usize,
    /// Those that were not: step (0 for the question itself, then the ladder's) and point, both from 0.
    pub(crate) missed: Vec<(usize, usize)>,
    /// Digest of the question's English side: `missed` counts its points.
    pub(crate) digest: String,
}

impl Review {
    /// 4 to 16.
    pub(crate) fn sum(&self) -> u32 {
        self.scores.values().map(|score| u32::from(*score)).sum()
    }
}

/// The rehearsal's folder.
pub(crate) fn folder(root: &Path) -> PathBuf {
    root.join(keep::PLACE).join("rehearsal")
}

/// All reviews, in the order in which they were made. What cannot be read is told, and the rest is used.
///
/// # Errors
/// The file is there and cannot be read.
pub(crate) fn read(root: &Path) -> std::io::Result<Vec<Review>> {
    let (reviews, broken) = read_with_broken(root)?;
    for line in broken {
        crate::note(&format!("lab: {line}"));
    }
    Ok(reviews)
}

/// The same, and what cannot be read, which is not told.
///
/// # Errors
/// As of [`read`].
pub(crate) fn read_with_broken(root: &Path) -> std::io::Result<(Vec<Review>, Vec<BrokenLine>)> {
    measure::lines::read(&folder(root).join("reviews.jsonl"), "review")
}

/// Adds one.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn append(root: &Path, review: &Review) -> std::io::Result<()> {
    measure::lines::append(&folder(root).join("reviews.jsonl"), review)
}

/// A day as `2026-11-22`.
mod day {
    use jiff::civil::Date;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(day: &Date, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(day)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Date, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}
