//! The servers that tests of labs share: one place for them in a command, started when a test first needs them.

use std::path::PathBuf;
use std::time::Duration;

use stack::{Host, Provider, StackSpec};

use super::runner::How;

/// How long between two looks whether they are there.
const A_LOOK: Duration = Duration::from_millis(20);

/// A place for servers, and who provides them.
pub(crate) struct Servers {
    host: Host,
    provider: Provider,
}

impl Servers {
    /// # Errors
    /// No place for them can be made.
    pub(crate) fn open(stack: Option<Provider>, brokers: Option<u8>) -> anyhow::Result<Self> {
        let provider = stack.unwrap_or_default().resolve();
        let host = Host::open(StackSpec {
            provider,
            // 0 is one broker, or as many as there are.
            brokers: brokers.unwrap_or(0),
            progress: true,
            ..StackSpec::default()
        })?;
        Ok(Self { host, provider })
    }

    pub(crate) fn provider(&self) -> Provider {
        self.provider
    }

    /// Starts them, and waits for nothing.
    pub(crate) fn start(&self) {
        self.host.start();
    }

    /// Waits until they are there, however long that takes: fetching them is no test's time.
    ///
    /// # Errors
    /// Why they cannot be had, in a sentence.
    pub(crate) async fn up(&self) -> Result<(), String> {
        loop {
            match self.host.ready() {
                Some(answer) => return answer,
                None => tokio::time::sleep(A_LOOK).await,
            }
        }
    }

    /// How a test on them is run.
    pub(crate) fn how(&self) -> How {
        let (variable, socket) = self.host.variable();
        How {
            environment: vec![
                ("LAB_STACK".into(), self.provider.name().into()),
                (variable.into(), socket.into()),
            ],
            alone: self.provider == Provider::External,
        }
    }

    /// Their logs stay, if there are any: where.
    pub(crate) fn keep_logs(&self) -> Option<PathBuf> {
        self.host.keep_logs()
    }

    /// # Errors
    /// They did not go cleanly.
    pub(crate) fn close(self) -> anyhow::Result<()> {
        Ok(self.host.close()?)
    }
}
