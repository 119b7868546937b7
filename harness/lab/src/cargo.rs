//! Calls of cargo: building the pipeline's program, running tests and benches.
//!
//! This program links no part of the pipeline: a part that does not compile must not keep the front door shut.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

/// The package of the pipeline and the name of its program.
pub(crate) const PIPELINE: (&str, &str) = ("solution-14-pipeline", "pipeline");

/// How long a build may take before a word is said about it.
const QUIET: Duration = Duration::from_secs(1);

/// The checkout: as `./lab` says, else where this program was built from.
pub(crate) fn root() -> PathBuf {
    let built_from = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    std::env::var_os("TICKBOOK_ROOT").map_or_else(built_from, PathBuf::from)
}

/// Cargo, on the checkout's manifest, asked for what the lockfile says and nothing newer.
pub(crate) fn cargo(command: &str) -> std::process::Command {
    let mut cargo = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What a cargo that runs this program (as `cargo test` does) says of the package it runs. Build scripts of dependencies
    // watch these variables: passed on, they would have all that stands on `ring` compiled again, back and forth.
    let told = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(told)) {
        cargo.env_remove(name);
    }
    cargo
        .args([command, "--locked", "--manifest-path"])
        .arg(root().join("Cargo.toml"));
    // Benches have a profile of their own, which is the release profile; `cargo bench` takes no --release.
    if command != "bench" {
        cargo.arg("--release");
    }
    cargo
}

/// What cargo says of something that it has built: `--message-format json-render-diagnostics`.
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

/// Builds the pipeline's program and returns where it is. Quiet when there is nothing to do.
///
/// # Errors
/// It does not compile: cargo's words have been shown.
pub(crate) async fn pipeline() -> anyhow::Result<PathBuf> {
    let mut command = Command::from(cargo("build"));
    // Together with this package, though it is built already: cargo chooses the features of dependencies for what is
    // built together, and alone the pipeline would get its own tokio, and all that stands on it, compiled once more.
    command
        .args([
            "--package",
            PIPELINE.0,
            "--package",
            "lab",
            "--message-format",
            "json-render-diagnostics",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command
        .spawn()
        .context("cargo cannot be started; ./lab doctor says what is missing")?;
    let (stdout, stderr) = (
        child.stdout.take().context("no output")?,
        child.stderr.take().context("no output")?,
    );
    let bar = ProgressBar::hidden();
    let words = tokio::spawn(words(stderr, bar.clone()));
    let built = async {
        let (mut program, mut done) = (None, 0_u64);
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await? {
            let Some(artifact) = Artifact::read(&line) else {
                continue;
            };
            done += 1;
            bar.set_position(done);
            if artifact.target.name == PIPELINE.1 && artifact.executable.is_some() {
                program = artifact.executable;
            }
        }
        anyhow::Ok((program, child.wait().await?))
    };
    tokio::pin!(built);
    let built = match tokio::time::timeout(QUIET, &mut built).await {
        Ok(built) => built,
        Err(_) => {
            announce(&bar);
            built.await
        }
    };
    bar.finish_and_clear();
    let (program, status) = built?;
    let words = words.await.unwrap_or_default();
    if !status.success() {
        crate::note(words.trim_end());
        bail!("the pipeline does not compile; cargo's words are above");
    }
    program.context("cargo built the pipeline and does not say where; run `cargo clean` and try again")
}

fn announce(bar: &ProgressBar) {
    if bar_fits() {
        bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        // A constant template.
        if let Ok(style) =
            ProgressStyle::with_template("  {spinner} building the pipeline: {pos} crates, {elapsed}  {wide_msg:.dim}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
    } else {
        crate::note("  building the pipeline (the first time this takes some minutes)");
    }
}

/// Whether standard error can show a bar.
pub(crate) fn bar_fits() -> bool {
    use std::io::IsTerminal;
    std::io::stderr().is_terminal()
}

/// Keeps what cargo says, and shows the newest line at the bar.
async fn words(stderr: impl AsyncReadExt + Unpin, bar: ProgressBar) -> String {
    let mut all = String::new();
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        bar.set_message(line.trim().to_owned());
        all.push_str(&line);
        all.push('\n');
    }
    all
}
