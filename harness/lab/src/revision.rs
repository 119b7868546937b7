//! The checkout's revision, as figures and pages name it.

use std::path::Path;
use std::process::Command;

/// The short hash, `with changes` behind it where files differ from it; `unknown` without git.
pub(crate) fn of(root: &Path) -> String {
    let Some(revision) = git(root, &["rev-parse", "--short", "HEAD"]) else {
        return "unknown".into();
    };
    match git(root, &["status", "--porcelain"]) {
        Some(changes) if changes.is_empty() => revision,
        _ => format!("{revision} with changes"),
    }
}

/// Whether labs/ holds what the revision does not; `None` without git, or without a revision.
pub(crate) fn labs_changed(root: &Path) -> Option<bool> {
    git(root, &["rev-parse", "--short", "HEAD"])?;
    git(root, &["status", "--porcelain", "--", "labs"]).map(|changes| !changes.is_empty())
}

/// What git calls whoever commits here.
pub(crate) fn user(root: &Path) -> Option<String> {
    git(root, &["config", "user.name"]).filter(|name| !name.is_empty())
}

fn git(root: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(root).args(args).output().ok()?;
    let words = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| words.trim().to_owned())
}
