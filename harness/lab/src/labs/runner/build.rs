//! Has cargo build test programs, and keeps of its words the first error.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use super::one::Group;
use crate::cargo::Artifact;

/// A test program that is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binary {
    /// Its name in `[programs]`, or `mine`.
    pub(crate) program: String,
    pub(crate) path: PathBuf,
    /// The package's folder, where tests expect to run.
    pub(crate) folder: PathBuf,
}

/// What came of a build.
#[derive(Debug)]
pub(crate) enum Build {
    Ready {
        binaries: Vec<Binary>,
        warnings: Vec<String>,
    },
    Broken(Broken),
}

/// Code that does not compile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The compiler's first error, or cargo's own words where no compiler was asked.
    pub(crate) first: String,
    /// How many more errors there are.
    pub(crate) more: usize,
}

/// One line of `--message-format json`.
#[derive(Deserialize)]
struct Line {
    reason: String,
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    level: String,
    rendered: Option<String>,
    #[serde(default)]
    spans: Vec<serde_json::Value>,
}

/// Asks for test programs of a package.
pub(crate) fn ask<'a>(
    cargo: &mut std::process::Command,
    root: &Path,
    package: &str,
    programs: impl IntoIterator<Item = &'a str>,
) {
    cargo.args(["--package", package]);
    crate::cargo::with_ours(root, cargo);
    for program in programs {
        cargo.args(["--test", program]);
    }
}

/// Runs `cargo`, which has everything but `--no-run` and the format of its words. Of what it builds only tests of the package in
/// `folder` are returned.
///
/// # Errors
/// Cargo cannot be started.
pub(crate) async fn build(cargo: std::process::Command, folder: &Path) -> anyhow::Result<Build> {
    let mut command = tokio::process::Command::from(cargo);
    command
        .args(["--no-run", "--message-format", "json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A compiler that outlived its cargo would write what the next one has built.
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command
        .spawn()
        .context("cargo cannot be started; ./lab doctor says what is missing")?;
    let group = Group::of(&child);
    let stdout = child.stdout.take().context("cargo has no output")?;
    let stderr = child.stderr.take().context("cargo has no output")?;
    let words = tokio::spawn(async move {
        let mut words = Vec::new();
        let _ = BufReader::new(stderr).read_to_end(&mut words).await;
        String::from_utf8_lossy(&words).into_owned()
    });
    let (mut binaries, mut errors, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        binaries.extend(binary(&line, folder));
        let Ok(Line {
            reason,
            message: Some(message),
        }) = serde_json::from_str::<Line>(&line)
        else {
            continue;
        };
        if reason != "compiler-message" {
            continue;
        }
        let rendered = message.rendered.unwrap_or_default().trim_end().to_owned();
        match message.level.as_str() {
            // That one only counts the others; one of the linker has no place in a source.
            "error" | "error: internal compiler error" if !rendered.starts_with("error: aborting due to") => {
                errors.push(rendered)
            }
            "warning" if !message.spans.is_empty() => warnings.push(rendered),
            _ => {}
        }
    }
    let status = child.wait().await?;
    group.let_go();
    let words = words.await.unwrap_or_default();
    if status.success() {
        return Ok(Build::Ready { binaries, warnings });
    }
    let more = errors.len().saturating_sub(1);
    let first = errors.into_iter().next().unwrap_or_else(|| cargos_own(&words));
    Ok(Build::Broken(Broken { first, more }))
}

/// What cargo says where the compiler says nothing: a manifest that cannot be read, a dependency that the lockfile does not have.
fn cargos_own(words: &str) -> String {
    if let Some(sentence) = crate::cargo::lock_is_behind(words) {
        return sentence.to_owned();
    }
    let from = words.find("error").unwrap_or(0);
    words[from..].trim_end().to_owned()
}

fn binary(line: &str, folder: &Path) -> Option<Binary> {
    let artifact = Artifact::read(line)?;
    if !artifact.profile.test || artifact.manifest_path.parent() != Some(folder) {
        return None;
    }
    let path = artifact.executable?;
    // Unit tests of the crate itself have its library's name; a lab has none.
    artifact
        .target
        .src_path
        .components()
        .any(|part| part.as_os_str() == "tests")
        .then(|| Binary {
            program: artifact.target.name,
            path,
            folder: folder.to_path_buf(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_own_words_become_a_sentence_with_a_command() {
        let locked =
            "error: cannot update the lock file /w/Cargo.lock because --locked was passed to prevent this\nIf…";
        assert!(cargos_own(locked).contains("cargo update --workspace"));
        assert_eq!(
            cargos_own("   Compiling x\nerror: no such package\n"),
            "error: no such package"
        );
    }
}
