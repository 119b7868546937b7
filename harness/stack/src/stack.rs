//! One handle over the servers of a run, whoever provides them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Once, PoisonError};

use tokio::sync::OnceCell;

use crate::clickhouse::ClickHouse;
use crate::containers;
use crate::engine::must_answer;
use crate::error::StackError;
use crate::external;
use crate::host;
use crate::kafka::Kafka;
use crate::local;
use crate::rundir::{self, RunDir};
use crate::server::{Server, blocking};
use crate::spec::{Provider, StackSpec};

/// What a provider hands over. A provider is a function that returns this; nothing else of it is known here.
pub(crate) struct Launched {
    pub(crate) kafka: Kafka,
    pub(crate) clickhouse: ClickHouse,
    /// What runs, by name; see [`Stack::versions`].
    pub(crate) versions: BTreeMap<String, String>,
    pub(crate) lease: Box<dyn Lease>,
}

/// What must be given back when the run is over. Calls may block.
pub(crate) trait Lease: fmt::Debug + Send + Sync + 'static {
    /// The folder of the run, and what of it is to stay.
    fn run(&self) -> &RunDir;
    /// From now on the end undoes what others did to servers that stay, too: processes that were ended before they could.
    fn answer_for_all(&self) {}
    /// Ends the servers, removes what is not to be kept. A second time does nothing.
    fn end(&self) -> Result<(), StackError>;
}

/// Kafka and ClickHouse, started for one run. Dropping it kills the servers and removes the run directory, as
/// [`Stack::stop`] does; in a panic the logs stay.
#[derive(Debug)]
pub struct Stack {
    provider: Provider,
    kafka: Kafka,
    clickhouse: ClickHouse,
    versions: BTreeMap<String, String>,
    lease: Ending,
    run_dir: PathBuf,
}

/// Ends a stack, once, by whoever comes first: also when its owner is lost among tasks that nobody waits for any more.
#[derive(Clone, Debug)]
pub struct Ending(Arc<Mutex<Option<Box<dyn Lease>>>>);

impl Ending {
    /// Of a stack that another process ends there is none.
    pub(crate) fn of(lease: Option<Box<dyn Lease>>) -> Self {
        Self(Arc::new(Mutex::new(lease)))
    }

    fn answer_for_all(&self) {
        let lease = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lease) = &*lease {
            lease.answer_for_all();
        }
    }

    /// As [`Stack::stop`], or nothing if that has been done; returns when it has. Blocking.
    ///
    /// # Errors
    /// As [`Stack::stop`].
    pub fn now(&self) -> Result<(), StackError> {
        // Held to the end: who comes second waits.
        let mut lease = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lease.take().map_or(Ok(()), |lease| lease.end())
    }
}

static SHARED: OnceCell<Result<Stack, Arc<StackError>>> = OnceCell::const_new();

impl Stack {
    /// Starts the servers and returns when both answer a round trip; fetches what is missing first.
    ///
    /// # Errors
    /// What cannot be fetched or started; the sentence says what to do.
    pub async fn start(spec: StackSpec) -> Result<Self, StackError> {
        blocking("starting the servers", move || Self::start_blocking(&spec)).await
    }

    /// Looks whether such a stack can be started at all, before anything is built or fetched for it. Blocking, and not for
    /// an async runtime.
    ///
    /// # Errors
    /// It cannot; the sentence says what to do.
    pub fn check(spec: &StackSpec) -> Result<(), StackError> {
        match spec.provider.resolve() {
            Provider::Containers => must_answer(),
            Provider::External => external::check(spec.brokers),
            Provider::Auto | Provider::Local if cfg!(target_os = "linux") => Ok(()),
            provider => Err(StackError::Unavailable {
                provider,
                why: "its servers are programs for Linux".into(),
                instead: "--stack containers",
            }),
        }
    }

    pub(crate) fn start_blocking(spec: &StackSpec) -> Result<Self, StackError> {
        let provider = spec.provider.resolve();
        let launched = match provider {
            Provider::Auto | Provider::Local => local::launch(spec)?,
            Provider::Containers => containers::launch(spec)?,
            Provider::External => external::launch(spec)?,
        };
        let Launched {
            kafka,
            clickhouse,
            versions,
            lease,
        } = launched;
        let run_dir = lease.run().path().to_path_buf();
        Ok(Self {
            provider,
            kafka,
            clickhouse,
            versions,
            lease: Ending::of(Some(lease)),
            run_dir,
        })
    }

    pub(crate) fn answer_for_all(&self) {
        self.lease.answer_for_all();
    }

    /// The stack of a [`Host`](crate::Host) in another process, which ends it.
    pub(crate) fn attached(
        provider: Provider,
        kafka: Kafka,
        clickhouse: ClickHouse,
        versions: BTreeMap<String, String>,
        run_dir: PathBuf,
    ) -> Self {
        Self {
            provider,
            kafka,
            clickhouse,
            versions,
            lease: Ending::of(None),
            run_dir,
        }
    }

    /// The stack that all tests share: those of the whole test run under `lab test`, where its servers cannot be hurt;
    /// else those of this process, started by the first who asks, on what `LAB_STACK` says. It belongs to no async runtime;
    /// it goes when the test run or the process goes, however that ends. If a test panics, the servers' logs stay.
    ///
    /// # Errors
    /// As [`Stack::start`]; everyone who asks hears the same.
    pub async fn shared() -> Result<&'static Self, StackError> {
        let started = SHARED
            .get_or_init(|| async {
                match std::env::var_os(host::VARIABLE) {
                    Some(socket) => {
                        let attach = move || host::attach(Path::new(&socket));
                        let stack = blocking("asking for the servers of this test run", attach).await;
                        let stack = stack.map_err(Arc::new)?;
                        keep_logs_on_panic(&stack.run_dir);
                        Ok(stack)
                    }
                    None => Self::own(0).await.map_err(Arc::new),
                }
            })
            .await;
        started.as_ref().map_err(|error| StackError::Shared(Arc::clone(error)))
    }

    /// Servers that only the caller uses and may hurt, on the stack that `LAB_STACK` chooses; external ones are the same
    /// for all, so there whoever hurts them must be alone. 0 brokers are as many as such a stack has. If a test panics, the
    /// servers' logs stay.
    ///
    /// # Errors
    /// As [`Stack::start`].
    pub async fn own(brokers: u8) -> Result<Self, StackError> {
        // Nothing is shown unless something must be fetched.
        let spec = StackSpec {
            provider: Provider::from_env()?,
            brokers,
            progress: true,
            ..StackSpec::default()
        };
        let stack = Self::start(spec).await?;
        keep_logs_on_panic(&stack.run_dir);
        Ok(stack)
    }

    /// Kafka.
    pub fn kafka(&self) -> &Kafka {
        &self.kafka
    }

    /// ClickHouse.
    pub fn clickhouse(&self) -> &ClickHouse {
        &self.clickhouse
    }

    /// Who provides the servers; never [`Provider::Auto`].
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// Logs, configuration and data of this run.
    pub fn run_dir(&self) -> &Path {
        &self.run_dir
    }

    /// The versions of the servers that were started, by their names (`ClickHouse`, `Kafka`). Known since the start:
    /// it can be asked when a server has just been killed, and starts no program.
    pub fn versions(&self) -> &BTreeMap<String, String> {
        &self.versions
    }

    /// Decides, after all, that the run directory is to stay.
    pub fn keep(&self) {
        rundir::keep(&self.run_dir);
    }

    /// Decides, after all, that logs and configuration are to stay in the run directory, because something failed. The
    /// data goes; what [`Stack::keep`] keeps is not lessened.
    pub fn keep_logs(&self) {
        rundir::keep_logs(&self.run_dir);
    }

    /// One of its servers by name.
    pub(crate) fn server(&self, name: &str) -> Option<&Server> {
        let clickhouse = std::iter::once(self.clickhouse.server());
        let mut all = self
            .kafka
            .brokers()
            .iter()
            .chain(self.kafka.controller())
            .chain(clickhouse);
        all.find(|server| server.name() == name)
    }

    /// What ends this stack even where this handle is out of reach.
    pub fn ending(&self) -> Ending {
        self.lease.clone()
    }

    /// Kills the servers and removes the run directory, unless it is to be kept.
    ///
    /// # Errors
    /// A process that does not go, a directory that cannot be removed.
    pub async fn stop(self) -> Result<(), StackError> {
        blocking("stopping the servers", move || self.end()).await
    }

    /// The same. Blocking.
    pub(crate) fn end(&self) -> Result<(), StackError> {
        self.lease.now()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.keep_logs();
        }
        if let Err(error) = self.end() {
            tracing::warn!(%error, "the stack did not go cleanly");
        }
    }
}

/// A static is never dropped, and the servers of a whole test run are another process's, so a failing test must say at once
/// that the logs are wanted.
fn keep_logs_on_panic(run_dir: &Path) {
    // Those of this process; none is told of twice.
    static WATCHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    static HOOK: Once = Once::new();
    let watched = || WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    watched().push(run_dir.to_path_buf());
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            before(panic);
            let stay = std::mem::take(&mut *watched());
            for run_dir in stay.iter().filter(|run_dir| run_dir.is_dir()) {
                rundir::keep_logs(run_dir);
                #[allow(
                    clippy::print_stderr,
                    reason = "only the print macros reach the output that is shown with the failing test"
                )]
                {
                    eprintln!("the servers' logs stay in {}", run_dir.display());
                }
            }
        }));
    });
}

/// A name that nobody else has, for a topic, group or database: `prefix_` and 12 letters. Valid in Kafka and, unquoted,
/// in ClickHouse if `prefix` is.
pub fn unique(prefix: &str) -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("{prefix}_{}", &id[..12])
}
