//! A server killed at the very system call that makes a new file visible: the worst moment for what it was writing.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::error::StackError;
use crate::server::{Server, blocking};

/// How long strace may take to attach to every thread of a server.
const ATTACH_LIMIT: Duration = Duration::from_secs(20);

/// A trap that is set: the server dies (SIGKILL) as it enters its next rename. Dropped, the trap is taken away.
#[derive(Debug)]
pub struct RenameTrap {
    strace: Child,
    lines: Receiver<String>,
}

impl RenameTrap {
    pub(crate) async fn set(server: &Server) -> Result<Self, StackError> {
        let server = server.clone();
        blocking("setting a trap at a rename", move || Self::set_blocking(&server)).await
    }

    fn set_blocking(server: &Server) -> Result<Self, StackError> {
        let failed = |why: String| StackError::prepare("setting a trap at a rename", why);
        let pid = server
            .pid()
            .ok_or_else(|| failed(format!("{} is no running process of this machine", server.name())))?;
        let mut strace = Command::new("strace")
            .args(["-f", "-s", "300", "-p", &pid.to_string()])
            .args(["-e", "trace=rename,renameat,renameat2"])
            .args(["-e", "inject=rename,renameat,renameat2:signal=KILL"])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(format!("strace cannot be started ({error}); apt-get install strace")))?;
        let (sender, lines) = channel();
        if let Some(stderr) = strace.stderr.take() {
            std::thread::spawn(move || {
                let read = BufReader::new(stderr).lines().map_while(Result::ok);
                // Whoever set the trap may have lost interest.
                read.map(|line| sender.send(line))
                    .take_while(Result::is_ok)
                    .for_each(drop);
            });
        }
        let trap = Self { strace, lines };
        match trap.lines.recv_timeout(ATTACH_LIMIT) {
            Ok(line) if line.contains("attached") => Ok(trap),
            Ok(line) => Err(failed(format!("strace cannot trace {} ({line})", server.name()))),
            Err(_) => Err(failed(format!("strace said nothing for {} s", ATTACH_LIMIT.as_secs()))),
        }
    }

    /// What strace saw until the server was gone, one call per line; blocks until then.
    pub fn seen(self) -> String {
        self.lines.iter().fold(String::new(), |seen, line| seen + &line + "\n")
    }
}

impl Drop for RenameTrap {
    fn drop(&mut self) {
        // It may have ended with the server.
        let _ = self.strace.kill();
        let _ = self.strace.wait();
    }
}
