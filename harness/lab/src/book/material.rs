//! What the directives draw on, read once for a build.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::glossary::Glossary;
use crate::bank::Bank;
use crate::measuring::Known;
use crate::measuring::claims::Mistake;

pub(crate) struct Material {
    /// The checkout.
    pub(super) root: PathBuf,
    pub(super) known: Known,
    pub(super) glossary: Glossary,
    pub(super) bank: Bank,
    /// Mistakes in the book's own files: a build that is not served fails for them.
    mistakes: Vec<Mistake>,
}

impl Material {
    /// What is wrong in the reader's records, and in manifests, costs those and no build: it is told.
    ///
    /// # Errors
    /// This is no checkout, or a file is there and cannot be read.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let known = Known::read(root).context("what was measured cannot be read")?;
        let (glossary, mut mistakes) = Glossary::read(root);
        mistakes.extend(known.claims.mistakes.iter().cloned());
        let bank = Bank::read(root);
        mistakes.extend(bank.broken.iter().cloned());
        Ok(Self {
            root: root.to_path_buf(),
            known,
            glossary,
            bank,
            mistakes,
        })
    }

    /// What is wrong with the book's own files.
    pub(crate) fn mistakes(&self) -> Vec<Mistake> {
        self.mistakes.clone()
    }

    /// Sentences on what was left out because it could not be read.
    pub(crate) fn left_out(&self) -> &[String] {
        &self.known.broken
    }

    /// How long the bank's questions of a chapter take, minutes.
    pub(super) fn minutes_of(&self, chapter: &str) -> usize {
        self.bank
            .chapter(chapter)
            .map(|question| question.minutes as usize)
            .sum()
    }
}
