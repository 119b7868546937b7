//! `test`: cargo's own, on the parts that are meant, with a word on whose code ran and on which servers.

use std::process::ExitCode;

use anyhow::Context;

use crate::cli::TestArgs;
use crate::{cargo, note, parts};

pub(crate) fn run(args: &TestArgs) -> anyhow::Result<ExitCode> {
    let root = cargo::root();
    let packages = parts::find(&args.parts, &parts::all(&root)?)?;
    // Resolved once, here: every test program must come to the same, and the verdict names it.
    let provider = args.stack.unwrap_or_default().resolve();
    let mut command = cargo::cargo("test");
    if packages.is_empty() {
        command.arg("--workspace");
    }
    if packages.len() != 1 {
        // One part that fails says nothing about the others; the whole picture costs one run, not one for each.
        command.arg("--no-fail-fast");
    }
    for package in &packages {
        command.args(["--package", &package.name]);
    }
    if !args.rest.is_empty() {
        command.arg("--").args(&args.rest);
    }
    command.env("LAB_STACK", provider.name());
    let status = command
        .status()
        .context("cargo cannot be started; ./lab doctor says what is missing")?;
    let (word, code) = match status.success() {
        true => ("passed", ExitCode::SUCCESS),
        false => ("FAILED", ExitCode::FAILURE),
    };
    note(&format!(
        "\n{}: {word}. Code: reference. Servers: {}.",
        parts::named(&packages),
        provider
    ));
    Ok(code)
}
