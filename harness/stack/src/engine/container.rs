//! One server in a container: its log, how to tell that it is ready, and what [`crate::Server`] can do to it.

mod copy;
mod link;

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::models::{ContainerState, NetworkDisconnectRequest};
use testcontainers::bollard::query_parameters::{KillContainerOptionsBuilder, RemoveContainerOptionsBuilder};
use testcontainers::{ContainerAsync, GenericImage};
use tokio::task::JoinHandle;

use super::{LIMIT, ask, ask_again, spawn};
use crate::error::StackError;
use crate::log;
use crate::ready::{LOOK, PORT_LIMIT, Probe, READY_LIMIT};
use crate::server::{Control, no_links};

pub(crate) use link::{Link, connect};

/// How long the last words of a container that has ended may take to reach our file.
const LAST_WORDS_LIMIT: Duration = Duration::from_secs(3);

/// Copies what the container says into a file.
struct Follower {
    /// Bytes copied so far: after a restart the engine begins again at the first.
    written: Arc<AtomicU64>,
    /// Seconds of the epoch before which nothing is of interest.
    since: i32,
    task: Option<JoinHandle<()>>,
}

/// A container, running or not.
pub(crate) struct Container {
    name: String,
    id: String,
    docker: Docker,
    log: PathBuf,
    probe: Probe,
    link: Option<Link>,
    follower: Mutex<Follower>,
    /// The stack has been stopped: nothing may start it again, or hurt it.
    closed: AtomicBool,
    /// It was told to die, to freeze or to be cut off. For good: what the engine was late with, or was asked while all came
    /// to an end, may take effect after it was undone.
    hurt: AtomicBool,
    /// Who tells it something: what has begun is over before it is mended.
    telling: Mutex<()>,
    /// Of one that we started, until it is removed.
    owned: Mutex<Option<ContainerAsync<GenericImage>>>,
}

impl Container {
    /// One that exists, ours or not. `since` is the second from which its log is of interest.
    pub(crate) fn new(name: &str, id: &str, docker: Docker, log: PathBuf, probe: Probe, since: i32) -> Self {
        Self {
            name: name.to_owned(),
            id: id.to_owned(),
            docker,
            log,
            probe,
            link: None,
            follower: Mutex::new(Follower {
                written: Arc::default(),
                since,
                task: None,
            }),
            closed: AtomicBool::new(false),
            hurt: AtomicBool::new(false),
            telling: Mutex::default(),
            owned: Mutex::new(None),
        }
    }

    /// With a network that it can be cut off from.
    pub(crate) fn linked(mut self, link: Option<Link>) -> Self {
        self.link = link;
        self
    }

    /// As ours: to be removed with [`Container::remove`].
    pub(crate) fn owned(self, container: ContainerAsync<GenericImage>) -> Self {
        *lock(&self.owned) = Some(container);
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.log.clone()
    }

    /// From now on nothing starts it again, or hurts it.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Somebody else may hurt it.
    pub(crate) fn suspect(&self) {
        self.hurt.store(true, Ordering::Release);
    }

    /// Closes it and undoes whatever was done to it: for one that stays when its run ends in the middle of a fault. Each
    /// step has the limit of its own.
    pub(crate) fn mend(&self) -> Result<(), StackError> {
        self.close();
        let _telling = lock(&self.telling);
        if !self.hurt.load(Ordering::Acquire) {
            return Ok(());
        }
        if self.state()?.paused == Some(true) {
            self.thaw()?;
        }
        // Before it starts: a broker without its controller is never ready.
        if self.link.is_some() {
            self.heal()?;
        }
        match self.is_alive() {
            true => Ok(()),
            false => self.revive(),
        }
    }

    /// Whoever holds this may hurt it; remembered before it is done.
    fn hurting(&self, action: &'static str) -> Result<MutexGuard<'_, ()>, StackError> {
        let telling = lock(&self.telling);
        if self.closed.load(Ordering::Acquire) {
            return Err(self.refuse(action, "its stack has been stopped"));
        }
        self.hurt.store(true, Ordering::Release);
        Ok(telling)
    }

    /// SIGKILL, and waits until it is gone.
    fn end(&self) -> Result<(), StackError> {
        self.ask("die", |docker, id| async move {
            let options = KillContainerOptionsBuilder::new().signal("SIGKILL").build();
            match docker.kill_container(&id, Some(options)).await {
                // It does not run.
                Err(Error::DockerResponseServerError { status_code: 409, .. }) => Ok(()),
                // It has the signal.
                Err(error) if is_zombie(&error) => Ok(()),
                done => done,
            }
        })?;
        let struck = Instant::now();
        // Not `is_alive`: an engine that does not say is no server that has ended.
        while self.state()?.running == Some(true) {
            if struck.elapsed() > LIMIT {
                return Err(self.refuse("end", format!("it is still there after {LIMIT:?}")));
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Starts one that has ended, and waits until it is ready.
    fn revive(&self) -> Result<(), StackError> {
        self.settle();
        let mark = log::mark(&self.log);
        let (asked, mut attempts) = (Instant::now(), 1);
        // The ports are known to clients: other ones would be another server. So wait for them to come free.
        while !self.start()? {
            if asked.elapsed() > PORT_LIMIT {
                return Err(StackError::PortsTaken {
                    server: self.name.clone(),
                    ports: "the ones it had".into(),
                    attempts,
                    log: self.log.clone(),
                });
            }
            attempts += 1;
            thread::sleep(Duration::from_millis(200));
        }
        self.follow()?;
        self.wait(mark)
    }

    /// Hands over what [`Container::owned`] took.
    pub(crate) fn disown(&self) -> Option<ContainerAsync<GenericImage>> {
        lock(&self.owned).take()
    }

    /// Removes it, if it is ours.
    pub(crate) fn remove(&self) -> Result<(), StackError> {
        match self.disown() {
            Some(container) => {
                ask("be removed", LIMIT, async move { container.rm().await }).or_else(|error| match error {
                    StackError::Engine { why, .. } if why.contains(ZOMBIE) => {
                        self.ask("be removed", |docker, id| async move { force_away(&docker, &id).await })
                    }
                    error => Err(self.told("be removed", error)),
                })
            }
            None => Ok(()),
        }
    }

    /// Copies its log from now on, until it ends.
    pub(crate) fn follow(&self) -> Result<(), StackError> {
        self.settle();
        let mut follower = lock(&self.follower);
        let (docker, id, path) = (self.docker.clone(), self.id.clone(), self.log.clone());
        let (since, written) = (follower.since, Arc::clone(&follower.written));
        follower.task = Some(spawn(async move {
            if let Err(error) = copy::copy(&docker, &id, since, &path, &written).await {
                tracing::warn!(%error, log = %path.display(), "the log of a container is lost");
            }
        })?);
        Ok(())
    }

    /// Waits until the log of a container that has ended is whole.
    fn settle(&self) {
        if let Some(task) = lock(&self.follower).task.take() {
            let abort = task.abort_handle();
            if ask("reading a container's last words", LAST_WORDS_LIMIT, task).is_err() {
                abort.abort();
            }
        }
    }

    /// Waits until it is ready. `mark` is where in its log this start begins.
    pub(crate) fn wait(&self, mark: u64) -> Result<(), StackError> {
        let started = Instant::now();
        loop {
            let state = self.state()?;
            if state.running != Some(true) {
                self.settle();
                let code = state.exit_code.unwrap_or(-1);
                return Err(self.failure(format!("ended while starting (exit code {code})"), mark));
            }
            let answer = (self.probe)(mark);
            if matches!(answer, Ok(true)) {
                return Ok(());
            }
            if started.elapsed() > READY_LIMIT {
                let why = answer.err().map(|error| format!(" ({error})")).unwrap_or_default();
                return Err(self.failure(format!("was not ready after {} s{why}", READY_LIMIT.as_secs()), mark));
            }
            thread::sleep(LOOK);
        }
    }

    fn failure(&self, what: String, mark: u64) -> StackError {
        log::failure(&self.name, &self.log, what, mark)
    }

    fn state(&self) -> Result<ContainerState, StackError> {
        let found = self.ask("be asked how it is", |docker, id| async move {
            docker.inspect_container(&id, None).await
        })?;
        Ok(found.state.unwrap_or_default())
    }

    /// Asks the engine, who knows the container by its id. Nothing that is asked here does more when it is asked twice.
    fn ask<T, E, F>(&self, action: &'static str, work: impl Fn(Docker, String) -> F) -> Result<T, StackError>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: fmt::Display + Send + 'static,
    {
        ask_again(action, LIMIT, || work(self.docker.clone(), self.id.clone()))
            .map_err(|error| self.told(action, error))
    }

    fn told(&self, action: &'static str, error: StackError) -> StackError {
        match error {
            StackError::Engine { why, .. } if why.contains("is not running") => {
                self.refuse(action, "it is not running")
            }
            StackError::Engine { why, .. } => self.refuse(action, why),
            other => self.refuse(action, other),
        }
    }

    fn refuse(&self, action: &'static str, why: impl ToString) -> StackError {
        StackError::Control {
            server: self.name.clone(),
            action,
            why: why.to_string(),
        }
    }

    /// Starts it again; `false` when somebody else holds one of its ports.
    fn start(&self) -> Result<bool, StackError> {
        match self.ask(
            "start",
            |docker, id| async move { docker.start_container(&id, None).await },
        ) {
            Ok(()) => Ok(true),
            Err(error) if speaks_of_taken_port(&error.to_string()) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Ends a container and removes it with its volumes.
pub(crate) async fn force_away(docker: &Docker, container: &str) -> Result<(), Error> {
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    let mut done = docker.remove_container(container, Some(options.clone())).await;
    // It has the signal, and by now the last of its threads has found a processor.
    if done.as_ref().is_err_and(is_zombie) {
        done = docker.remove_container(container, Some(options)).await;
    }
    match done {
        // It never came to be, or is gone.
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
        done => done,
    }
}

/// What the engine says when it has waited ten seconds for a container to die of its signal, and gave up.
const ZOMBIE: &str = "is zombie";

fn is_zombie(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { message, .. } if message.contains(ZOMBIE))
}

/// Whether the engine's words say that another program holds a port.
pub(crate) fn speaks_of_taken_port(words: &str) -> bool {
    log::speaks_of_taken_port(words)
        || words.contains("address already in use")
        || words.contains("port is already allocated")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves what is inside as it was: each change is one assignment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Control for Container {
    fn pid(&self) -> Option<u32> {
        let state = self.state().ok()?;
        let pid = u32::try_from(state.pid?).ok().filter(|pid| *pid > 0)?;
        // Where the engine runs in a machine of its own, that id is another's here.
        let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        groups.contains(&self.id).then_some(pid)
    }

    fn is_alive(&self) -> bool {
        self.state().is_ok_and(|state| state.running == Some(true))
    }

    fn kill(&self) -> Result<(), StackError> {
        let _telling = self.hurting("die")?;
        self.end()
    }

    fn restart(&self) -> Result<(), StackError> {
        let telling = self.hurting("start")?;
        self.end()?;
        // Not held while it starts, which takes longest: one that is mended meanwhile is started, and no more.
        drop(telling);
        self.revive()
    }

    fn freeze(&self) -> Result<(), StackError> {
        let _telling = self.hurting("freeze")?;
        self.ask("freeze", |docker, id| async move {
            match docker.pause_container(&id).await {
                Err(Error::DockerResponseServerError { message, .. }) if message.contains("is already paused") => {
                    Ok(())
                }
                done => done,
            }
        })
    }

    fn thaw(&self) -> Result<(), StackError> {
        self.ask("thaw", |docker, id| async move {
            match docker.unpause_container(&id).await {
                Err(Error::DockerResponseServerError { message, .. }) if message.contains("is not paused") => Ok(()),
                done => done,
            }
        })
    }

    fn cut(&self) -> Result<(), StackError> {
        let Some(link) = self.link.clone() else {
            return Err(no_links(&self.name, "be cut off"));
        };
        let _telling = self.hurting("be cut off")?;
        self.ask("be cut off", |docker, id| {
            let network = link.network.clone();
            let request = NetworkDisconnectRequest {
                container: id,
                force: Some(false),
            };
            async move {
                match docker.disconnect_network(&network, request).await {
                    Err(Error::DockerResponseServerError { message, .. }) if message.contains("is not connected") => {
                        Ok(())
                    }
                    done => done,
                }
            }
        })
    }

    fn heal(&self) -> Result<(), StackError> {
        let Some(link) = self.link.clone() else {
            return Err(no_links(&self.name, "be joined again"));
        };
        self.ask("be joined again", |docker, id| {
            let link = link.clone();
            async move { connect(&docker, &id, link).await }
        })
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            tracing::warn!(%error, "a container stays behind");
        }
    }
}

impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Container")
            .field("name", &self.name)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
