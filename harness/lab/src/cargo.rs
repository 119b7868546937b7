//! Calls of cargo, what it says of what it builds, and of what it cannot.
//!
//! This program links no part of the pipeline: a part that does not compile must not keep the front door shut.

mod build;

use std::path::{Path, PathBuf};

use serde::Deserialize;

pub(crate) use build::{Program, pipeline};

/// The package of the pipeline and the name of its program.
pub(crate) const PIPELINE: (&str, &str) = ("solution-14-pipeline", "pipeline");

/// Its folder in the checkout.
pub(crate) const PIPELINE_FOLDER: &str = "solutions/14-pipeline";

/// The checkout: as `./lab` says, else where this program was built from.
pub(crate) fn root() -> PathBuf {
    let built_from = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let root = std::env::var_os("TICKBOOK_ROOT").map_or_else(built_from, PathBuf::from);
    // Cargo tells of places without detours, and these are compared with them.
    root.canonicalize().unwrap_or(root)
}

/// Cargo, on the checkout's manifest, asked for what the lockfile says and nothing newer.
pub(crate) fn cargo(command: &str) -> std::process::Command {
    let mut cargo = cargo_at(&root(), command);
    cargo.arg("--locked");
    // Benches have a profile of their own, which is the release profile; `cargo bench` takes no --release.
    if command != "bench" {
        cargo.arg("--release");
    }
    cargo
}

/// Cargo, on the manifest of a checkout or of a copy of one.
pub(crate) fn cargo_at(root: &Path, command: &str) -> std::process::Command {
    let mut cargo = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What a cargo that runs this program (as `cargo test` does) says of the package it runs. Build scripts of dependencies
    // watch these variables: passed on, they would have all that stands on `ring` compiled again, back and forth.
    let told = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(told)) {
        cargo.env_remove(name);
    }
    cargo.args([command, "--manifest-path"]).arg(root.join("Cargo.toml"));
    cargo
}

/// Where cargo builds for a checkout.
pub(crate) fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |target| root.join(target))
}

/// Has a part built together with this package, if the checkout has it: cargo chooses the features of dependencies for what is
/// built together, and alone a part would get its own tokio, and all that stands on it, compiled once more.
pub(crate) fn with_ours(root: &Path, cargo: &mut std::process::Command) {
    if root.join("harness/lab/Cargo.toml").is_file() {
        cargo.args(["--package", "lab"]);
    }
}

/// What cargo says of something that it has built: `--message-format json`, or `json-render-diagnostics`.
#[derive(Deserialize)]
pub(crate) struct Artifact {
    pub(crate) manifest_path: PathBuf,
    pub(crate) target: Target,
    pub(crate) profile: Profile,
    pub(crate) executable: Option<PathBuf>,
}

#[derive(Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) src_path: PathBuf,
}

#[derive(Deserialize)]
pub(crate) struct Profile {
    pub(crate) test: bool,
}

impl Artifact {
    /// The one that a line tells of; other lines tell of other things.
    pub(crate) fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

/// An error of the compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CompileError {
    /// Where, as `labs/05-acks/src/link.rs:12:5`; absent for what has no place in a source, as from the linker.
    pub(crate) place: Option<String>,
    /// As the compiler shows it.
    pub(crate) rendered: String,
}

/// The first error in what cargo says with `--message-format json`, a message a line: the others mostly follow from it.
pub(crate) fn first_error<'a>(messages: impl IntoIterator<Item = &'a str>) -> Option<CompileError> {
    #[derive(Deserialize)]
    struct Line {
        message: Message,
    }
    #[derive(Deserialize)]
    struct Message {
        level: String,
        spans: Vec<Span>,
        rendered: Option<String>,
    }
    #[derive(Deserialize)]
    struct Span {
        file_name: String,
        line_start: usize,
        column_start: usize,
        is_primary: bool,
    }
    let errors = messages
        .into_iter()
        .filter_map(|line| serde_json::from_str::<Line>(line).ok())
        .filter(|line| line.message.level.starts_with("error"));
    let mut rendered = errors.filter_map(|Line { message }| {
        let place = message.spans.iter().find(|span| span.is_primary);
        Some(CompileError {
            place: place.map(|at| format!("{}:{}:{}", at.file_name, at.line_start, at.column_start)),
            rendered: message.rendered?.trim_end().to_owned(),
        })
    });
    rendered.next()
}

/// What cures cargo's refusal, in a sentence, where its `words` on standard error say that a manifest asks for more than the
/// lock file has; `None` for other words.
pub(crate) fn lock_is_behind(words: &str) -> Option<&'static str> {
    let refused = |line: &str| line.contains("lock file") && line.contains("--locked was passed");
    words.lines().any(refused).then_some(
        "a Cargo.toml asks for a dependency that Cargo.lock does not have yet; run `cargo update --workspace`, then this again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(level: &str, file: &str, rendered: &str) -> String {
        let span = |primary: bool, line: usize| serde_json::json!({"file_name": file, "line_start": line, "column_start": 5, "is_primary": primary});
        let spans = if file.is_empty() {
            vec![]
        } else {
            vec![span(false, 3), span(true, 12)]
        };
        let message = serde_json::json!({"level": level, "spans": spans, "rendered": rendered});
        serde_json::json!({"reason": "compiler-message", "message": message}).to_string()
    }

    #[test]
    fn of_all_errors_the_first_is_shown_with_its_place() {
        let file = "labs/05-acks/src/link.rs";
        let messages = [
            r#"{"reason":"compiler-artifact","target":{"name":"market"}}"#.to_owned(),
            message("warning", file, "warning: unused"),
            message("error", file, "error[E0308]: mismatched types\n"),
            message("error", file, "error[E0425]: cannot find value"),
            message("failure-note", "", "For more information about this error"),
        ];
        let first = first_error(messages.iter().map(String::as_str));
        assert_eq!(
            first,
            Some(CompileError {
                place: Some("labs/05-acks/src/link.rs:12:5".into()),
                rendered: "error[E0308]: mismatched types".into()
            })
        );
        assert_eq!(first_error([messages[1].as_str(), "not JSON"]), None);
        let linker = message("error", "", "error: linking with `cc` failed");
        assert_eq!(first_error([linker.as_str()]).map(|error| error.place), Some(None));
    }

    #[test]
    fn a_lock_file_that_is_behind_is_told_from_other_refusals() {
        for words in [
            "error: the lock file /x/Cargo.lock needs to be updated but --locked was passed to prevent this",
            "warning: x\nerror: cannot update the lock file /x/Cargo.lock because --locked was passed to prevent this\nhelp: y",
        ] {
            let cure = lock_is_behind(words).expect("cargo's refusal is known");
            assert!(cure.contains("cargo update --workspace"), "{cure}");
        }
        assert_eq!(lock_is_behind("error: could not compile `lab-05-acks`"), None);
    }
}
