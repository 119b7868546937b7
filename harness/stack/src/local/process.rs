//! A server process under its keeper: started, signalled by its own id, and never outliving us.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::StackError;
use crate::log;

/// How long a killed process may take to be gone. Even a frozen one goes at once; a busy disk may hold it.
const GONE_LIMIT: Duration = Duration::from_secs(20);

/// What to run, and where.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) name: String,
    /// The compiled launcher.
    pub(crate) launcher: PathBuf,
    /// The run's folder.
    pub(crate) run: PathBuf,
    /// This server's folder in it; its working directory.
    pub(crate) folder: PathBuf,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(&'static str, OsString)>,
}

impl Plan {
    /// Where the server's output goes.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }
}

#[derive(Debug)]
struct Running {
    keeper: Child,
    pid: Pid,
}

#[derive(Debug)]
enum State {
    Down,
    Up(Running),
    /// The stack has been stopped: its folder is gone, nothing may start in it.
    Closed,
}

impl State {
    /// The id, while the process runs. As long as its keeper lives nobody has reaped it, so the id is its own.
    fn alive(&mut self) -> Option<Pid> {
        match self {
            Self::Up(running) => matches!(running.keeper.try_wait(), Ok(None)).then_some(running.pid),
            Self::Down | Self::Closed => None,
        }
    }
}

/// One server process, running or not.
#[derive(Debug)]
pub(crate) struct Process {
    plan: Plan,
    state: Mutex<State>,
}

impl Process {
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            plan,
            state: Mutex::new(State::Down),
        }
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves the state as it was: each change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts it; returns when the process exists, not when it is ready.
    pub(crate) fn start(&self) -> Result<(), StackError> {
        let mut state = self.state();
        match &*state {
            State::Up(_) => return Ok(()),
            State::Closed => return Err(self.refuse("start", "its stack has been stopped")),
            State::Down => {}
        }
        let mark = log::mark(&self.plan.log());
        let mut keeper = self.keeper().and_then(|mut command| {
            command
                .spawn()
                .map_err(|error| StackError::prepare(format!("starting {}", self.plan.name), error))
        })?;
        // The keeper prints the id or ends: this cannot wait for ever.
        let mut line = String::new();
        if let Some(output) = keeper.stdout.take() {
            BufReader::new(output)
                .read_line(&mut line)
                .map_err(|error| self.refuse("start", error))?;
        }
        let Some(pid) = line.trim().parse().ok().and_then(Pid::from_raw) else {
            let _ = keeper.wait();
            return Err(self.failure("could not be started".into(), mark));
        };
        *state = State::Up(Running { keeper, pid });
        Ok(())
    }

    fn keeper(&self) -> Result<Command, StackError> {
        let path = self.plan.log();
        let log: File = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(StackError::io("opening", &path))?;
        let mut command = Command::new(&self.plan.launcher);
        command
            .arg("keep")
            .arg("--run")
            .arg(&self.plan.run)
            .arg("--")
            .arg(&self.plan.program)
            .args(&self.plan.arguments)
            .envs(self.plan.environment.iter().map(|(key, value)| (key, value)))
            .current_dir(&self.plan.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            // Ctrl-C at the terminal reaches the foreground group: it is ours to drain first, not the servers' to die.
            .process_group(0);
        Ok(command)
    }

    /// Its id, while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.state()
            .alive()
            .and_then(|pid| u32::try_from(pid.as_raw_nonzero().get()).ok())
    }

    /// How it ended, if it was started and has ended.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        match &mut *self.state() {
            State::Up(running) => running.keeper.try_wait().ok().flatten(),
            _ => None,
        }
    }

    /// Signals it.
    pub(crate) fn signal(&self, action: &'static str, signal: Signal) -> Result<(), StackError> {
        let mut state = self.state();
        let Some(pid) = state.alive() else {
            return Err(self.refuse(action, "it is not running"));
        };
        kill_process(pid, signal).map_err(|error| self.refuse(action, error))
    }

    /// Sends SIGKILL and does not wait.
    pub(crate) fn strike(&self) {
        if let Some(pid) = self.state().alive() {
            // Gone in this moment is as good.
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Kills it and waits until it is gone.
    pub(crate) fn kill(&self) -> Result<(), StackError> {
        self.strike();
        let mut state = self.state();
        let State::Up(running) = &mut *state else { return Ok(()) };
        let struck = Instant::now();
        loop {
            match running.keeper.try_wait() {
                Ok(Some(_)) => break,
                Ok(None) if struck.elapsed() < GONE_LIMIT => thread::sleep(Duration::from_millis(2)),
                Ok(None) => return Err(self.refuse("end", format!("it is still there after {GONE_LIMIT:?}"))),
                Err(error) => return Err(self.refuse("end", error)),
            }
        }
        *state = State::Down;
        Ok(())
    }

    /// Kills it for good.
    pub(crate) fn close(&self) -> Result<(), StackError> {
        let killed = self.kill();
        let mut state = self.state();
        if let State::Down = *state {
            *state = State::Closed;
        }
        killed
    }

    /// The error of a server that failed, with its last words since `mark`.
    pub(crate) fn failure(&self, what: String, mark: u64) -> StackError {
        log::failure(&self.plan.name, &self.plan.log(), what, mark)
    }

    fn refuse(&self, action: &'static str, why: impl ToString) -> StackError {
        StackError::Control {
            server: self.plan.name.clone(),
            action,
            why: why.to_string(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.close();
    }
}
