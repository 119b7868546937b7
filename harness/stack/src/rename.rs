//! A server killed at the very system call that makes a new file visible: the worst moment for what it was writing.

use std::io::{BufRead, BufReader, ErrorKind};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::error::StackError;
use crate::provision::Tool;
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
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => StackError::MissingTool {
                    tool: "strace".into(),
                    needed_for: "it kills a server at an exact system call",
                    cure: Tool::Strace.cure(),
                },
                _ => failed(format!("strace cannot be started ({error})")),
            })?;
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
            Ok(line) => Err(failed(format!(
                "strace cannot trace {} ({line}); {}",
                server.name(),
                way_out(&line)
            ))),
            Err(_) => Err(failed(format!("strace said nothing for {} s", ATTACH_LIMIT.as_secs()))),
        }
    }

    /// What strace saw until the server was gone, one call per line; blocks until then.
    pub fn seen(self) -> String {
        self.lines.iter().fold(String::new(), |seen, line| seen + &line + "\n")
    }
}

/// What to do about strace's refusal. The launcher has every server allow any tracer, so where Yama still refuses its
/// scope is 2 or 3; in a container it is the container that refuses.
fn way_out(line: &str) -> &'static str {
    if line.contains("not permitted") {
        "allow it with `sudo sysctl kernel.yama.ptrace_scope=0`, in a container with --cap-add=SYS_PTRACE, or as root"
    } else {
        "see whether `strace -p` of a process of yours works"
    }
}

impl Drop for RenameTrap {
    fn drop(&mut self) {
        // It may have ended with the server.
        let _ = self.strace.kill();
        let _ = self.strace.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::way_out;

    #[test]
    fn a_refusal_names_its_cure() {
        let refused = "strace: attach: ptrace(PTRACE_SEIZE, 4711): Operation not permitted";
        assert!(way_out(refused).contains("sudo sysctl kernel.yama.ptrace_scope=0"));
        assert!(way_out("strace: attach: No such process").contains("strace -p"));
    }
}
