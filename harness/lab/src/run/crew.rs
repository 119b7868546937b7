//! The processes of the pipeline, and the supervisor's rule: a worker that dies is replaced.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::Board;
use super::child::{Child, Ended};

/// Name of the ingest process.
pub(crate) const INGEST: &str = "ingest";

/// The processes of a run.
pub(crate) struct Crew {
    program: PathBuf,
    logs: PathBuf,
    worker_args: Vec<OsString>,
    board: Arc<Mutex<Board>>,
    ends: mpsc::UnboundedSender<Ended>,
    children: Mutex<Vec<Arc<Child>>>,
    workers_started: AtomicU32,
}

impl Crew {
    /// Nobody yet. `worker_args` are what every worker gets beside its name.
    pub(crate) fn new(
        program: PathBuf,
        logs: PathBuf,
        worker_args: Vec<OsString>,
        board: Arc<Mutex<Board>>,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Ended>) {
        let (ends, ended) = mpsc::unbounded_channel();
        let crew = Self {
            program,
            logs,
            worker_args,
            board,
            ends,
            children: Mutex::default(),
            workers_started: AtomicU32::new(0),
        };
        (Arc::new(crew), ended)
    }

    fn children(&self) -> MutexGuard<'_, Vec<Arc<Child>>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self, name: &str, args: &[OsString]) -> io::Result<Arc<Child>> {
        let (board, ends) = (Arc::clone(&self.board), self.ends.clone());
        let child = Child::start(name, &self.program, args, &self.logs, board, ends)?;
        self.children().push(Arc::clone(&child));
        Ok(child)
    }

    /// Starts the ingest process.
    pub(crate) fn start_ingest(&self, args: &[OsString]) -> io::Result<Arc<Child>> {
        self.start(INGEST, args)
    }

    /// Starts one more worker process. Every process gets a name of its own, also one that replaces another: the one that
    /// it replaces may be frozen and not dead.
    pub(crate) fn start_worker(&self) -> io::Result<Arc<Child>> {
        let number = self.workers_started.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("worker-{number}");
        let mut args = self.worker_args.clone();
        args.extend(["--name".into(), name.clone().into()]);
        self.start(&name, &args)
    }

    /// The ingest process, while it runs.
    pub(crate) fn ingest(&self) -> Option<Arc<Child>> {
        self.children().iter().find(|child| child.name() == INGEST).cloned()
    }

    /// The worker processes that run, frozen ones too.
    pub(crate) fn workers(&self) -> Vec<Arc<Child>> {
        self.children()
            .iter()
            .filter(|child| child.name() != INGEST)
            .cloned()
            .collect()
    }

    /// Takes note of an end.
    pub(crate) fn ended(&self, ended: &Ended) {
        self.children().retain(|child| child.pid() != ended.pid);
    }

    /// Ends everybody at once.
    pub(crate) fn dismiss(&self) {
        for child in self.children().iter() {
            child.dismiss();
        }
    }

    /// What the processes have reported.
    pub(crate) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
