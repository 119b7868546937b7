//! Builds the test programs of a lab and runs their tests, each in a process of its own: a test that hangs, aborts or is killed
//! is then one red test with its reason, and not the end of all others.

pub(crate) mod build;
pub(crate) mod one;
pub(crate) mod words;

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use stack::Provider;

use super::manifest::{Layer, Manifest, TestName};
use crate::servers::Servers;
pub(crate) use build::{Binary, Build};
pub(crate) use one::Group;
pub(crate) use words::Words;

/// Tests at a time that need no servers: they mostly wait for a cluster in the process.
const AT_ONCE: usize = 8;
/// Tests at a time on servers.
const ON_SERVERS: usize = 2;

/// A test to run.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: TestName,
    pub(crate) layer: Layer,
    /// The program, and where it expects to run.
    pub(crate) path: PathBuf,
    pub(crate) folder: PathBuf,
}

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
    /// It met a `todo!` of this task.
    Unbuilt(u8),
    /// It was ended after this long.
    TooLong(Duration),
    /// Its process ended by itself: a signal's name, or an exit code that no test has.
    Died(String),
    /// It is marked `#[ignore]`, so nothing was tested.
    Ignored,
}

impl Outcome {
    /// What happened to a test that did not pass, in a line; empty where its own words say it.
    pub(crate) fn how(&self) -> String {
        match self {
            Self::Passed | Self::Failed => String::new(),
            Self::Unbuilt(task) => format!("it met task {task}, which is not built yet"),
            Self::TooLong(limit) => format!(
                "it did not end within {} s and was stopped: a loop without end, or a wait that nobody ends",
                limit.as_secs()
            ),
            Self::Died(how) => how.clone(),
            Self::Ignored => "it ended and no test ran; is it marked #[ignore]?".to_owned(),
        }
    }
}

/// A test that ran.
#[derive(Debug, Clone)]
pub(crate) struct Ran {
    pub(crate) name: TestName,
    pub(crate) layer: Layer,
    pub(crate) outcome: Outcome,
    pub(crate) words: Words,
}

impl Ran {
    pub(crate) fn passed(&self) -> bool {
        self.outcome == Outcome::Passed
    }
}

/// What goes on.
pub(crate) enum Event<'a> {
    Begins(&'a TestName),
    Ended(&'a Ran),
}

/// How to run.
#[derive(Debug, Clone, Default)]
pub(crate) struct How {
    /// For every test: where its servers are.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// One at a time: servers that are somebody's.
    pub(crate) alone: bool,
}

impl How {
    /// On these.
    pub(crate) fn on(servers: &Servers) -> Self {
        Self {
            environment: servers.environment(),
            alone: servers.provider() == Provider::External,
        }
    }
}

/// How long a test of a layer may take: its own limits are below that.
pub(crate) fn deadline(layer: Layer) -> Duration {
    Duration::from_secs(match layer {
        Layer::Pure => 20,
        Layer::Mock => 30,
        Layer::Server => 150,
    })
}

/// The tests that programs have, in the order of the programs in the manifest.
///
/// # Errors
/// A program does not say what tests it has.
pub(crate) async fn cases(manifest: &Manifest, built: &[Binary]) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    let order = manifest
        .programs
        .iter()
        .map(|program| program.name.as_str())
        .chain(["mine"]);
    for binary in order.filter_map(|name| built.iter().find(|binary| binary.program == name)) {
        // The reader's own tests may use anything: they are given the time of servers.
        let layer = manifest.layer(&binary.program).unwrap_or(Layer::Server);
        for test in one::list(binary).await? {
            cases.push(Case {
                name: TestName {
                    program: binary.program.clone(),
                    test,
                },
                layer,
                path: binary.path.clone(),
                folder: binary.folder.clone(),
            });
        }
    }
    Ok(cases)
}

/// Runs them in this order, some at a time, and tells what goes on. Dropped, it ends what runs.
///
/// # Errors
/// A program cannot be started.
pub(crate) async fn run(cases: Vec<Case>, how: &How, mut tell: impl FnMut(Event<'_>)) -> anyhow::Result<Vec<Ran>> {
    let mut waiting = VecDeque::from(cases);
    let mut running = FuturesUnordered::new();
    let mut done = Vec::new();
    let mut on_servers = 0;
    loop {
        while let Some(case) = waiting.front() {
            let server = case.layer == Layer::Server;
            let at_once = if how.alone { 1 } else { AT_ONCE };
            if running.len() >= at_once || (server && on_servers >= ON_SERVERS) {
                break;
            }
            let Some(case) = waiting.pop_front() else { break };
            tell(Event::Begins(&case.name));
            on_servers += usize::from(server);
            running.push(one::run(case, how));
        }
        let Some(ran) = running.next().await else {
            return Ok(done);
        };
        let ran: Ran = ran?;
        on_servers -= usize::from(ran.layer == Layer::Server);
        tell(Event::Ended(&ran));
        done.push(ran);
    }
}
