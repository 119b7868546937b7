//! The steps of an update. Each does nothing where it was done already.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::merge::{How, Versions};
use super::plan::{Edited, Plan};
use super::{NONE, Run, checks, is_beginning, merge};
use crate::keep::files::{self, Staged, State};
use crate::keep::git::paths;
use crate::keep::{KeepError, Progress, backup, shipped};

/// A git that was killed while it moved the branch has left some files of the new commit: back to the old ones.
pub(super) fn clear(run: &mut Run<'_>, _told: &mut dyn FnMut(&Path)) -> Result<(), KeepError> {
    if !run.resumed || !run.is_before()? {
        return Ok(());
    }
    let mut coming = Vec::new();
    if run.plan.moving {
        coming = run.git.changed(&run.plan.old, &run.plan.new, &[])?;
    }
    // What was edited is put back from where it was backed up.
    let is_saved = |path: &Path| {
        run.plan
            .labs
            .iter()
            .any(|lab| path.starts_with(shipped::lab(&lab.folder)))
    };
    let coming: Vec<_> = coming
        .iter()
        .map(PathBuf::as_path)
        .filter(|path| !is_saved(path))
        .collect();
    let old = run.git.states(&run.plan.old, &coming)?;
    let new = run.git.states(&run.plan.new, &coming)?;
    let mut staged = Staged::new(run.root)?;
    for path in coming {
        let (is, was) = (State::at(run.root, path)?, old.get(path).unwrap_or(&NONE));
        let is_half = !is.is_there() || new.get(path).is_some_and(|new| is_beginning(&is, new) || is == *new);
        if is != *was && is_half {
            staged.put(path, was)?;
        }
    }
    staged.apply()?;
    checks::outside(&run.git, &run.plan.old, &run.plan.new)
}

/// Backs up every edited lab.
pub(super) fn save(run: &mut Run<'_>, told: &mut dyn FnMut(&Path)) -> Result<(), KeepError> {
    if !run.is_before()? {
        return Ok(());
    }
    for folder in checks::edited(&run.git, &run.plan.old, &run.plan.new)? {
        if run.plan.labs.iter().any(|lab| lab.folder == folder) {
            continue;
        }
        let backup = backup::make(&run.lock, run.root, &folder)?.unwrap_or_default();
        save_staged(run, &folder, &backup)?;
        if !backup.as_os_str().is_empty() {
            told(&backup);
        }
        run.plan.labs.push(Edited {
            folder,
            backup,
            ..Edited::default()
        });
        run.plan.save(run.root)?;
    }
    Ok(())
}

/// What the reader has staged and then changed again stands in git's index only, which the update empties.
fn save_staged(run: &Run<'_>, folder: &str, backup: &Path) -> Result<(), KeepError> {
    let lab = shipped::lab(folder);
    let Some(name) = lab.to_str() else { return Ok(()) };
    let args = [
        "--literal-pathspecs",
        "diff-index",
        "--cached",
        "-z",
        "--no-renames",
        "--diff-filter=AM",
    ];
    let said = run
        .git
        .ask(&[&args, [run.plan.old.as_str(), "--", name].as_slice()].concat())?;
    // `:MODE MODE OBJECT OBJECT STATUS\0PATH\0`
    let mut words = said.stdout.split(|byte| *byte == 0);
    while let (Some(about), Some(path)) = (words.next(), words.next()) {
        let object = String::from_utf8_lossy(about);
        let Some(object) = object
            .split(' ')
            .nth(3)
            .filter(|object| object.bytes().any(|byte| byte != b'0'))
        else {
            continue;
        };
        let bytes = run.git.objects(&[object])?.pop().unwrap_or_default();
        for path in paths(path) {
            let is = State::at(run.root, &path)?;
            if !matches!(&is, State::File { bytes: now, .. } if *now == bytes) && !bytes.is_empty() {
                let mut place = backup.as_os_str().to_owned();
                if place.is_empty() {
                    place = format!(".lab/backups/{folder}").into();
                }
                place.push("-staged");
                let below = path.strip_prefix(&lab).unwrap_or(&path);
                files::replace(&run.root.join(place).join(below), &bytes)?;
            }
        }
    }
    Ok(())
}

/// Puts the edited labs back to the old commit's files, in the index too.
pub(super) fn restore(run: &mut Run<'_>, told: &mut dyn FnMut(&Path)) -> Result<(), KeepError> {
    if !run.is_before()? {
        return Ok(());
    }
    for at in 0..run.plan.labs.len() {
        let lab = run.plan.labs[at].clone();
        let [yours, old, new] = run.versions(&lab, &run.plan.new)?;
        if let Some(again) = run.save_again(at, &[&yours, &old, &new])? {
            told(&again);
        }
        let mut staged = Staged::new(run.root)?;
        for (path, state) in &old {
            staged.put(path, state)?;
        }
        // The reader's own files stay where nothing comes in their place.
        for path in yours.keys().chain(new.keys()).filter(|path| !old.contains_key(*path)) {
            if new.keys().any(|new| new.starts_with(path) || path.starts_with(new)) {
                staged.put(path, &NONE)?;
            }
        }
        staged.apply()?;
        let name = shipped::lab(&lab.folder).display().to_string();
        run.git.change(
            &run.lock,
            &["--literal-pathspecs", "reset", "--quiet", &run.plan.old, "--", &name],
        )?;
    }
    Ok(())
}

/// Moves the branch to the new commit. If git will not, the labs are put back as they were.
pub(super) fn forward(run: &mut Run<'_>, _told: &mut dyn FnMut(&Path)) -> Result<(), KeepError> {
    if !run.is_before()? {
        return Ok(());
    }
    run.plan.moving = true;
    run.plan.save(run.root)?;
    let args = ["merge", "--ff-only", "--quiet", "--no-overwrite-ignore", &run.plan.new];
    let why = match run.git.change(&run.lock, &args) {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    let old = run.plan.old.clone();
    for at in 0..run.plan.labs.len() {
        merge_lab(run, at, &old)?;
    }
    Plan::remove(run.root)?;
    Err(KeepError::Refused(format!(
        "{why}. Nothing was brought, and your labs are as they were"
    )))
}

/// Puts the reader's work back into the edited labs, merged with the new commit's.
pub(super) fn put_back(run: &mut Run<'_>, told: &mut dyn FnMut(&Path)) -> Result<(), KeepError> {
    let new = run.git.commit("HEAD")?.unwrap_or_default();
    for at in 0..run.plan.labs.len() {
        if run.plan.labs[at].done {
            continue;
        }
        if let Some(again) = merge_lab(run, at, &new)? {
            told(&again);
        }
        run.plan.labs[at].done = true;
        run.plan.save(run.root)?;
    }
    Ok(())
}

fn merge_lab(run: &mut Run<'_>, at: usize, new: &str) -> Result<Option<PathBuf>, KeepError> {
    let mut lab = run.plan.labs[at].clone();
    let [yours, old, new] = run.versions(&lab, new)?;
    let mine = shipped::lab(&lab.folder).join("tests/mine.rs");
    let of = |states: &BTreeMap<PathBuf, State>, path: &PathBuf| states.get(path).cloned().unwrap_or(NONE);
    (lab.merged, lab.conflicts, lab.notes) = (0, Vec::new(), Vec::new());
    let mut ends = BTreeMap::new();
    let paths: BTreeSet<_> = yours.keys().chain(old.keys()).chain(new.keys()).collect();
    let is_gone = yours.is_empty();
    for path in paths {
        let (yours, old, new) = (of(&yours, path), of(&old, path), of(&new, path));
        let versions = Versions {
            yours: if is_gone { &old } else { &yours },
            old: &old,
            new: &new,
        };
        let merged = versions.merge(&run.git, *path == mine)?;
        let shown = path.display();
        match merged.how {
            How::Plain => {}
            How::Both => lab.merged += 1,
            How::Conflict => {
                if let State::File { bytes, .. } = &merged.state {
                    lab.conflicts.extend(merge::markers(path, bytes));
                }
            }
            How::Removed => lab
                .notes
                .push(format!("{shown} is yours alone now: the workbook has removed it")),
            How::Back => lab.notes.push(format!(
                "{shown} is back: you had removed it, and the workbook changed it"
            )),
            How::Beside(why) => {
                if let Some(state) = merged.beside {
                    let beside = merge::beside(run.root, path, &state)?;
                    let name = beside.display();
                    lab.notes.push(format!(
                        "{shown} is as you had it; the workbook's is {name}, because {why}"
                    ));
                    ends.insert(beside, state);
                }
            }
        }
        ends.insert(path.clone(), merged.state);
    }
    if is_gone && !ends.is_empty() {
        lab.notes.push("its folder was gone and is back".into());
    }
    let again = run.save_again(at, &[&yours, &old, &new, &ends])?;
    lab.later.clone_from(&run.plan.labs[at].later);
    let mut staged = Staged::new(run.root)?;
    for (path, state) in &ends {
        staged.put(path, state)?;
    }
    staged.apply()?;
    run.plan.labs[at] = lab;
    Ok(again)
}

/// Forgets what passed in labs whose tests are others now.
pub(super) fn forget(run: &mut Run<'_>, _told: &mut dyn FnMut(&Path)) -> Result<(), KeepError> {
    let mut folders = BTreeSet::new();
    for path in run.git.changed(&run.plan.old, &run.plan.new, &["solutions"])? {
        let mut parts = path.iter().skip(1);
        let folder = parts.next().and_then(|name| name.to_str());
        if let (Some(folder), true) = (
            folder,
            parts.next().is_some_and(|part| part == "tests" || part == "lab.toml"),
        ) {
            folders.insert(folder.to_owned());
        }
    }
    for folder in folders {
        match Progress::change_under(&run.lock, run.root, &folder, Progress::forget_passed) {
            Ok(progress) if progress.is_empty() => {}
            Ok(_) => run.tests_changed.push(folder),
            Err(error) => run.notes.push(error.to_string()),
        }
    }
    Ok(())
}
