//! A process of the pipeline: started in a group of its own, heard line by line, told to drain, signalled.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use measure::{Progress, Unbuilt};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, Command};
use tokio::sync::{Mutex as AsyncMutex, mpsc};

use super::Board;

/// A process of the pipeline has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its name, such as `worker-2`.
    pub(crate) name: String,
    /// Its process id.
    pub(crate) pid: u32,
    /// How; absent when the system would not say.
    pub(crate) status: Option<ExitStatus>,
    /// Whether it had been told to end.
    pub(crate) was_told: bool,
    /// The task of a lab that it met and that is not built yet.
    pub(crate) unbuilt: Option<Unbuilt>,
}

/// A running process of the pipeline.
pub(crate) struct Child {
    name: String,
    pid: Pid,
    /// Closing it makes the process end at once; so does the end of this process, however that comes.
    stdin: AsyncMutex<Option<ChildStdin>>,
    told: Mutex<bool>,
}

impl Child {
    /// Starts `program` with `args`. Its reports go to the board, its words on standard error to a log in `logs`, its end
    /// to `ends`.
    ///
    /// In a process group of its own, because Ctrl-C in a terminal goes to the whole group: it must reach this process
    /// only, which then drains the others in order.
    pub(crate) fn start(
        name: &str,
        program: &Path,
        args: &[OsString],
        logs: &Path,
        board: Arc<Mutex<Board>>,
        ends: mpsc::UnboundedSender<Ended>,
    ) -> io::Result<Arc<Self>> {
        let log = logs.join(format!("{name}.log"));
        let words = OpenOptions::new().create(true).append(true).open(log)?;
        let mut process = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(words)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let gone = || io::Error::other(format!("{} ended as soon as it was started", program.display()));
        let pid = process
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
            .ok_or_else(gone)?;
        let stdout = process.stdout.take().ok_or_else(gone)?;
        let child = Arc::new(Self {
            name: name.into(),
            pid,
            stdin: AsyncMutex::new(process.stdin.take()),
            told: Mutex::new(false),
        });
        let this = Arc::clone(&child);
        tokio::spawn(async move {
            let mut unbuilt = None;
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                match serde_json::from_str::<Progress>(&line) {
                    Ok(Progress::Unbuilt(met)) => unbuilt = Some(met),
                    Ok(progress) => board
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .take(&this.name, progress),
                    Err(error) => tracing::warn!("{} reports what cannot be read ({error}): {line}", this.name),
                }
            }
            let status = process.wait().await.ok();
            board.lock().unwrap_or_else(PoisonError::into_inner).forget(&this.name);
            let was_told = *this.told.lock().unwrap_or_else(PoisonError::into_inner);
            // Without a receiver the run is over.
            let _ = ends.send(Ended {
                name: this.name.clone(),
                pid: this.pid(),
                status,
                was_told,
                unbuilt,
            });
        });
        Ok(child)
    }

    /// Such as `worker-2`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Tells it to finish what is there and end.
    pub(crate) async fn drain(&self) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = true;
        if let Some(stdin) = self.stdin.lock().await.as_mut() {
            // A process that has ended is as drained as it will be; its end is reported on its own way.
            let _ = stdin.write_all(b"drain\n").await;
            let _ = stdin.flush().await;
        }
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        kill_process(self.pid, signal).map_err(io::Error::from)
    }

    /// Ends it at once, on purpose.
    pub(crate) fn dismiss(&self) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = true;
        // It may have ended by itself.
        let _ = self.signal(Signal::KILL);
    }

    /// Whether it is stopped by a signal (state `T` in /proc).
    pub(crate) fn is_frozen(&self) -> bool {
        std::fs::read_to_string(format!("/proc/{}/stat", self.pid()))
            .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T')))
    }
}

/// The last lines of a log, for a message; empty when there are none.
pub(crate) fn tail(log: &Path, lines: usize) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
