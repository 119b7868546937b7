//! One handle over the servers of a run, whoever provides them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use tokio::sync::OnceCell;

use crate::clickhouse::ClickHouse;
use crate::containers;
use crate::engine::must_answer;
use crate::error::StackError;
use crate::external;
use crate::kafka::Kafka;
use crate::local;
use crate::rundir::{self, RunDir};
use crate::server::blocking;
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
    /// Gone once it has been ended.
    lease: Option<Box<dyn Lease>>,
    run_dir: PathBuf,
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

    fn start_blocking(spec: &StackSpec) -> Result<Self, StackError> {
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
            lease: Some(lease),
            run_dir,
        })
    }

    /// The stack that all tests of this process share, started by the first who asks. `LAB_STACK` chooses the
    /// provider. It belongs to no async runtime; it goes when the process goes, however that ends. If a test panics,
    /// the servers' logs stay.
    ///
    /// # Errors
    /// As [`Stack::start`]; everyone who asks hears the same.
    pub async fn shared() -> Result<&'static Self, StackError> {
        let started = SHARED
            .get_or_init(|| async {
                let provider = Provider::from_env().map_err(|error| Arc::new(error.into()))?;
                // Nothing is shown unless something must be fetched.
                let spec = StackSpec {
                    provider,
                    progress: true,
                    ..StackSpec::default()
                };
                let stack = Self::start(spec).await.map_err(Arc::new)?;
                keep_logs_on_panic(stack.run_dir.clone());
                Ok(stack)
            })
            .await;
        started.as_ref().map_err(|error| StackError::Shared(Arc::clone(error)))
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
        if let Some(lease) = &self.lease {
            lease.run().keep();
        }
    }

    /// Decides, after all, that logs and configuration are to stay in the run directory, because something failed. The
    /// data goes; what [`Stack::keep`] keeps is not lessened.
    pub fn keep_logs(&self) {
        if let Some(lease) = &self.lease {
            lease.run().keep_logs();
        }
    }

    /// Kills the servers and removes the run directory, unless it is to be kept.
    ///
    /// # Errors
    /// A process that does not go, a directory that cannot be removed.
    pub async fn stop(mut self) -> Result<(), StackError> {
        match self.lease.take() {
            Some(lease) => blocking("stopping the servers", move || lease.end()).await,
            None => Ok(()),
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            if std::thread::panicking() {
                lease.run().keep_logs();
            }
            if let Err(error) = lease.end() {
                tracing::warn!(%error, "the stack did not go cleanly");
            }
        }
    }
}

/// A static is never dropped, so a failing test must say at once that the logs are wanted.
fn keep_logs_on_panic(run_dir: PathBuf) {
    let told = Once::new();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        before(panic);
        rundir::keep_logs(&run_dir);
        #[allow(
            clippy::print_stderr,
            reason = "only the print macros reach the output that is shown with the failing test"
        )]
        told.call_once(|| eprintln!("the servers' logs stay in {}", run_dir.display()));
    }));
}

/// A name that nobody else has, for a topic, group or database: `prefix_` and 12 letters. Valid in Kafka and, unquoted,
/// in ClickHouse if `prefix` is.
pub fn unique(prefix: &str) -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("{prefix}_{}", &id[..12])
}
