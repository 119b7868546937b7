//! Several test programs at a time: most of their time they wait for servers.

use std::io::stdout;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rustix::process::Pid;
use tempfile::NamedTempFile;

use super::board::Board;
use super::child::{Ended, begin, pid, tell};
use super::programs::Program;
use crate::out;
use crate::signals::Signals;

/// A program that runs longer is told of again and again, with the place of its words.
const LONG: Duration = Duration::from_secs(60);

/// How all of them ended.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Those that ran to their end.
    pub(super) done: usize,
    /// Of those, the ones that failed, by name.
    pub(super) failed: Vec<String>,
    /// Somebody wanted it to stop: what ran was ended, and the rest did not begin.
    pub(super) interrupted: bool,
}

/// Runs them as `prepare` says: `at_once` at a time, and those that want to be alone alone, after the others. Of several at a
/// time the words of each are shown when it is over, because mixed they would be nobody's; one by one they are shown as they
/// come.
///
/// # Errors
/// A program cannot be started, or its words cannot be kept.
pub(super) async fn run(
    programs: Vec<Program>,
    at_once: usize,
    signals: &mut Signals,
    prepare: impl Fn(&Program) -> Command,
) -> anyhow::Result<Outcome> {
    let as_they_come = at_once == 1;
    let mut board = Board::new(programs.len(), as_they_come);
    let mut outcome = Outcome::default();
    let (alone, together): (Vec<_>, Vec<_>) = programs.into_iter().partition(|program| program.alone);
    let prepare = |program: &Program| {
        let mut command = prepare(program);
        let words = match as_they_come {
            true => None,
            false => Some(NamedTempFile::with_prefix("tickbook-test-")?),
        };
        if let Some(words) = &words {
            command
                .stdin(Stdio::null())
                .stdout(words.as_file().try_clone()?)
                .stderr(words.as_file().try_clone()?);
        }
        anyhow::Ok((command, words))
    };
    for (programs, at_once) in [(together, at_once), (alone, 1)] {
        lanes(programs, at_once, signals, &prepare, &mut board, &mut outcome).await?;
    }
    board.over();
    Ok(outcome)
}

async fn lanes(
    programs: Vec<Program>,
    at_once: usize,
    signals: &mut Signals,
    prepare: &impl Fn(&Program) -> anyhow::Result<(Command, Option<NamedTempFile>)>,
    board: &mut Board,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let mut waiting = programs;
    let mut parts: Vec<String> = Vec::new();
    let mut running = FuturesUnordered::new();
    let mut pids: Vec<Pid> = Vec::new();
    let mut long = tokio::time::interval(LONG);
    loop {
        while running.len() < at_once
            && !outcome.interrupted
            && let Some(program) = next(&mut waiting, &parts)
        {
            parts.push(program.part.clone());
            let (command, words) = prepare(&program)?;
            board.begins(&program.name, words.as_ref().map(NamedTempFile::path));
            let started = start(command, program, words)?;
            pids.extend(started.pid);
            running.push(started.end());
        }
        let ran = tokio::select! {
            biased;
            heard = signals.heard() => {
                outcome.interrupted = true;
                pids.iter().for_each(|pid| tell(*pid, heard));
                continue;
            }
            _ = long.tick() => {
                board.still_running(LONG);
                continue;
            }
            ran = running.next() => match ran {
                Some(ran) => ran?,
                None => return Ok(()),
            },
        };
        pids.retain(|pid| Some(*pid) != ran.pid);
        if let Some(at) = parts.iter().position(|part| *part == ran.program.part) {
            parts.swap_remove(at);
        }
        let ended = Ended::of(ran.status, outcome.interrupted);
        board.ends(&ran.program.name, || ran.show(ended))?;
        match ended {
            Ended::Passed => outcome.done += 1,
            Ended::Interrupted => outcome.interrupted = true,
            Ended::Failed => {
                outcome.done += 1;
                outcome.failed.push(ran.program.name);
            }
        }
    }
}

/// The first of a part of which none runs, because those of one part wait for each other's servers and folders; else the
/// first.
fn next(waiting: &mut Vec<Program>, running: &[String]) -> Option<Program> {
    let other = waiting.iter().position(|program| !running.contains(&program.part));
    (!waiting.is_empty()).then(|| waiting.remove(other.unwrap_or(0)))
}

/// A program that runs.
struct Started {
    program: Program,
    child: tokio::process::Child,
    pid: Option<Pid>,
    from: Instant,
    /// A file and not a pipe: it takes what comes however much that is, and whoever is impatient can look into it.
    words: Option<NamedTempFile>,
}

fn start(command: Command, program: Program, words: Option<NamedTempFile>) -> anyhow::Result<Started> {
    let child = begin(command)?;
    Ok(Started {
        pid: pid(&child),
        program,
        child,
        from: Instant::now(),
        words,
    })
}

impl Started {
    async fn end(mut self) -> anyhow::Result<Ran> {
        let status = self.child.wait().await?;
        Ok(Ran {
            program: self.program,
            pid: self.pid,
            status,
            took: self.from.elapsed(),
            words: self.words,
        })
    }
}

struct Ran {
    program: Program,
    pid: Option<Pid>,
    status: ExitStatus,
    took: Duration,
    words: Option<NamedTempFile>,
}

impl Ran {
    fn show(&self, ended: Ended) -> std::io::Result<()> {
        let how = match ended {
            Ended::Passed => "passed".into(),
            Ended::Failed => format!("FAILED ({})", self.status),
            Ended::Interrupted => "interrupted".into(),
        };
        out(&format!(
            "\n--- {}: {how} after {:.1} s\n",
            self.program.name,
            self.took.as_secs_f64()
        ));
        if let Some(words) = &self.words {
            // Whoever does not read to the end is no reason to fail.
            let _ = std::io::copy(&mut words.reopen()?, &mut stdout().lock());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_programs_of_a_part_run_one_after_the_other_while_there_are_others() {
        let program = |part: &str, target: &str| Program {
            part: part.into(),
            target: target.into(),
            ..Program::default()
        };
        let mut waiting = vec![program("lab", "a"), program("lab", "b"), program("stack", "c")];
        let running = ["lab".to_owned()];
        let mut begun = || next(&mut waiting, &running).map(|program| program.target);
        assert_eq!(begun().as_deref(), Some("c"));
        assert_eq!(begun().as_deref(), Some("a"));
        assert_eq!(begun().as_deref(), Some("b"));
        assert_eq!(begun(), None);
    }
}
