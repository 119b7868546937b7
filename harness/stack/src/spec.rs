//! What a caller asks of a stack: who provides the servers, how many, how large.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use crate::engine::images;

/// Where the servers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Provider {
    /// The best that this machine offers; see [`Provider::resolve`].
    #[default]
    Auto,
    /// Child processes on loopback, data in a temporary folder. Linux on x86_64.
    Local,
    /// Containers of the published images, or of ours that are configured likewise.
    Containers,
    /// Servers that somebody else runs; endpoints from the environment.
    External,
}

impl Provider {
    /// Every name that the command line and `LAB_STACK` take.
    pub const NAMES: [&'static str; 4] = ["auto", "local", "containers", "external"];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Local => "local",
            Self::Containers => "containers",
            Self::External => "external",
        }
    }

    /// What `auto` means here: containers where an engine answers and both images are there, so that nobody waits for a
    /// download that was not asked for; else local processes, on Linux. Asked once per process. Blocking.
    pub fn resolve(self) -> Self {
        static AUTO: OnceLock<Provider> = OnceLock::new();
        match self {
            Self::Auto => *AUTO.get_or_init(|| match images::present() {
                Ok(Some(_)) => Self::Containers,
                _ if cfg!(target_os = "linux") => Self::Local,
                _ => Self::Containers,
            }),
            chosen => chosen,
        }
    }

    /// The provider that the environment variable `LAB_STACK` asks for; `auto` if it is unset or empty.
    pub fn from_env() -> Result<Self, UnknownProvider> {
        match std::env::var("LAB_STACK") {
            Ok(name) if !name.is_empty() => name.parse(),
            _ => Ok(Self::Auto),
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no stack is called {0:?}; there are auto, local, containers and external")]
pub struct UnknownProvider(String);

impl FromStr for Provider {
    type Err = UnknownProvider;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "auto" => Ok(Self::Auto),
            "local" => Ok(Self::Local),
            "containers" => Ok(Self::Containers),
            "external" => Ok(Self::External),
            other => Err(UnknownProvider(other.into())),
        }
    }
}

/// How much memory and which collector the servers get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Sizing {
    /// Quick to start, small: 256 MB heap per broker, serial collector, first compiler tier only.
    #[default]
    Tests,
    /// For figures: 1 GB heap per broker, G1, all compiler tiers.
    Throughput,
}

/// What to start.
#[derive(Clone, Debug, Default)]
pub struct StackSpec {
    /// Where the servers come from.
    pub provider: Provider,
    /// Kafka brokers: 1 (which is its own controller) or 3 (with a dedicated controller). 0 means 1.
    pub brokers: u8,
    /// Keep the run directory after [`Stack::stop`](crate::Stack::stop).
    pub keep: bool,
    /// Memory and collector.
    pub sizing: Sizing,
    /// Show what is being fetched, on standard error.
    pub progress: bool,
}
