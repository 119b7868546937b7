//! One set of servers for all processes of a test run: `lab test` opens a host, and each test process that wants servers
//! asks it by a socket.
//!
//! A host in the process that outlives all others, and not servers that the first test process leaves behind: so they go
//! when the run ends, however it ends, by the same keepers as those of any run.

mod attached;
#[cfg(test)]
mod tests;
mod words;

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::error::StackError;
use crate::spec::StackSpec;
use crate::stack::Stack;
use words::{LINE_LIMIT, Question, Reply, Servers};

/// Tells a test process where its host listens.
pub(crate) const VARIABLE: &str = "LAB_HOST";

/// Between two signs of life while servers are started, which takes minutes where they must be fetched first.
const SIGN: Duration = Duration::from_secs(2);
/// How long an asker may take to say what it wants, or to read an answer.
const ASKER_LIMIT: Duration = Duration::from_secs(10);

pub(crate) use attached::{attach, note};

/// Starts one set of servers when somebody asks for the first time, and tells everyone who asks where it is. Dropped, the
/// servers go.
#[derive(Debug)]
pub struct Host {
    folder: TempDir,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    spec: StackSpec,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
enum State {
    /// Nobody has asked.
    Idle,
    Starting,
    Up(Box<Stack>),
    Failed(String),
    Closed,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves the state as it was: each change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host {
    /// Listens, and starts nothing yet.
    ///
    /// # Errors
    /// No folder or no socket can be made.
    pub fn open(spec: StackSpec) -> Result<Self, StackError> {
        let failed = |error| StackError::prepare("making a place for the servers of the tests", error);
        // Readable for its owner alone, and a short path: a socket's has a hundred bytes.
        let folder = tempfile::Builder::new().prefix("tickbook-").tempdir().map_err(failed)?;
        let listener = UnixListener::bind(socket(folder.path())).map_err(failed)?;
        let shared = Arc::new(Shared {
            spec,
            state: Mutex::new(State::Idle),
            changed: Condvar::new(),
        });
        let listening = thread::spawn({
            let shared = Arc::clone(&shared);
            move || listen(&listener, &shared)
        });
        Ok(Self {
            folder,
            shared,
            listening: Some(listening),
        })
    }

    /// Starts them now. What test processes do to servers that stay is undone when it is over, also of those that were ended in
    /// the middle of it: they cannot themselves.
    pub fn start(&self) {
        start_once(&self.shared, &mut self.shared.state());
    }

    /// Starts them if nobody has, and tells whether they are there; `None` while they are being started, which may mean fetched.
    /// To be asked again: nobody's thread is to stand still for minutes.
    ///
    /// # Errors
    /// Why they cannot be had, in a sentence.
    pub fn ready(&self) -> Option<Result<(), String>> {
        self.start();
        match &*self.shared.state() {
            State::Up(_) => Some(Ok(())),
            State::Failed(sentence) => Some(Err(sentence.clone())),
            State::Closed => Some(Err("the test run is over".into())),
            State::Idle | State::Starting => None,
        }
    }

    /// The variable that a test process must have in its environment, and its value.
    pub fn variable(&self) -> (&'static str, PathBuf) {
        (VARIABLE, socket(self.folder.path()))
    }

    /// The folder of the servers, if anybody asked for them and they were started.
    pub fn run_dir(&self) -> Option<PathBuf> {
        match &*self.shared.state() {
            State::Up(stack) => Some(stack.run_dir().to_path_buf()),
            _ => None,
        }
    }

    /// Decides that the servers' logs are to stay; tells where, if there are any.
    pub fn keep_logs(&self) -> Option<PathBuf> {
        let state = self.shared.state();
        let State::Up(stack) = &*state else { return None };
        stack.keep_logs();
        Some(stack.run_dir().to_path_buf())
    }

    /// Ends the servers. Blocking, and not for an async runtime.
    ///
    /// # Errors
    /// As [`Stack::stop`].
    pub fn close(mut self) -> Result<(), StackError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), StackError> {
        let Some(listening) = self.listening.take() else {
            return Ok(());
        };
        // What is being started is dropped by the thread that starts it.
        let was = std::mem::replace(&mut *self.shared.state(), State::Closed);
        self.shared.changed.notify_all();
        // Wakes the listener, which then sees that it is over.
        if UnixStream::connect(socket(self.folder.path())).is_ok() {
            let _ = listening.join();
        }
        match was {
            State::Up(stack) => stack.end(),
            _ => Ok(()),
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::warn!(%error, "the servers of the tests did not go cleanly");
        }
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("host")
}

fn listen(listener: &UnixListener, shared: &Arc<Shared>) {
    for asker in listener.incoming() {
        if matches!(*shared.state(), State::Closed) {
            return;
        }
        let Ok(asker) = asker else {
            // No descriptor is free: one comes free when a test ends.
            thread::sleep(Duration::from_millis(20));
            continue;
        };
        let shared = Arc::clone(shared);
        // One thread for each asker: a test run has few at a time, and most only wait.
        thread::spawn(move || {
            // Who has gone meanwhile needs no answer.
            let _ = answer(&asker, &shared);
        });
    }
}

fn answer(asker: &UnixStream, shared: &Arc<Shared>) -> std::io::Result<()> {
    asker.set_read_timeout(Some(ASKER_LIMIT))?;
    asker.set_write_timeout(Some(ASKER_LIMIT))?;
    let mut line = String::new();
    BufReader::new(asker.take(LINE_LIMIT)).read_line(&mut line)?;
    match serde_json::from_str(&line)? {
        Question::Servers => servers(asker, shared),
        Question::Alive(server) => {
            let known = match &*shared.state() {
                State::Up(stack) => stack.server(&server).cloned(),
                _ => None,
            };
            say(asker, &Reply::Alive(known.is_some_and(|server| server.is_alive())))
        }
        Question::Made { topic, name } => {
            if let State::Up(stack) = &*shared.state()
                && let Some(made) = stack.kafka().notes()
            {
                match topic {
                    true => made.topic(&name),
                    false => made.database(&name),
                }
            }
            say(asker, &Reply::Noted)
        }
    }
}

/// Starts them if nobody has, and answers when they are there or cannot be had.
fn servers(asker: &UnixStream, shared: &Arc<Shared>) -> std::io::Result<()> {
    let asked = Instant::now();
    let mut state = shared.state();
    start_once(shared, &mut state);
    loop {
        let reply = match &*state {
            State::Up(stack) => Some(Reply::Servers(Box::new(Servers::of(stack)))),
            State::Failed(sentence) => Some(Reply::Failed(sentence.clone())),
            State::Closed => Some(Reply::Failed("the test run is over".into())),
            State::Idle | State::Starting => None,
        };
        match reply {
            Some(reply) => {
                drop(state);
                return say(asker, &reply);
            }
            None => {
                let (held, waited) = shared
                    .changed
                    .wait_timeout(state, SIGN)
                    .unwrap_or_else(PoisonError::into_inner);
                state = held;
                if waited.timed_out() {
                    drop(state);
                    say(asker, &Reply::Starting(asked.elapsed().as_secs()))?;
                    state = shared.state();
                }
            }
        }
    }
}

fn start_once(shared: &Arc<Shared>, state: &mut State) {
    if let State::Idle = *state {
        *state = State::Starting;
        let shared = Arc::clone(shared);
        thread::spawn(move || start(&shared));
    }
}

fn start(shared: &Shared) {
    let spec = shared.spec.clone();
    // A panic in there must reach the askers, too: nobody else would ever answer them.
    let started = std::panic::catch_unwind(|| Stack::start_blocking(&spec));
    let next = match started {
        Ok(Ok(stack)) => {
            stack.answer_for_all();
            State::Up(Box::new(stack))
        }
        Ok(Err(error)) => State::Failed(error.to_string()),
        Err(_) => State::Failed("the thread that started the servers panicked; its words are above".into()),
    };
    let mut state = shared.state();
    // Else it is over already: what was started is dropped, which ends it.
    if let State::Starting = *state {
        *state = next;
    }
    drop(state);
    shared.changed.notify_all();
}

fn say(mut asker: &UnixStream, reply: &Reply) -> std::io::Result<()> {
    let mut line = serde_json::to_string(reply)?;
    line.push('\n');
    asker.write_all(line.as_bytes())
}
