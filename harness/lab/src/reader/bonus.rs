//! The bonus: the reader's own test must be green on the reference and red on one mutant of it.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use crate::keep::progress::{Progress, today};
use crate::labs::check::{Patched, Scratch};
use crate::labs::runner::build::{self, Build};
use crate::labs::runner::{self, How, Outcome, Ran};
use crate::labs::skeleton::{MINE, sources};
use crate::labs::{Lab, Whose};

/// What the reader's tests are worth.
#[derive(Debug)]
pub(crate) enum Bonus {
    /// These tests kill the mutant.
    Won(Vec<String>),
    /// With what to do.
    Not(String),
}

/// Builds `tests/mine.rs` on the reference and on the mutant, in the checker's copy.
///
/// # Errors
/// The lab has no bonus; git or cargo cannot be started.
pub(crate) async fn hold(lab: &Lab, how: &How, tell: &dyn Fn(&str)) -> anyhow::Result<Bonus> {
    let short = lab.manifest.short();
    let Some(bonus) = &lab.manifest.bonus else {
        bail!("lab {short} has no bonus. Next: ./lab next");
    };
    let mine = lab.mine().join(MINE);
    let text = fs::read_to_string(&mine)
        .with_context(|| format!("{} cannot be read; ./lab start {short} brings it back", mine.display()))?;
    if !text.contains("#[test]") && !text.contains("#[tokio::test") {
        return Ok(Bonus::Not(format!(
            "labs/{}/{MINE} has no test yet. Next: write one, see \"Bonus\" in the lab's README.md",
            lab.manifest.folder()
        )));
    }
    tell("copying the checkout");
    let scratch = Scratch::make(&lab.root).await?;
    let copy = Lab::read(&scratch.root, &lab.manifest.folder())?;
    // The lab's crate with the reference's source: what the reader's test names must exist in both.
    for path in sources(&copy.solution())? {
        fs::copy(copy.solution().join(&path), copy.mine().join(&path))?;
    }
    fs::create_dir_all(copy.mine().join("tests"))?;
    copy_all(&lab.mine().join("tests"), &copy.mine().join("tests"))?;
    // With dependencies of the reader's own.
    fs::copy(lab.mine().join("Cargo.toml"), copy.mine().join("Cargo.toml"))?;
    tell("your tests on the reference");
    let right = match run(&scratch, &copy, how).await? {
        Ok(ran) => ran,
        Err(error) => {
            return Ok(Bonus::Not(format!(
                "your test does not compile with the reference's code:\n\n{error}\n\nNext: use only what is pub in the lab's src/lib.rs"
            )));
        }
    };
    if let Some(red) = right.iter().find(|ran| !ran.passed()) {
        return Ok(Bonus::Not(format!(
            "{} is red on the reference, so it asks for more than the lab does:\n\n{}\n\nNext: weaken it until the right code passes",
            red.name.test, red.words.text
        )));
    }
    if right.is_empty() {
        return Ok(Bonus::Not(format!(
            "no test of labs/{}/{MINE} runs. Next: is it #[test], and not in a comment?",
            lab.manifest.folder()
        )));
    }
    tell("your tests on the mistake");
    let patched = Patched::read(&copy.solution(), &bonus.mutant)?;
    patched.put(&copy.mine())?;
    let wrong = match run(&scratch, &copy, how).await? {
        Ok(ran) => ran,
        Err(error) => bail!("the mistake does not compile, which is the workbook's fault:\n{error}"),
    };
    let killers: Vec<String> = wrong
        .into_iter()
        .filter(|ran| matches!(ran.outcome, Outcome::Failed | Outcome::TooLong(_) | Outcome::Died(_)))
        .map(|ran| ran.name.test)
        .collect();
    if killers.is_empty() {
        let what = bonus.what.trim();
        return Ok(Bonus::Not(format!(
            "your tests pass on the mistake, too: they do not see it yet. {what}\n\nNext: think of a run in which the two differ, and assert that"
        )));
    }
    Progress::change(&lab.root, &lab.manifest.folder(), |progress| {
        progress.bonus = Some(today())
    })?;
    Ok(Bonus::Won(killers))
}

async fn run(scratch: &Scratch, lab: &Lab, how: &How) -> anyhow::Result<Result<Vec<Ran>, String>> {
    let mut cargo = scratch.cargo("test");
    build::ask(&mut cargo, &scratch.root, &lab.package(Whose::Yours), ["mine"]);
    match build::build(cargo, &lab.mine()).await? {
        Build::Broken(broken) => Ok(Err(broken.first)),
        Build::Ready { binaries, .. } => {
            let cases = runner::cases(&lab.manifest, &binaries).await?;
            Ok(Ok(runner::run(cases, how, |_| {}).await?))
        }
    }
}

fn copy_all(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type()?.is_dir() {
            true => copy_all(&from, &to)?,
            false => fs::copy(&from, &to)
                .map(drop)
                .with_context(|| format!("copying {}", from.display()))?,
        }
    }
    Ok(())
}
