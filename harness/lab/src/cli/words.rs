//! What can be chosen by a word.

use clap::ValueEnum;

/// What a conformance run tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Subject {
    /// Window assignment, merging, watermarks, operators (Flink's rules)
    Windows,
    /// Placement of keys
    Partitioner,
}

/// Where trades come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Source {
    /// A seeded generator behind the project's own exchange
    Generate,
    /// A recording, replayed by the project's own exchange
    Capture,
    /// The real exchange, over TLS
    Upbit,
}

impl Source {
    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Capture => "capture",
            Self::Upbit => "upbit",
        }
    }
}

/// Who must have a trade before Kafka acknowledges it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Acks {
    /// All replicas in sync
    All,
    /// The leader alone
    #[value(name = "1")]
    Leader,
    /// Nobody
    #[value(name = "0")]
    None,
}

impl Acks {
    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Leader => "1",
            Self::None => "0",
        }
    }
}

/// Where a recording is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum From {
    /// The real exchange, over TLS
    Upbit,
    /// The project's own exchange
    Exchange,
}
