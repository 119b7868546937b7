//! One server process and what can be done to it. Every provider gives its servers this handle.

mod hands_off;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::StackError;
use crate::rename::RenameTrap;

pub(crate) use hands_off::{HandsOff, Known};

/// What a provider must be able to do to one server. Calls may block; [`Server`] keeps them off the async threads.
pub(crate) trait Control: Send + Sync + 'static {
    /// Process id on this machine, while it runs and if it is a process here.
    fn pid(&self) -> Option<u32>;
    /// Whether it runs (a frozen one does).
    fn is_alive(&self) -> bool;
    /// SIGKILL, and wait until it is gone. Killing a dead server is no error.
    fn kill(&self) -> Result<(), StackError>;
    /// Kill it if it runs, start it on the same ports and data, wait until it answers a round trip.
    fn restart(&self) -> Result<(), StackError>;
    /// SIGSTOP.
    fn freeze(&self) -> Result<(), StackError>;
    /// SIGCONT.
    fn thaw(&self) -> Result<(), StackError>;
    /// Cuts its links to the rest of its cluster, not those to its clients. A server without such links says so.
    fn cut(&self) -> Result<(), StackError>;
    /// Joins them again. Healing what is whole is no error.
    fn heal(&self) -> Result<(), StackError>;
    /// Whether it may be killed at a system call: strace does that, without asking us.
    fn may_be_trapped(&self) -> Result<(), StackError> {
        Ok(())
    }
}

/// A running, frozen or killed server.
#[derive(Clone)]
pub struct Server {
    name: Arc<str>,
    log: Arc<Path>,
    control: Arc<dyn Control>,
}

impl Server {
    pub(crate) fn new(name: &str, log: PathBuf, control: Arc<dyn Control>) -> Self {
        Self {
            name: name.into(),
            log: log.into(),
            control,
        }
    }

    /// Such as `kafka-1` or `clickhouse`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.control.pid()
    }

    /// Where its output goes; restarts append.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Whether its process exists; a frozen one does.
    pub fn is_alive(&self) -> bool {
        self.control.is_alive()
    }

    /// Kills it at once (SIGKILL), and returns when it is gone. Its data and ports stay its own.
    ///
    /// # Errors
    /// Where the process does not go.
    pub async fn kill(&self) -> Result<(), StackError> {
        self.off_thread("kill", |control| control.kill()).await
    }

    /// Starts it on the same ports and data, killing it first if it runs; returns when it answers a real round trip.
    ///
    /// # Errors
    /// Where it does not become ready; the error names the log.
    pub async fn restart(&self) -> Result<(), StackError> {
        self.off_thread("restart", |control| control.restart()).await
    }

    /// Sets a trap: the server is killed as it enters its next rename, which is how a new part of a table, or a new
    /// segment of a log, becomes visible.
    ///
    /// # Errors
    /// Where strace is missing or may not trace here, the server is no process of this machine, or others use it.
    pub async fn kill_at_rename(&self) -> Result<RenameTrap, StackError> {
        self.control.may_be_trapped()?;
        RenameTrap::set(self).await
    }

    /// Stops it from running without ending it (SIGSTOP): sockets stay open, nothing answers.
    ///
    /// # Errors
    /// Where it does not run.
    pub async fn freeze(&self) -> Result<(), StackError> {
        self.off_thread("freeze", |control| control.freeze()).await
    }

    /// Lets a frozen server go on (SIGCONT).
    ///
    /// # Errors
    /// Where it does not run.
    pub async fn thaw(&self) -> Result<(), StackError> {
        self.off_thread("thaw", |control| control.thaw()).await
    }

    /// Cuts a broker off from the other brokers and the controller: nothing comes through, no connection is closed, and
    /// clients still reach it. So it goes on as if it were the leader until it learns better.
    ///
    /// # Errors
    /// [`StackError::Control`] for a server that is no broker of several.
    pub async fn cut(&self) -> Result<(), StackError> {
        self.off_thread("cut", |control| control.cut()).await
    }

    /// Joins what [`Server::cut`] has cut.
    ///
    /// # Errors
    /// Where the links cannot be made again.
    pub async fn heal(&self) -> Result<(), StackError> {
        self.off_thread("heal", |control| control.heal()).await
    }

    async fn off_thread(
        &self,
        action: &'static str,
        act: impl FnOnce(&dyn Control) -> Result<(), StackError> + Send + 'static,
    ) -> Result<(), StackError> {
        let control = Arc::clone(&self.control);
        blocking(action, move || act(&*control)).await
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("name", &self.name)
            .field("pid", &self.pid())
            .field("log", &self.log)
            .finish()
    }
}

/// Runs blocking work on the runtime's blocking threads. Starting and stopping servers is waiting on processes and
/// files; doing it blocking keeps every server free of the runtime that happened to start it.
pub(crate) async fn blocking<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> Result<T, StackError> + Send + 'static,
) -> Result<T, StackError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(gone) => Err(StackError::prepare(doing, gone)),
    }
}

/// Why a server cannot be cut off.
pub(crate) fn no_links(server: &str, action: &'static str) -> StackError {
    StackError::Control {
        server: server.to_owned(),
        action,
        why: "only a broker of several has links to others; use --brokers 3".into(),
    }
}
