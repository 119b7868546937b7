//! Parts that are processes of their own, so that what they cost is not counted: this same program, started anew with a role.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail, ensure};

use crate::{serve, switches, tasks_and_threads};

/// Who is started with it plays a part and no experiment.
const ROLE: &str = "TICKBOOK_EXPERIMENT_PART";

/// The part that this process is to play.
pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// Plays it to its end.
pub(crate) fn play(role: &str) -> anyhow::Result<()> {
    // Whoever started this holds its input open: a part does not outlive it.
    std::thread::spawn(|| {
        let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let words: Vec<&str> = role.split_whitespace().collect();
    let number = |at: usize| -> anyhow::Result<usize> { Ok(words.get(at).context("a number")?.parse()?) };
    match words.first().copied() {
        Some("answer") => serve::answer(listen()?),
        Some("ticks") => serve::ticks(listen()?, number(1)?, number(2)?),
        Some("prefixed") => serve::prefixed(listen()?, number(1)?),
        Some("frames") => serve::frames(listen()?, number(1)?, number(2)?),
        Some("idle") => {
            println(&"idle")?;
            loop {
                std::thread::park();
            }
        }
        Some("hold") => println(&tasks_and_threads::hold(words.get(1).context("a unit")?, number(2)?)?),
        Some("switch") => println(&switches::switch(words.get(1).context("who")?, number(2)?)?),
        _ => bail!("{role:?} is no part"),
    }
}

/// Listens on a free port of loopback, and says on which.
fn listen() -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println(&listener.local_addr()?)?;
    Ok(listener)
}

fn println(line: &impl std::fmt::Display) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// A part that plays until this is dropped.
pub(crate) struct Part {
    child: Child,
    /// The first line that it said.
    said: String,
}

impl Part {
    pub(crate) fn start(role: &str) -> anyhow::Result<Self> {
        let mut child = command(&[], role)?
            .spawn()
            .with_context(|| format!("the part {role:?} cannot be started"))?;
        let mut said = String::new();
        let out = child.stdout.take().context("no output")?;
        BufReader::new(out).read_line(&mut said)?;
        Ok(Self {
            child,
            said: said.trim().to_owned(),
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> anyhow::Result<SocketAddr> {
        self.said
            .parse()
            .with_context(|| format!("a part said {:?} and not where it listens", self.said))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Plays a part to its end and gives what it said, as numbers by name; below `wrapper`, such as `taskset -c 0`.
pub(crate) fn told(wrapper: &[&str], role: &str) -> anyhow::Result<serde_json::Value> {
    // The child has its own input as long as the wait lasts.
    let child = command(wrapper, role)?.stderr(Stdio::piped()).spawn();
    let mut child = child.with_context(|| format!("the part {role:?} cannot be started"))?;
    let input = child.stdin.take();
    let output = child.wait_with_output()?;
    drop(input);
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the part {role:?} failed: {}", words.trim());
    serde_json::from_slice(&output.stdout).with_context(|| format!("the part {role:?} said no JSON"))
}

fn command(wrapper: &[&str], role: &str) -> anyhow::Result<Command> {
    let program = std::env::current_exe()?;
    let mut command = match wrapper {
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
        [] => Command::new(program),
    };
    command.env(ROLE, role).stdin(Stdio::piped()).stdout(Stdio::piped());
    Ok(command)
}
