//! `generate`: writes labs from solutions.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::cargo;
use crate::keep::Lock;
use crate::labs::check::chosen;
use crate::labs::found::Lab;
use crate::labs::generate::{remember, somebodys, write};
use crate::labs::members::make_member;
use crate::labs::skeleton::Skeleton;
use crate::note;
use crate::text::plural;

pub(crate) fn run(words: &[String]) -> anyhow::Result<ExitCode> {
    let root = cargo::root();
    let _lock = Lock::take(&root)?;
    let mut strangers = Vec::new();
    let mut made = Vec::new();
    for folder in chosen(&root, words)? {
        let lab = Lab::read(&root, &folder)?;
        let skeleton = Skeleton::make(&lab)?;
        // All are looked at before one is written: half a generation is nobody's state.
        strangers.extend(somebodys(&lab, &skeleton)?);
        made.push((lab, skeleton));
    }
    if !strangers.is_empty() {
        let list: Vec<String> = strangers.iter().map(|path| format!("  {}", path.display())).collect();
        bail!(
            "nothing is written, because these were changed by hand and are in no commit:\n{}\nLabs are made from solutions/: \
             take over there what you want to keep, then ./lab reset NUMBER puts a lab back, with a backup",
            list.join("\n")
        );
    }
    for (lab, skeleton) in &made {
        let written = write(skeleton, &lab.mine())?;
        remember(lab, skeleton)?;
        let folder = lab.manifest.folder();
        match written.changed.len() + written.removed.len() {
            0 => note(&format!("labs/{folder}: as it was")),
            _ => note(&format!(
                "labs/{folder}: {} written, {} removed",
                plural(written.changed.len() as u64, "file", "files"),
                written.removed.len()
            )),
        }
        make_member(lab)?;
    }
    lock(&root)
}

/// The lockfile lists the workspace's members; without the new ones every later call of cargo would be refused.
fn lock(root: &Path) -> anyhow::Result<ExitCode> {
    let mut cargo = cargo::cargo_at(root, "update");
    let said = cargo
        .args(["--workspace", "--offline", "--quiet"])
        .output()
        .context("cargo cannot be started")?;
    if !said.status.success() {
        bail!(
            "Cargo.lock could not be brought up to date: {}",
            String::from_utf8_lossy(&said.stderr).trim()
        );
    }
    Ok(ExitCode::SUCCESS)
}
