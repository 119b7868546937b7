//! The servers that a command's tests share: one place for them, started when a test first needs them.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use stack::{Host, Provider, Stack, StackSpec};

/// How long between two looks whether they are there.
const A_LOOK: Duration = Duration::from_millis(20);

/// A place for servers, and who provides them.
pub(crate) struct Servers {
    host: Host,
    provider: Provider,
}

impl Servers {
    /// # Errors
    /// No place for them can be made; a number of brokers is asked for that cannot be had, which is said before minutes of
    /// compiling, though the first test that asks for servers would hear it too.
    pub(crate) fn open(stack: Option<Provider>, brokers: Option<u8>) -> anyhow::Result<Self> {
        // Resolved once, here: every test program must come to the same, and the verdict names it.
        let provider = stack.unwrap_or_default().resolve();
        let spec = StackSpec {
            provider,
            // 0 is one broker, or as many as there are.
            brokers: brokers.unwrap_or(0),
            progress: true,
            ..StackSpec::default()
        };
        if brokers.is_some() {
            Stack::check(&spec)?;
        }
        let host = Host::open(spec)?;
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

    /// By which a test finds them.
    pub(crate) fn environment(&self) -> Vec<(OsString, OsString)> {
        let (variable, socket) = self.host.variable();
        vec![
            ("LAB_STACK".into(), self.provider.name().into()),
            (variable.into(), socket.into()),
        ]
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
