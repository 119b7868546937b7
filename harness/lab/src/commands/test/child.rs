//! A program that is run to its end, and outlived also when a signal ends it.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;

use crate::signals::Signals;

/// How a program or all of them ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Passed,
    Failed,
    /// Somebody wanted it to stop before.
    Interrupted,
}

impl Ended {
    /// `interrupted`: whether a signal was heard meanwhile.
    pub(super) fn of(status: ExitStatus, interrupted: bool) -> Self {
        let by_signal = || [Signal::INT, Signal::TERM, Signal::HUP].map(|signal| Some(signal.as_raw()));
        match status.success() {
            true => Self::Passed,
            // From a terminal a program may hear of it before we do.
            false if interrupted || by_signal().contains(&status.signal()) => Self::Interrupted,
            false => Self::Failed,
        }
    }
}

pub(super) fn begin(command: Command) -> anyhow::Result<Child> {
    let name = command.get_program().to_string_lossy().into_owned();
    tokio::process::Command::from(command)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{name} cannot be started; ./lab doctor says what is missing"))
}

pub(super) fn pid(child: &Child) -> Option<Pid> {
    child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw)
}

/// Tells a program what was heard. From a terminal it has heard so itself, and may be gone.
pub(super) fn tell(pid: Pid, signal: Signal) {
    let _ = kill_process(pid, signal);
}

/// Runs it, and outlives its death by a signal: what was set up for it is to be tidied.
pub(super) async fn to_its_end(command: Command, signals: &mut Signals) -> anyhow::Result<Ended> {
    let mut child = begin(command)?;
    let pid = pid(&child);
    let mut interrupted = false;
    loop {
        tokio::select! {
            biased;
            heard = signals.heard() => {
                interrupted = true;
                if let Some(pid) = pid {
                    tell(pid, heard);
                }
            }
            status = child.wait() => return Ok(Ended::of(status?, interrupted)),
        }
    }
}
