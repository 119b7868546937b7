//! What must hold before an update changes anything.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::keep::files::{self, State};
use crate::keep::git::{Git, paths};
use crate::keep::{KeepError, shipped};

/// How long the remote may take.
const NETWORK: Duration = Duration::from_secs(120);

/// How many paths a refusal lists.
const LISTED: usize = 10;

fn refused<T>(sentence: String) -> Result<T, KeepError> {
    Err(KeepError::Refused(sentence))
}

/// The branch's remote, and nothing under way in the checkout that an update would run into.
pub(super) fn remote(git: &Git<'_>) -> Result<String, KeepError> {
    let branch = git.call(&["symbolic-ref", "--quiet", "--short", "HEAD"])?;
    under_way(git)?;
    if !branch.ok() {
        return refused(
            "this checkout is on no branch, so there is nothing to bring up to date; run: git switch main".into(),
        );
    }
    let branch = branch.line();
    let asked = |key: &str| git.call(&["config", &format!("branch.{branch}.{key}")]);
    let (remote, merge) = (asked("remote")?, asked("merge")?);
    if remote.ok() && merge.ok() {
        return Ok(remote.line());
    }
    let remotes = git.ask(&["remote"])?.line();
    if remotes.is_empty() {
        return refused(format!(
            "this checkout has no remote to bring a newer workbook from; run: git remote add origin URL && git fetch \
             origin && git branch --set-upstream-to=origin/{branch}"
        ));
    }
    refused(format!(
        "the branch {branch} follows no branch of a remote; run: git fetch {remotes} && git branch \
         --set-upstream-to={remotes}/{branch}"
    ))
}

fn under_way(git: &Git<'_>) -> Result<(), KeepError> {
    for (file, what) in [
        ("MERGE_HEAD", "merge"),
        ("rebase-merge", "rebase"),
        ("rebase-apply", "rebase"),
        ("CHERRY_PICK_HEAD", "cherry-pick"),
        ("REVERT_HEAD", "revert"),
    ] {
        let path = git.ask(&["rev-parse", "--git-path", file])?.line();
        if files::is_there(&git.root().join(path)) {
            return refused(format!(
                "a {what} is under way in this checkout; end it (git {what} --continue) or give it up (git {what} --abort), \
                 then run ./lab update again"
            ));
        }
    }
    Ok(())
}

/// Asks the remote for what is new. Nothing in the checkout's folders changes.
pub(super) fn fetch(git: &Git<'_>, remote: &str) -> Result<(), KeepError> {
    let args = ["fetch", "--quiet", "--no-recurse-submodules", remote];
    let said = git.call_within(&args, &[], NETWORK)?;
    if said.ok() {
        return Ok(());
    }
    let why = said
        .stderr
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    refused(format!(
        "the remote {remote} could not be asked ({}), and nothing was changed; to see why: git fetch {remote}",
        why.trim()
    ))
}

/// The commit that the remote has, if it is newer than HEAD.
pub(super) fn newer(git: &Git<'_>, head: &str) -> Result<Option<String>, KeepError> {
    let Some(new) = git.commit("@{upstream}")? else {
        return refused(
            "the branch that this one follows is gone from the remote; git branch --remotes shows what there is, and git branch \
             --set-upstream-to=REMOTE/BRANCH chooses another"
                .into(),
        );
    };
    // Equal, or only the reader's own commits on top.
    if git.is_ancestor(&new, head)? {
        return Ok(None);
    }
    if git.is_ancestor(head, &new)? {
        return Ok(Some(new));
    }
    let both = git
        .ask(&["rev-list", "--left-right", "--count", &format!("{head}...{new}")])?
        .line();
    let (own, theirs) = both.split_once('\t').unwrap_or(("some", "some"));
    refused(format!(
        "this branch has commits of yours ({own}) that the workbook's does not have, and lacks commits of the workbook's \
         ({theirs}); nothing was changed. To put yours on top of the workbook's is yours to decide: commit what is open, \
         then git pull --rebase; git rebase --abort takes that back"
    ))
}

/// Refuses if something outside the labs would be in the way of the new commit, or would be lost.
pub(super) fn outside(git: &Git<'_>, old: &str, new: &str) -> Result<(), KeepError> {
    let said = git.ask(&[
        "status",
        "--porcelain",
        "-z",
        "--untracked-files=no",
        "--no-renames",
        "--ignore-submodules",
    ])?;
    let open = said.stdout.split(|byte| *byte == 0).filter_map(|entry| entry.get(3..));
    let mut open: BTreeSet<PathBuf> = open.flat_map(paths).filter(|path| !is_of_lab(path)).collect();
    // git overlooks changes that it was told to overlook, and writes over them.
    let coming = coming(git, old, new)?;
    let came_from: Vec<_> = coming.iter().map(PathBuf::as_path).collect();
    let before = git.states(old, &came_from)?;
    for path in &coming {
        let was = before.get(path);
        let is = State::at(git.root(), path)?;
        match was {
            Some(was) if is.is_there() && !is_as(git, path, &is, was)? => drop(open.insert(path.clone())),
            None if files::is_there(&git.root().join(path)) || files::has_foreign_parent(git.root(), path) => {
                return refused(format!(
                    "the newer workbook brings {}, where you have something of your own; move it away, then run ./lab \
                     update again",
                    path.display()
                ));
            }
            _ => {}
        }
    }
    if open.is_empty() {
        return Ok(());
    }
    let mut listed: Vec<_> = open
        .iter()
        .take(LISTED)
        .map(|path| path.display().to_string())
        .collect();
    if open.len() > LISTED {
        listed.push(format!("and {} more", open.len() - LISTED));
    }
    refused(format!(
        "there are changes of yours outside labs, which an update does not touch: {}; set them aside with git stash, run \
         ./lab update again, then git stash pop",
        listed.join(", ")
    ))
}

/// Whether a file is what the commit has, as git sees it: a filter of the reader's may write it otherwise.
fn is_as(git: &Git<'_>, path: &Path, is: &State, was: &State) -> Result<bool, KeepError> {
    if is == was {
        return Ok(true);
    }
    let Some(name) = path.to_str() else { return Ok(false) };
    let flagged = git.ask(&["--literal-pathspecs", "ls-files", "-v", "-z", "--", name])?;
    let overlooked = flagged
        .stdout
        .first()
        .is_some_and(|flag| flag.is_ascii_lowercase() || *flag == b'S');
    // Otherwise `git status` has looked at it.
    Ok(!overlooked)
}

/// What differs between the two commits outside the labs.
pub(super) fn coming(git: &Git<'_>, old: &str, new: &str) -> Result<Vec<PathBuf>, KeepError> {
    let changed = git.changed(old, new, &[])?.into_iter();
    Ok(changed.filter(|path| !is_of_lab(path)).collect())
}

/// Whether the path is in a lab's folder; a file directly in `labs` is not.
pub(super) fn is_of_lab(path: &Path) -> bool {
    path.starts_with("labs") && path.components().count() > 2
}

/// Refuses while a conflict of an earlier update is open in a file that the new commit changes too.
pub(super) fn settled(git: &Git<'_>, old: &str, new: &str) -> Result<(), KeepError> {
    let mut open = Vec::new();
    for path in git.changed(old, new, &["labs"])? {
        if let State::File { bytes, .. } = State::at(git.root(), &path)? {
            open.extend(super::merge::markers(&path, &bytes));
        }
    }
    if open.is_empty() {
        return Ok(());
    }
    refused(format!(
        "conflicts of the last update are still open: {}; settle them (keep what is right, remove the lines with <<<<<<<, \
         |||||||, ======= and >>>>>>>), then run ./lab update again",
        open.join(", ")
    ))
}

/// The labs of both commits that differ from the old one, on the disk or in the reader's index.
pub(super) fn edited(git: &Git<'_>, old: &str, new: &str) -> Result<Vec<String>, KeepError> {
    let mut folders: BTreeSet<String> = git.labs(old)?.into_iter().collect();
    folders.extend(git.labs(new)?);
    let staged = git.ask(&[
        "diff-index",
        "--cached",
        "-z",
        "--name-only",
        "--no-renames",
        old,
        "--",
        "labs",
    ])?;
    let staged = paths(&staged.stdout);
    let mut edited = Vec::new();
    for folder in folders {
        let lab = shipped::lab(&folder);
        crate::keep::backup::refuse_link(&git.root().join(&lab))?;
        let was = shipped::files(git, old, &folder)?;
        let found = shipped::on_disk(git.root(), &folder)?;
        let mut differs =
            found.iter().any(|path| !was.contains_key(path)) || staged.iter().any(|path| path.starts_with(&lab));
        for (path, was) in &was {
            differs = differs || State::at(git.root(), path)? != *was;
        }
        if differs {
            edited.push(folder);
        }
    }
    Ok(edited)
}
