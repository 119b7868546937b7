//! `test` and `bench`: cargo's own, on the parts that are meant, with a word on whose code ran and on which servers.

use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};
use stack::Provider;

use crate::cli::TestArgs;
use crate::{cargo, note, parts};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Test,
    Bench,
}

pub(crate) fn run(kind: Kind, args: &TestArgs) -> anyhow::Result<ExitCode> {
    let root = cargo::root();
    let packages = parts::find(&args.parts, &parts::all(&root)?)?;
    ensure!(
        kind == Kind::Test || !packages.is_empty(),
        "which part is to be measured? ./lab bench 02 or ./lab bench pipeline; all of them would take an hour"
    );
    let provider = args.stack.unwrap_or_else(|| Provider::from_env().unwrap_or_default());
    let mut command = match kind {
        Kind::Test => cargo::cargo("test"),
        // `cargo bench` has its own profile, which is the release profile; it takes no --release.
        Kind::Bench => bench(),
    };
    if packages.is_empty() {
        command.arg("--workspace");
    }
    if kind == Kind::Test && packages.len() != 1 {
        // One part that fails says nothing about the others; the whole picture costs one run, not one for each.
        command.arg("--no-fail-fast");
    }
    for package in &packages {
        command.args(["--package", &package.name]);
    }
    if kind == Kind::Bench {
        command.arg("--benches");
    }
    if !args.rest.is_empty() {
        command.arg("--").args(&args.rest);
    }
    command.env("LAB_STACK", provider.name());
    let what = match packages.len() {
        0 => "everything".to_owned(),
        _ => packages
            .iter()
            .map(|package| package.folder.as_str())
            .collect::<Vec<_>>()
            .join(", "),
    };
    let status = command
        .status()
        .context("cargo cannot be started; ./lab doctor says what is missing")?;
    let word = match (kind, status.success()) {
        (Kind::Test, true) => "passed",
        (Kind::Test, false) => "FAILED",
        (Kind::Bench, true) => "measured",
        (Kind::Bench, false) => "could not be measured",
    };
    note(&format!(
        "\n{what}: {word}. Code: reference. Servers: {}.",
        provider.resolve()
    ));
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn bench() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(["bench", "--locked", "--manifest-path"])
        .arg(cargo::root().join("Cargo.toml"));
    command
}
