//! Mutants: plausible mistakes that the tests must notice.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::super::found::{Lab, Whose};
use super::super::manifest::Mutant;
use super::super::runner::{self, Binary, How, Outcome, Ran};
use super::Scratch;
use super::gates::told;
use super::tests_of::{self, Ready, at_once, overlapped};

/// The files that a mutant changes, before and after.
#[derive(Debug, Default)]
pub(crate) struct Patched {
    before: BTreeMap<PathBuf, String>,
    after: BTreeMap<PathBuf, String>,
}

impl Patched {
    /// Reads `mutants/NAME.patch` of a solution and applies it in memory: to all of its files, or to none.
    ///
    /// # Errors
    /// It is no patch, does not fit, or changes something that is not in `src/`.
    pub(crate) fn read(solution: &Path, mutant: &str) -> anyhow::Result<Self> {
        let shown = format!("mutants/{mutant}.patch");
        let text = fs::read_to_string(solution.join(&shown)).with_context(|| format!("reading {shown}"))?;
        let mut patched = Self::default();
        for part in parts(&text) {
            let patch = diffy::Patch::from_str(&part).with_context(|| format!("{shown} is no unified diff"))?;
            let path = patch.modified().map(|name| name.trim_start_matches("b/").to_owned());
            let path = PathBuf::from(path.with_context(|| format!("{shown} does not say which file it changes"))?);
            if !path.starts_with("src") || path.components().any(|part| part.as_os_str() == "..") {
                bail!("{shown} changes {}, and a mutant may only change src/", path.display());
            }
            let before =
                fs::read_to_string(solution.join(&path)).with_context(|| format!("{shown}: {}", path.display()))?;
            let after = diffy::apply(&before, &patch)
                .with_context(|| format!("{shown} does not fit {} any more: make it anew", path.display()))?;
            patched.before.insert(path.clone(), before);
            patched.after.insert(path, after);
        }
        if patched.after.is_empty() {
            bail!("{shown} changes nothing");
        }
        Ok(patched)
    }

    pub(crate) fn put(&self, solution: &Path) -> anyhow::Result<()> {
        write(solution, &self.after)
    }

    pub(crate) fn take_back(&self, solution: &Path) -> anyhow::Result<()> {
        write(solution, &self.before)
    }
}

fn write(solution: &Path, files: &BTreeMap<PathBuf, String>) -> anyhow::Result<()> {
    for (path, text) in files {
        fs::write(solution.join(path), text).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

/// A patch of several files as one for each: a part begins at its `---` line.
fn parts(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("--- ") && lines.peek().is_some_and(|next| next.starts_with("+++ ")) {
            parts.push(String::new());
        }
        if line.starts_with("diff ") || line.starts_with("index ") {
            continue;
        }
        if let Some(part) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    parts
}

/// Tries each mutant on the copy of the solution. A line for each that survives or cannot be tried.
///
/// # Errors
/// Cargo cannot be started, or the disk.
pub(super) async fn run(scratch: &Scratch, lab: &Lab, how: &How, tell: &dyn Fn(&str)) -> anyhow::Result<Vec<String>> {
    let count = lab.manifest.mutants.len();
    let build = async |(at, mutant): &(usize, &Mutant)| {
        tell(&format!("mutant {} of {count}: {}", at + 1, mutant.name));
        let patched = match Patched::read(&lab.solution(), &mutant.name) {
            Ok(patched) => patched,
            Err(error) => return Ok(Err(format!("{}: {error:#}", mutant.name))),
        };
        let program = mutant.killed_by.program.as_str();
        patched.put(&lab.solution())?;
        let built = tests_of::build(scratch, lab, Whose::Reference, Some(&[program])).await;
        patched.take_back(&lab.solution())?;
        Ok(built?.map_err(|error| format!("{} does not compile:\n{error}", mutant.name)))
    };
    let test = async |(_, mutant): (usize, &Mutant), built: Result<Ready, String>| match built {
        Ok(ready) => Ok(one(lab, how, mutant, &ready.binaries).await?.into_iter().collect()),
        Err(why) => Ok(vec![why]),
    };
    overlapped(lab.manifest.mutants.iter().enumerate(), at_once(how), build, test).await
}

async fn one(lab: &Lab, how: &How, mutant: &Mutant, binaries: &[Binary]) -> anyhow::Result<Option<String>> {
    let cases = runner::cases(&lab.manifest, binaries).await?;
    let killer: Vec<_> = cases.into_iter().filter(|case| case.name == mutant.killed_by).collect();
    if killer.is_empty() {
        return Ok(Some(format!("{}: there is no test {}", mutant.name, mutant.killed_by)));
    }
    let mut ran = runner::run(killer.clone(), how, |_| {}).await?;
    // Without an end twice: a build goes on beside, and once may be the machine's fault.
    if ran.iter().any(|ran| matches!(ran.outcome, Outcome::TooLong(_))) {
        ran = runner::run(killer, how, |_| {}).await?;
    }
    // A killer that did not run, or that wants what is not there, says nothing about the mutant.
    let says = |ran: &Ran| match &ran.outcome {
        Outcome::Failed | Outcome::TooLong(_) | Outcome::Died(_) => None,
        Outcome::Passed => Some(format!(
            "{} survives {}. The question that it stands for: {}",
            mutant.name,
            mutant.killed_by,
            mutant.question.trim()
        )),
        _ => Some(format!("{}: {}", mutant.name, told(ran))),
    };
    Ok(ran.iter().find_map(says))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn solution() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("src")).expect("made");
        fs::create_dir_all(folder.path().join("mutants")).expect("made");
        fs::write(folder.path().join("src/a.rs"), "one\ntwo\nthree\n").expect("written");
        fs::write(folder.path().join("src/b.rs"), "four\nfive\n").expect("written");
        folder
    }

    #[test]
    fn a_patch_of_two_files_is_applied_and_taken_back_to_the_byte() {
        let folder = solution();
        let patch = "diff -u a/src/a.rs b/src/a.rs\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n\
                     --- a/src/b.rs\n+++ b/src/b.rs\n@@ -1,2 +1,1 @@\n four\n-five\n";
        fs::write(folder.path().join("mutants/m.patch"), patch).expect("written");
        let patched = Patched::read(folder.path(), "m").expect("it fits");
        patched.put(folder.path()).expect("written");
        let read = |path: &str| fs::read_to_string(folder.path().join(path)).expect("there");
        assert_eq!(
            (read("src/a.rs").as_str(), read("src/b.rs").as_str()),
            ("one\n2\nthree\n", "four\n")
        );
        patched.take_back(folder.path()).expect("written");
        assert_eq!(
            (read("src/a.rs").as_str(), read("src/b.rs").as_str()),
            ("one\ntwo\nthree\n", "four\nfive\n")
        );
    }

    #[test]
    fn a_patch_that_fits_one_file_of_two_changes_none() {
        let folder = solution();
        let patch = "--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n\
                     --- a/src/b.rs\n+++ b/src/b.rs\n@@ -1,2 +1,1 @@\n other\n-five\n";
        fs::write(folder.path().join("mutants/m.patch"), patch).expect("written");
        let said = format!(
            "{:#}",
            Patched::read(folder.path(), "m").expect_err("the second does not fit")
        );
        assert!(said.contains("does not fit src/b.rs any more"), "{said}");
        assert_eq!(
            fs::read_to_string(folder.path().join("src/a.rs")).expect("there"),
            "one\ntwo\nthree\n"
        );
    }

    #[test]
    fn a_mutant_changes_the_source_and_nothing_else() {
        let folder = solution();
        let patch = "--- a/tests/a.rs\n+++ b/tests/a.rs\n@@ -1 +1 @@\n-a\n+b\n";
        fs::write(folder.path().join("mutants/m.patch"), patch).expect("written");
        let said = format!("{:#}", Patched::read(folder.path(), "m").expect_err("it is a test"));
        assert!(said.contains("a mutant may only change src/"), "{said}");
    }
}
