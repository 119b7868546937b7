//! Brings a newer workbook without losing work. What was begun is written down, so that every step can be done again after
//! an interruption at any point.
//!
//! `git pull` refuses where the reader has edited what the workbook changed, which is what a workbook is for. So the labs
//! are backed up and put back to the old commit's files, the branch moves forward, and each edited file is merged anew.

mod checks;
mod merge;
pub(crate) mod plan;
mod steps;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::files::{self, State};
use super::git::Git;
use super::{KeepError, Lock, backup, shipped};
use plan::Plan;
use steps::{clear, forget, forward, put_back, restore, save};

pub use plan::Edited;

/// What an update did.
#[derive(Debug, Default)]
pub struct Updated {
    /// Whether an earlier one was ended that had been interrupted.
    pub resumed: bool,
    /// The commits brought, newest first, each as git shows it in a line. None: there was nothing newer.
    pub commits: Vec<String>,
    /// The labs that the reader had edited.
    pub labs: Vec<Edited>,
    /// Begun labs whose tests changed: what had passed is to pass again.
    pub tests_changed: Vec<String>,
    /// Labs whose progress could not be told of that, and why.
    pub notes: Vec<String>,
}

/// Brings the newer workbook that the branch's remote has, or ends an update that was interrupted. `told` is called with each
/// backup's place before the files that it holds are touched.
///
/// # Errors
/// The checkout is in no state for it (then nothing is changed), or a step fails: either the labs are as they were, or the
/// next update goes on where this one stopped. Each says which.
pub fn update(root: &Path, told: &mut dyn FnMut(&Path)) -> Result<Updated, KeepError> {
    let mut run = match begin(root)? {
        Some(run) => run,
        None => return Ok(Updated::default()),
    };
    for step in STEPS {
        step(&mut run, told).map_err(|error| half_way(root, error))?;
    }
    let report = run.report()?;
    Plan::remove(root)?;
    Ok(report)
}

/// Whether an update is half-way: then labs may stand as the workbook ships them, with the reader's work in a backup.
pub fn is_half_way(root: &Path) -> bool {
    Plan::path(root).exists()
}

/// Says with the error where the reader's work is, unless all is as it was.
fn half_way(root: &Path, error: KeepError) -> KeepError {
    if !is_half_way(root) {
        return error;
    }
    KeepError::Refused(format!(
        "{error}. The update is half-way: what you wrote is in .lab/backups, and ./lab update goes on where it stopped"
    ))
}

/// An update under way.
#[derive(Debug)]
struct Run<'a> {
    git: Git<'a>,
    root: &'a Path,
    lock: Lock,
    plan: Plan,
    resumed: bool,
    tests_changed: Vec<String>,
    notes: Vec<String>,
}

type Step = fn(&mut Run<'_>, &mut dyn FnMut(&Path)) -> Result<(), KeepError>;

/// In this order. Each does nothing where it was done already, so that all can be done again.
const STEPS: [Step; 6] = [clear, save, restore, forward, put_back, forget];

/// Finds out what there is to do, and writes it down.
fn begin(root: &Path) -> Result<Option<Run<'_>>, KeepError> {
    let git = Git::open(root)?;
    let Some(head) = git.commit("HEAD")? else {
        return Err(KeepError::Refused(
            "this checkout has no commit yet; clone the workbook with git".into(),
        ));
    };
    // Before the lock is taken: others need not wait for a slow network.
    if !is_half_way(root) {
        let remote = checks::remote(&git)?;
        checks::fetch(&git, &remote)?;
        if checks::newer(&git, &head)?.is_none() {
            return Ok(None);
        }
    }
    let lock = Lock::take(root)?;
    let begun = Plan::load(root)?;
    let resumed = begun.is_some();
    let plan = match begun {
        Some(plan) => plan,
        None => {
            // Once more: another ./lab may have moved the branch before this one had the lock.
            let head = git.commit("HEAD")?.unwrap_or_default();
            let Some(new) = checks::newer(&git, &head)? else {
                return Ok(None);
            };
            checks::outside(&git, &head, &new)?;
            checks::settled(&git, &head, &new)?;
            // Finds links in the place of labs, too, before anything is written.
            checks::edited(&git, &head, &new)?;
            let plan = Plan {
                old: head,
                new,
                ..Plan::default()
            };
            plan.save(root)?;
            plan
        }
    };
    Ok(Some(Run {
        git,
        root,
        lock,
        plan,
        resumed,
        tests_changed: Vec::new(),
        notes: Vec::new(),
    }))
}

impl Run<'_> {
    /// Whether the branch has still to move; refuses if it has moved elsewhere since the update began.
    fn is_before(&self) -> Result<bool, KeepError> {
        let head = self.git.commit("HEAD")?.unwrap_or_default();
        if head == self.plan.old {
            return Ok(true);
        }
        if self.git.is_ancestor(&self.plan.new, &head)? {
            return Ok(false);
        }
        let backups: Vec<_> = self
            .plan
            .labs
            .iter()
            .map(|lab| lab.backup.display().to_string())
            .collect();
        Err(KeepError::Refused(format!(
            "an update was interrupted, and the branch has moved elsewhere since: go back with git switch, or copy your files \
             back to labs ({}), remove {} and begin anew",
            if backups.is_empty() {
                "none were moved".into()
            } else {
                backups.join(", ")
            },
            Plan::path(Path::new("")).display()
        )))
    }

    fn report(&self) -> Result<Updated, KeepError> {
        let range = format!("{}..{}", self.plan.old, self.plan.new);
        let log = self
            .git
            .ask(&["log", "--no-decorate", "--no-show-signature", "--format=%h %s", &range])?;
        let log = String::from_utf8_lossy(&log.stdout);
        Ok(Updated {
            resumed: self.resumed,
            commits: log.lines().map(str::to_owned).collect(),
            labs: self.plan.labs.clone(),
            tests_changed: self.tests_changed.clone(),
            notes: self.notes.clone(),
        })
    }

    /// Backs up a lab once more if somebody has written there what no backup and no commit has.
    fn save_again(&mut self, at: usize, known: &[&BTreeMap<PathBuf, State>]) -> Result<Option<PathBuf>, KeepError> {
        let folder = self.plan.labs[at].folder.clone();
        let paths: BTreeSet<_> = known.iter().flat_map(|states| states.keys()).collect();
        for path in paths {
            let is = State::at(self.root, path)?;
            let is_known = |state: Option<&State>| state.is_some_and(|state| is == *state || is_beginning(&is, state));
            if is.is_there() && !known.iter().any(|states| is_known(states.get(path))) {
                let again = backup::make(&self.lock, self.root, &folder)?;
                self.plan.labs[at].later.extend(again.clone());
                self.plan.save(self.root)?;
                return Ok(again);
            }
        }
        Ok(None)
    }

    /// The three versions of a lab's files: the reader's, from the backup, and those of two commits.
    fn versions(&self, lab: &Edited, new: &str) -> Result<[BTreeMap<PathBuf, State>; 3], KeepError> {
        let old = shipped::files(&self.git, &self.plan.old, &lab.folder)?;
        let new = shipped::files(&self.git, new, &lab.folder)?;
        let folder = shipped::lab(&lab.folder);
        let mut yours = BTreeMap::new();
        if lab.backup.as_os_str().is_empty() {
            // There was no folder.
            return Ok([yours, old, new]);
        }
        for (path, about) in files::walk(&self.root.join(&lab.backup))? {
            if !about.is_dir() {
                yours.insert(folder.join(&path), State::at(self.root, &lab.backup.join(&path))?);
            }
        }
        Ok([yours, old, new])
    }
}

/// Whether a file is the beginning of what git was writing when it was killed.
fn is_beginning(is: &State, of: &State) -> bool {
    matches!((is, of), (State::File { bytes: is, .. }, State::File { bytes: of, .. }) if of.starts_with(is))
}

const NONE: State = State::Absent;

#[cfg(test)]
mod tests;
