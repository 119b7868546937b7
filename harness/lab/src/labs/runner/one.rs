//! One test, in a process of its own, with a deadline.

use std::collections::VecDeque;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use super::build::Binary;
use super::words::{Words, unbuilt};
use super::{Case, How, Outcome, Ran, deadline};

/// Of what a test prints, this much from its beginning and as much from its end is kept: its panic is in one of them, and the
/// verdict of libtest comes last.
const KEPT: usize = 128 << 10;
/// A server that a test leaves behind may hold its output open; its own words are there by then.
const REST: Duration = Duration::from_millis(500);
/// What libtest ends with when a test fails.
const RED: i32 = 101;

/// The tests of a program.
///
/// # Errors
/// It cannot be started, or does not answer.
pub(crate) async fn list(binary: &Binary) -> anyhow::Result<Vec<String>> {
    let mut command = Command::new(&binary.path);
    command
        .args(["--list", "--format", "terse"])
        .current_dir(&binary.folder)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let said = tokio::time::timeout(Duration::from_secs(20), command.output())
        .await
        .with_context(|| format!("{} does not say within 20 s which tests it has", binary.path.display()))?
        .with_context(|| format!("{} cannot be started", binary.path.display()))?;
    anyhow::ensure!(
        said.status.success(),
        "{} does not say which tests it has ({})",
        binary.path.display(),
        said.status
    );
    let text = String::from_utf8_lossy(&said.stdout);
    Ok(text
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .map(str::to_owned)
        .collect())
}

/// Ends a process and what it has started when the run that wants it is over.
pub(crate) struct Group(Option<Pid>);

impl Group {
    /// Of a child that leads a group of its own.
    pub(crate) fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    /// It has ended by itself, and what it left behind may stay.
    pub(crate) fn let_go(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// Runs it.
///
/// # Errors
/// Its program cannot be started.
pub(crate) async fn run(case: Case, how: &How) -> anyhow::Result<Ran> {
    let limit = deadline(case.layer);
    let mut command = Command::new(&case.path);
    command
        .args([
            "--exact",
            &case.name.test,
            "--nocapture",
            "--test-threads",
            "1",
            "--color",
            "never",
        ])
        .envs(how.environment.iter().map(|(name, value)| (name, value)))
        .env("RUST_BACKTRACE", "0")
        .current_dir(&case.folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own, so that what hangs goes as a whole.
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command
        .spawn()
        .with_context(|| format!("{} cannot be started", case.path.display()))?;
    let group = Group::of(&child);
    let (stdout, stderr) = (Kept::of(child.stdout.take()), Kept::of(child.stderr.take()));
    let status = tokio::time::timeout(limit, child.wait()).await;
    let status = match status {
        Ok(status) => Some(status?),
        Err(_) => None,
    };
    if status.is_none() {
        drop(group);
        let _ = child.wait().await;
    } else {
        // The keepers of the servers that it started end, too, each in its own way.
        group.let_go();
    }
    let (stdout, stderr) = (stdout.text().await, stderr.text().await);
    Ok(Ran {
        outcome: outcome(status, limit, &stdout, &stderr),
        words: Words::of(&stderr),
        name: case.name,
        layer: case.layer,
    })
}

fn outcome(status: Option<ExitStatus>, limit: Duration, stdout: &str, stderr: &str) -> Outcome {
    let Some(status) = status else {
        return Outcome::TooLong(limit);
    };
    // One that dies of it is a test that takes all others with it where they share a process.
    if let Some(task) = unbuilt(stderr)
        && status.code() == Some(RED)
    {
        return Outcome::Unbuilt(task);
    }
    match (status.code(), status.signal()) {
        (Some(0), _) if stdout.contains("test result: ok. 1 passed;") => Outcome::Passed,
        (Some(0), _) if stdout.contains("; 1 ignored;") || stdout.contains(" 1 ignored") => Outcome::Ignored,
        // As of an ignored one, nothing is known.
        (Some(0), _) => Outcome::Ignored,
        (Some(RED), _) => Outcome::Failed,
        (Some(code), _) => Outcome::Died(format!("the process ended with code {code}")),
        (None, Some(signal)) => Outcome::Died(format!("the process was ended by {}", signal_name(signal))),
        (None, None) => Outcome::Died("the process ended".into()),
    }
}

fn signal_name(signal: i32) -> String {
    match signal {
        4 => "SIGILL".into(),
        6 => "SIGABRT: a panic where none may be, as in a callback of C, or in a drop during a panic".into(),
        9 => "SIGKILL".into(),
        11 => "SIGSEGV".into(),
        other => format!("signal {other}"),
    }
}

/// What comes out of a pipe, its beginning and its end, while it comes.
struct Kept {
    words: Arc<Mutex<Ends>>,
    reading: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Ends {
    first: Vec<u8>,
    last: VecDeque<u8>,
    /// Whether something between the two was let go.
    gap: bool,
}

impl Kept {
    fn of(pipe: Option<impl AsyncRead + Unpin + Send + 'static>) -> Self {
        let words = Arc::new(Mutex::new(Ends::default()));
        let to = Arc::clone(&words);
        let reading = tokio::spawn(async move {
            let Some(mut pipe) = pipe else { return };
            let mut piece = vec![0; 16 << 10];
            while let Ok(read @ 1..) = pipe.read(&mut piece).await {
                to.lock().unwrap_or_else(PoisonError::into_inner).take(&piece[..read]);
            }
        });
        Self { words, reading }
    }

    /// All of it, once the pipe is closed; where a process that was left behind holds it open, what has come by then.
    async fn text(mut self) -> String {
        if tokio::time::timeout(REST, &mut self.reading).await.is_err() {
            self.reading.abort();
        }
        self.words.lock().unwrap_or_else(PoisonError::into_inner).text()
    }
}

impl Ends {
    fn take(&mut self, bytes: &[u8]) {
        let (first, rest) = bytes.split_at(bytes.len().min(KEPT - self.first.len()));
        self.first.extend_from_slice(first);
        self.last.extend(rest);
        let over = self.last.len().saturating_sub(KEPT);
        self.gap |= over > 0;
        self.last.drain(..over);
    }

    fn text(&self) -> String {
        let mut all = self.first.clone();
        if self.gap {
            all.extend_from_slice(b"\n[...]\n");
        }
        all.extend(&self.last);
        String::from_utf8_lossy(&all).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_much_output_the_beginning_and_the_end_are_kept() {
        let mut ends = Ends::default();
        ends.take(b"thread panicked\n");
        for _ in 0..100 {
            ends.take(&[b'x'; 16 << 10]);
        }
        ends.take(b"\ntest result: FAILED\n");
        let text = ends.text();
        assert!(text.starts_with("thread panicked\n"), "the beginning is lost");
        assert!(text.ends_with("\ntest result: FAILED\n"), "the end is lost");
        assert!(text.len() < 2 * KEPT + 100, "{} bytes are kept", text.len());
    }
}
