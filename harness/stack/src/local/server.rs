//! A local server: a process, how to tell that it is ready, and what [`crate::Server`] can do to it.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::links::Links;
use super::process::{Plan, Process};
use crate::error::StackError;
use crate::log;
use crate::ready::{LOOK, PORT_LIMIT, Probe, READY_LIMIT};
use crate::server::{Control, no_links};

/// How a start went that did not fail for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    Ready,
    /// Another program holds one of its ports; it has ended.
    PortTaken,
}

/// One process with its probe.
pub(crate) struct LocalServer {
    process: Process,
    probe: Probe,
    links: Option<Arc<Links>>,
}

impl LocalServer {
    pub(crate) fn new(plan: Plan, probe: Probe, links: Option<Arc<Links>>) -> Self {
        Self {
            process: Process::new(plan),
            probe,
            links,
        }
    }

    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// Starts it and waits until it is ready.
    pub(crate) fn start(&self) -> Result<Start, StackError> {
        let mark = log::mark(&self.process.plan().log());
        self.process.start()?;
        self.wait(mark)
    }

    fn wait(&self, mark: u64) -> Result<Start, StackError> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.process.ended() {
                self.process.kill()?;
                if log::speaks_of_taken_port(&log::since(&self.process.plan().log(), mark)) {
                    return Ok(Start::PortTaken);
                }
                return Err(self.process.failure(format!("ended while starting ({status})"), mark));
            }
            let answer = (self.probe)(mark);
            if matches!(answer, Ok(true)) {
                return Ok(Start::Ready);
            }
            if started.elapsed() > READY_LIMIT {
                let why = answer.err().map(|error| format!(" ({error})")).unwrap_or_default();
                return Err(self
                    .process
                    .failure(format!("was not ready after {} s{why}", READY_LIMIT.as_secs()), mark));
            }
            thread::sleep(LOOK);
        }
    }
}

impl Control for LocalServer {
    fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    fn is_alive(&self) -> bool {
        self.process.pid().is_some()
    }

    fn kill(&self) -> Result<(), StackError> {
        self.process.kill()
    }

    fn restart(&self) -> Result<(), StackError> {
        self.process.kill()?;
        let asked = Instant::now();
        let mut attempts = 0;
        // The ports are known to clients: other ones would be another server. So wait for them to come free.
        loop {
            attempts += 1;
            match self.start()? {
                Start::Ready => return Ok(()),
                Start::PortTaken if asked.elapsed() < PORT_LIMIT => thread::sleep(Duration::from_millis(200)),
                Start::PortTaken => {
                    let plan = self.process.plan();
                    let (server, log) = (plan.name.clone(), plan.log());
                    return Err(StackError::PortsTaken {
                        server,
                        ports: "the ones it had".into(),
                        attempts,
                        log,
                    });
                }
            }
        }
    }

    fn freeze(&self) -> Result<(), StackError> {
        self.process.signal("freeze", Signal::STOP)
    }

    fn thaw(&self) -> Result<(), StackError> {
        self.process.signal("thaw", Signal::CONT)
    }

    fn cut(&self) -> Result<(), StackError> {
        let links = self.links.as_ref();
        links
            .map(|links| links.cut())
            .ok_or_else(|| no_links(&self.process.plan().name, "be cut off"))
    }

    fn heal(&self) -> Result<(), StackError> {
        let links = self.links.as_ref();
        links
            .map(|links| links.heal())
            .ok_or_else(|| no_links(&self.process.plan().name, "be joined again"))
    }
}

impl fmt::Debug for LocalServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalServer")
            .field("process", &self.process)
            .finish_non_exhaustive()
    }
}
