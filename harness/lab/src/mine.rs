//! `--mine 05,08`: which of the reader's labs run in the pipeline instead of the reference.

use std::path::Path;

use anyhow::{Context, bail, ensure};

use crate::cargo::PIPELINE_FOLDER;
use crate::folder::{self, is_meant};

/// A lab whose code the pipeline can run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mine {
    /// Its folder in `labs`: `05-acks`.
    pub(crate) folder: String,
    number: u32,
}

impl Mine {
    /// The lab in `folder`; `None` when that is no lab's name.
    pub(crate) fn new(folder: &str) -> Option<Self> {
        Some(Self {
            number: folder::number(folder)?,
            folder: folder.into(),
        })
    }

    /// Its number as its folder has it, by which the commands know it: `05`.
    pub(crate) fn number(&self) -> &str {
        self.folder.split_once('-').map_or(&self.folder, |(number, _)| number)
    }

    /// What the pipeline calls it: `mine-05`.
    pub(crate) fn feature(&self) -> String {
        format!("mine-{:02}", self.number)
    }
}

/// The labs that the words mean, each once, in the order of their numbers. Read from the disk, so that no list is kept.
///
/// # Errors
/// A word that means none that the pipeline of the checkout at `root` can run; in a sentence, with the command that can.
pub(crate) fn find(words: &[String], root: &Path) -> anyhow::Result<Vec<Mine>> {
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let there = labs(root)?;
    let features = features(root)?;
    let (can, cannot): (Vec<Mine>, Vec<Mine>) = there.into_iter().partition(|lab| features.contains(&lab.feature()));
    ensure!(
        !can.is_empty(),
        "there is no lab in {} that the pipeline can run; write them with ./lab generate",
        root.join("labs").display()
    );
    let mut found = Vec::new();
    for word in words {
        let Some(lab) = can.iter().find(|lab| is_meant(&lab.folder, word)) else {
            let folders: Vec<&str> = can.iter().map(|lab| lab.folder.as_str()).collect();
            let next = format!("choose from: ./lab up --mine {}", folders.join(","));
            match cannot.iter().find(|lab| is_meant(&lab.folder, word)) {
                Some(lab) => bail!("the pipeline does not run {} yet; {next}", lab.folder),
                None => bail!("there is no lab {word:?} to run; {next}"),
            }
        };
        found.push(lab.clone());
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// The folders of the labs that are there.
fn labs(root: &Path) -> anyhow::Result<Vec<Mine>> {
    let place = root.join("labs");
    let mut found = Vec::new();
    // A checkout without the folder has none.
    for entry in std::fs::read_dir(&place).into_iter().flatten() {
        let entry = entry.with_context(|| format!("{} cannot be read", place.display()))?;
        if entry.path().join("Cargo.toml").is_file() {
            found.extend(Mine::new(&entry.file_name().to_string_lossy()));
        }
    }
    found.sort();
    Ok(found)
}

/// What can be chosen of the pipeline's code.
fn features(root: &Path) -> anyhow::Result<Vec<String>> {
    let manifest = root.join(PIPELINE_FOLDER).join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).with_context(|| format!("{} cannot be read", manifest.display()))?;
    let table: toml::Table = text
        .parse()
        .with_context(|| format!("{} is not TOML", manifest.display()))?;
    let features = table.get("features").and_then(toml::Value::as_table);
    Ok(features.into_iter().flat_map(toml::Table::keys).cloned().collect())
}

/// The folders, as the report has them.
pub(crate) fn folders(mine: &[Mine]) -> Vec<String> {
    mine.iter().map(|lab| lab.folder.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A checkout with these labs, whose pipeline can run 05 and 08.
    fn checkout(labs: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for lab in labs {
            let folder = root.path().join("labs").join(lab);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("Cargo.toml"), "").unwrap();
        }
        let pipeline = root.path().join(PIPELINE_FOLDER);
        std::fs::create_dir_all(&pipeline).unwrap();
        let features = "[features]\nmine-05 = []\nmine-08 = []\n";
        std::fs::write(pipeline.join("Cargo.toml"), features).unwrap();
        root
    }

    fn found(words: &str, root: &Path) -> Result<Vec<String>, String> {
        let words: Vec<String> = words.split(',').map(str::to_owned).collect();
        let found = find(&words, root).map_err(|error| error.to_string())?;
        Ok(found.iter().map(Mine::feature).collect())
    }

    #[test]
    fn a_lab_is_named_by_number_name_or_folder_and_runs_once() {
        let root = checkout(&["03-network", "05-acks", "08-watermarks"]);
        for word in ["05", "5", "acks", "05-acks", "5,acks"] {
            assert_eq!(found(word, root.path()).unwrap(), ["mine-05"], "{word}");
        }
        assert_eq!(found("watermarks,05", root.path()).unwrap(), ["mine-05", "mine-08"]);
    }

    #[test]
    fn what_cannot_run_is_refused_with_what_can() {
        let root = checkout(&["03-network", "05-acks"]);
        let next = "; choose from: ./lab up --mine 05-acks";
        assert_eq!(
            found("05,99", root.path()).unwrap_err(),
            format!("there is no lab \"99\" to run{next}")
        );
        // The pipeline could run it, but nobody has generated it.
        assert_eq!(
            found("08", root.path()).unwrap_err(),
            format!("there is no lab \"08\" to run{next}")
        );
        assert_eq!(
            found("network", root.path()).unwrap_err(),
            format!("the pipeline does not run 03-network yet{next}")
        );
        let empty = checkout(&[]);
        let refused = found("05", empty.path()).unwrap_err();
        assert!(refused.ends_with("write them with ./lab generate"), "{refused}");
    }

    #[test]
    fn nobody_s_labs_are_looked_for_unless_asked() {
        assert_eq!(find(&[], Path::new("/no/checkout")).unwrap(), []);
    }
}
