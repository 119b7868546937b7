//! The labs of a checkout, and which one a word means.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::manifest::{Manifest, ManifestError};
use crate::folder::is_meant;
use crate::keep::shipped::restore_missing;

/// Whose code runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    Yours,
    Reference,
}

impl Whose {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Yours => "yours",
            Self::Reference => "reference",
        }
    }
}

/// A lab: its manifest, and where it is.
#[derive(Debug, Clone)]
pub(crate) struct Lab {
    pub(crate) manifest: Manifest,
    /// The checkout.
    pub(crate) root: PathBuf,
}

impl Lab {
    /// # Errors
    /// The first mistake in its manifest.
    pub(crate) fn read(root: &Path, folder: &str) -> Result<Self, ManifestError> {
        Ok(Self {
            manifest: Manifest::read(root, folder)?,
            root: root.to_path_buf(),
        })
    }

    /// What the reader edits.
    pub(crate) fn mine(&self) -> PathBuf {
        self.root.join("labs").join(self.manifest.folder())
    }

    /// The reference.
    pub(crate) fn solution(&self) -> PathBuf {
        self.root.join("solutions").join(self.manifest.folder())
    }

    pub(crate) fn package(&self, whose: Whose) -> String {
        package(&self.manifest.folder(), whose)
    }

    /// Where cargo runs the tests of one of the two.
    pub(crate) fn place(&self, whose: Whose) -> PathBuf {
        match whose {
            Whose::Yours => self.mine(),
            Whose::Reference => self.solution(),
        }
    }
}

pub(crate) fn package(folder: &str, whose: Whose) -> String {
    match whose {
        Whose::Yours => format!("lab-{folder}"),
        Whose::Reference => format!("solution-{folder}"),
    }
}

/// The folders below `solutions` that have a manifest, in order.
///
/// # Errors
/// This is no checkout.
pub(crate) fn folders(root: &Path) -> anyhow::Result<Vec<String>> {
    let place = root.join("solutions");
    let mut folders = Vec::new();
    for folder in std::fs::read_dir(&place).with_context(|| format!("{} is no checkout", root.display()))? {
        let folder = folder?;
        if folder.path().join("lab.toml").is_file() {
            folders.push(folder.file_name().to_string_lossy().into_owned());
        }
    }
    folders.sort();
    Ok(folders)
}

/// Every lab, or why its manifest cannot be used: one that is broken keeps nobody from the others.
///
/// # Errors
/// This is no checkout.
pub(crate) fn all(root: &Path) -> anyhow::Result<Vec<Result<Lab, ManifestError>>> {
    Ok(folders(root)?.iter().map(|folder| Lab::read(root, folder)).collect())
}

/// The folder that a word means: `05`, `5`, `acks`, `05-acks`, `lab-05-acks`.
///
/// # Errors
/// A word that means none, with those there are.
pub(crate) fn folder(root: &Path, word: &str) -> anyhow::Result<String> {
    let folders = folders(root)?;
    match folders.iter().find(|folder| is_meant(folder, word)) {
        Some(folder) => Ok(folder.clone()),
        None => bail!(
            "no lab is called {word:?}; there are {}. Next: ./lab list",
            folders.join(", ")
        ),
    }
}

/// The lab that a word means.
///
/// # Errors
/// A word that means none, or a broken manifest.
pub(crate) fn find(root: &Path, word: &str) -> anyhow::Result<Lab> {
    Ok(Lab::read(root, &folder(root, word)?)?)
}

/// Brings back what cargo needs of each lab and somebody has deleted: it reads the whole workspace before it builds one package.
/// Returns what was written, from the root.
///
/// # Errors
/// As [`restore_missing`].
pub(crate) fn bring_back(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut back = Vec::new();
    for folder in folders(root)? {
        back.extend(restore_missing(root, &folder)?);
    }
    Ok(back)
}
