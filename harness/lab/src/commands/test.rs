//! `test`: cargo's own, on the parts that are meant, with a word on whose code ran and on which servers, which all its test
//! programs share.

use std::process::{Command, ExitCode, ExitStatus};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use stack::{Host, Stack, StackSpec};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::TestArgs;
use crate::{cargo, note, parts};

pub(crate) fn run(args: &TestArgs, programs: &[String], brokers: Option<u8>) -> anyhow::Result<ExitCode> {
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
    for program in programs {
        command.args(["--test", program]);
    }
    if !args.rest.is_empty() {
        command.arg("--").args(&args.rest);
    }
    let spec = StackSpec {
        provider,
        // 0 is one broker, or as many as there are.
        brokers: brokers.unwrap_or(0),
        progress: true,
        ..StackSpec::default()
    };
    // Before minutes of compiling, though the first test that asks for servers would hear it too.
    if brokers.is_some() {
        Stack::check(&spec)?;
    }
    let host = Host::open(spec)?;
    let (variable, socket) = host.variable();
    command.env("LAB_STACK", provider.name()).env(variable, socket);
    let status = super::runtime()?.block_on(to_its_end(command))?;
    let (word, code) = match status.success() {
        true => ("passed", ExitCode::SUCCESS),
        false => ("FAILED", ExitCode::FAILURE),
    };
    note(&format!(
        "\n{}: {word}. Code: reference. Servers: {}.",
        match programs {
            [] => parts::named(&packages),
            programs => programs.join(", "),
        },
        provider
    ));
    if !status.success()
        && let Some(place) = host.keep_logs()
    {
        note(&format!(
            "The logs of the servers that the tests shared: {}",
            place.display()
        ));
    }
    host.close()?;
    Ok(code)
}

/// Runs it, and outlives its death by a signal: what was set up for it is to be tidied.
async fn to_its_end(command: Command) -> anyhow::Result<ExitStatus> {
    let mut child = tokio::process::Command::from(command)
        .spawn()
        .context("cargo cannot be started; ./lab doctor says what is missing")?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    loop {
        let heard = tokio::select! {
            status = child.wait() => return Ok(status?),
            _ = interrupt.recv() => Signal::INT,
            _ = terminate.recv() => Signal::TERM,
            _ = hangup.recv() => Signal::HUP,
        };
        // From a terminal it has heard so itself, and may be gone.
        if let Some(pid) = pid {
            let _ = kill_process(pid, heard);
        }
    }
}
