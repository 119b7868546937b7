//! The checkout's revision, as figures and pages name it.

use std::path::Path;
use std::process::Command;

/// The short hash, `with changes` behind it where files differ from it; `unknown` without git.
pub(crate) fn of(root: &Path) -> String {
    let Some(revision) = git(root, &["rev-parse", "--short", "HEAD"]) else {
        return "unknown".into();
    };
    // What a measurement itself writes is no change of what it measures.
    match git(root, &["status", "--porcelain", "--", ".", ":(exclude)book/reference"]) {
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_record_that_is_being_written_is_no_change_and_anything_else_is() {
        let root = tempfile::tempdir().unwrap();
        let git = |args: &[&str]| {
            let me = ["-c", "user.name=me", "-c", "user.email=me@localhost"];
            git(root.path(), &[&me, args].concat()).unwrap_or_else(|| panic!("git {args:?}"))
        };
        git(&["init", "-q"]);
        git(&["commit", "-q", "--allow-empty", "-m", "first"]);
        let clean = of(root.path());
        assert!(!clean.contains("changes") && clean != "unknown", "{clean}");
        fs::create_dir_all(root.path().join("book/reference")).unwrap();
        fs::write(root.path().join("book/reference/05-acks.jsonl"), "{}").unwrap();
        assert_eq!(of(root.path()), clean);
        fs::write(root.path().join("book/claims.toml"), "").unwrap();
        assert_eq!(of(root.path()), format!("{clean} with changes"));
    }
}
