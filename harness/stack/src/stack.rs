//! One handle over the servers of a run, whoever provides them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::clickhouse::ClickHouse;
use crate::error::StackError;
use crate::kafka::Kafka;
use crate::server::blocking;
use crate::spec::{Provider, StackSpec};

/// Kafka and ClickHouse, started for one run. Dropping it kills the servers and removes the run directory, as
/// [`Stack::stop`] does.
#[derive(Debug)]
pub struct Stack {
    provider: Provider,
    kafka: Kafka,
    clickhouse: ClickHouse,
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

    fn start_blocking(spec: &StackSpec) -> Result<Self, StackError> {
        match spec.provider.resolve() {
            provider => Err(StackError::Unavailable {
                provider,
                why: "it is being built".into(),
                instead: "--stack local",
            }),
        }
    }

    /// The stack that all tests of this process share, started by the first who asks. `LAB_STACK` chooses the
    /// provider. It belongs to no async runtime; it goes when the process goes, however that ends.
    ///
    /// # Errors
    /// As [`Stack::start`]; everyone who asks hears the same.
    pub async fn shared() -> Result<&'static Self, StackError> {
        let started = SHARED
            .get_or_init(|| async {
                let provider = Provider::from_env().map_err(|error| Arc::new(error.into()))?;
                Self::start(StackSpec {
                    provider,
                    ..StackSpec::default()
                })
                .await
                .map_err(Arc::new)
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

    /// Kills the servers and removes the run directory, unless it is to be kept.
    ///
    /// # Errors
    /// A process that does not go, a directory that cannot be removed.
    pub async fn stop(self) -> Result<(), StackError> {
        Ok(())
    }
}

/// A name that nobody else has, for a topic, group or database: `prefix_` and 12 letters. Valid in Kafka and, unquoted,
/// in ClickHouse if `prefix` is.
pub fn unique(prefix: &str) -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("{prefix}_{}", &id[..12])
}
