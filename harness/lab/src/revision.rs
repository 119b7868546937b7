//! The checkout's revision, as figures and pages name it.

use std::path::Path;
use std::process::Command;

/// The short hash, `with changes` behind it where files differ from it; `unknown` without git.
pub(crate) fn of(root: &Path) -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root).args(args).output().ok()?;
        let words = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| words.trim().to_owned())
    };
    let Some(revision) = git(&["rev-parse", "--short", "HEAD"]) else {
        return "unknown".into();
    };
    match git(&["status", "--porcelain"]) {
        Some(changes) if changes.is_empty() => revision,
        _ => format!("{revision} with changes"),
    }
}
