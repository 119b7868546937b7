//! Building the programs that run a lab's experiments.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;

use crate::cargo::{self, Artifact};
use crate::labs::{Lab, Whose};

/// The programs by the names of their `[[bench]]`es.
pub(crate) struct Programs(BTreeMap<String, PathBuf>);

impl Programs {
    /// Builds those that `names` name, of one of the two crates.
    ///
    /// # Errors
    /// They do not compile: the compiler's first error has been shown, or cargo's words.
    pub(crate) async fn build(lab: &Lab, whose: Whose, names: &[&str]) -> anyhow::Result<Self> {
        let bar = crate::bar::spinner();
        bar.set_message("building the experiments");
        let mut command = cargo::cargo("bench");
        cargo::with_ours(&lab.root, &mut command);
        command.args(["--package", &lab.package(whose), "--no-run", "--message-format", "json"]);
        for name in names {
            command.args(["--bench", name]);
        }
        let mut child = Command::from(command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cargo cannot be started; ./lab doctor says what is missing")?;
        let mut stderr = child.stderr.take().context("no output")?;
        let words = tokio::spawn(async move {
            let mut words = String::new();
            let _ = stderr.read_to_string(&mut words).await;
            words
        });
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let (mut programs, mut messages) = (BTreeMap::new(), Vec::new());
        while let Some(line) = lines.next_line().await? {
            match Artifact::read(&line) {
                Some(artifact) if names.contains(&artifact.target.name.as_str()) => {
                    programs.extend(artifact.executable.map(|program| (artifact.target.name, program)));
                }
                Some(_) => {}
                None => messages.push(line),
            }
        }
        let status = child.wait().await?;
        bar.finish_and_clear();
        if !status.success() {
            let words = words.await.unwrap_or_default();
            let shown = cargo::first_error(messages.iter().map(String::as_str)).map_or(words.clone(), |e| e.rendered);
            crate::note(&shown);
            match cargo::lock_is_behind(&words) {
                Some(cure) => bail!("{cure}"),
                None => bail!(
                    "{} does not compile, so nothing was measured; the lines above say why",
                    lab.package(whose)
                ),
            }
        }
        Ok(Self(programs))
    }

    /// # Errors
    /// Cargo did not build it.
    pub(crate) fn find(&self, name: &str) -> anyhow::Result<&PathBuf> {
        self.0
            .get(name)
            .with_context(|| format!("cargo built no program {name}; look at [[bench]] of the lab's Cargo.toml"))
    }
}
