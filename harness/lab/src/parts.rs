//! Which package a word on the command line means: `07`, `windows`, `07-windows`, `market`, `pipeline`.

use std::path::Path;

use anyhow::{Context, bail};

use crate::folder::is_meant;

/// A package of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    /// What cargo calls it.
    pub(crate) name: String,
    /// What people call it: the folder's name.
    pub(crate) folder: String,
    /// The benches that it has of its own, as cargo calls them.
    pub(crate) benches: Vec<String>,
}

/// The packages of the checkout: the folders of `solutions` and `harness`. Read from the disk, so that no list is kept.
pub(crate) fn all(root: &Path) -> anyhow::Result<Vec<Package>> {
    let mut packages = Vec::new();
    for (kind, prefix) in [("solutions", "solution-"), ("harness", "")] {
        let place = root.join(kind);
        let folders = std::fs::read_dir(&place).with_context(|| format!("{} is no checkout", root.display()))?;
        for folder in folders {
            let folder = folder?;
            if let Ok(manifest) = std::fs::read_to_string(folder.path().join("Cargo.toml")) {
                let folder = folder.file_name().to_string_lossy().into_owned();
                packages.push(Package {
                    name: format!("{prefix}{folder}"),
                    folder,
                    benches: benches(&manifest),
                });
            }
        }
    }
    packages.sort_by(|a, b| a.folder.cmp(&b.folder));
    Ok(packages)
}

/// The names of a manifest's `[[bench]]`es.
fn benches(manifest: &str) -> Vec<String> {
    let named = |after: &str| {
        let line = after.lines().find(|line| line.starts_with("name = "))?;
        Some(line.split('"').nth(1)?.to_owned())
    };
    manifest.split("[[bench]]").skip(1).filter_map(named).collect()
}

/// The packages that the words mean.
///
/// # Errors
/// A word that means none, with those there are.
pub(crate) fn find(words: &[String], packages: &[Package]) -> anyhow::Result<Vec<Package>> {
    let mut found: Vec<Package> = Vec::new();
    for word in words {
        let Some(package) = packages
            .iter()
            .find(|package| is_meant(&package.folder, word) || package.name == *word)
        else {
            let folders: Vec<&str> = packages.iter().map(|package| package.folder.as_str()).collect();
            bail!("no part is called {word:?}; there are {}", folders.join(", "));
        };
        if !found.contains(package) {
            found.push(package.clone());
        }
    }
    Ok(found)
}

/// Their folders in a line.
pub(crate) fn named(packages: &[Package]) -> String {
    let folders: Vec<&str> = packages.iter().map(|package| package.folder.as_str()).collect();
    match folders.is_empty() {
        true => "everything".into(),
        false => folders.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_by_number_and_by_name() {
        let packages = all(&crate::cargo::root()).unwrap();
        let names = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            find(&words, &packages).map(|found| found.into_iter().map(|p| p.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["7"]).unwrap(), ["solution-07-windows"]);
        assert_eq!(
            names(&[
                "07",
                "windows",
                "07-windows",
                "solution-07-windows",
                "pipeline",
                "market"
            ])
            .unwrap(),
            ["solution-07-windows", "solution-14-pipeline", "market"]
        );
        let refused = names(&["99"]).unwrap_err().to_string();
        assert!(
            refused.starts_with("no part is called \"99\"; there are 01-async, "),
            "{refused}"
        );
    }
}
