//! What an update has set out to do and how far it is: `.lab/updating`, there from its first change to its end.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::keep::{KeepError, PLACE, files};

/// An update that has begun.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The commit that was there.
    pub(crate) old: String,
    /// The commit that is to come.
    pub(crate) new: String,
    /// Whether git was asked to move the branch: killed at that, it leaves some files of the new commit.
    #[serde(default)]
    pub(crate) moving: bool,
    /// The labs that the reader has edited.
    #[serde(default, rename = "lab")]
    pub(crate) labs: Vec<Edited>,
}

/// A lab that the reader has edited, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edited {
    /// `05-acks`.
    pub folder: String,
    /// Where all of it is as the reader had it, from the root.
    pub backup: PathBuf,
    /// Backups of what the reader wrote there while the update was interrupted.
    #[serde(default)]
    pub later: Vec<PathBuf>,
    /// Whether the reader's work is back in its place.
    #[serde(default)]
    pub done: bool,
    /// How many files hold the reader's changes and the workbook's, without a conflict.
    #[serde(default)]
    pub merged: usize,
    /// Where the two are in conflict: `labs/05-acks/src/link.rs:12`.
    #[serde(default)]
    pub conflicts: Vec<String>,
    /// What else there is to say, a sentence each.
    #[serde(default)]
    pub notes: Vec<String>,
}

impl Plan {
    pub(crate) fn path(root: &Path) -> PathBuf {
        root.join(PLACE).join("updating")
    }

    /// The update that is half-way, if there is one.
    pub(crate) fn load(root: &Path) -> Result<Option<Self>, KeepError> {
        let path = Self::path(root);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(KeepError::io("cannot read", &path)(error)),
        };
        toml::from_str(&text).map(Some).map_err(|error| {
            KeepError::Refused(format!(
                "{} says no longer how far the update was ({}); your files are in .lab/backups: copy them back to labs, then \
                 remove that file",
                path.display(),
                error.message()
            ))
        })
    }

    pub(crate) fn save(&self, root: &Path) -> Result<(), KeepError> {
        let text = toml::to_string(self)
            .map_err(|error| KeepError::Refused(format!("the update's plan cannot be written: {error}")))?;
        files::replace(&Self::path(root), text.as_bytes())
    }

    pub(crate) fn remove(root: &Path) -> Result<(), KeepError> {
        files::remove(&Self::path(root))
    }
}
