//! What each command takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use market::Encoding;
use stack::Provider;

use super::words::{Acks, From, Source};
use crate::bank::Side;
use crate::faults::{Fault, Scheduled};
use crate::values::{Host, Length, Markets, Rate, brokers, some_time};

/// Where `up` and `bench` have their servers from unless they are told: figures want no virtual network in between.
pub(crate) const DEFAULT_STACK: &str = if cfg!(target_os = "linux") {
    "local"
} else {
    "containers"
};

/// Arguments of `up`.
#[derive(Clone, Debug, Args)]
pub struct UpArgs {
    /// How long: 30s, 5m, 1h, or `ever` until Ctrl-C
    #[arg(long = "for", value_name = "TIME", default_value = "60s")]
    pub length: Length,
    /// Trades per second, or `max`; by default 2000, and the recorded pace for a capture
    #[arg(long)]
    pub rate: Option<Rate>,
    /// Where trades come from
    #[arg(long, value_enum, default_value_t = Source::Generate)]
    pub source: Source,
    /// The recording that --source capture replays; by default a small one that comes with the project
    #[arg(long, value_name = "FILE")]
    pub capture: Option<PathBuf>,
    /// Which exchange --source upbit means
    #[command(flatten)]
    pub upbit: UpbitArgs,
    /// How many markets, or which: 120, or KRW-BTC,KRW-ETH
    #[arg(long, default_value = "120")]
    pub markets: Markets,
    /// Where the servers come from: local (processes), containers, external (that run already, such as docker-compose.yml's),
    /// or auto: containers if their images are there, else local
    #[arg(long, env = "LAB_STACK", default_value = DEFAULT_STACK)]
    pub stack: Provider,
    /// Kafka brokers: 1, or 3 with a controller beside them
    #[arg(long, default_value_t = 1, value_parser = brokers)]
    pub brokers: u8,
    /// Partitions of the topic
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(i32).range(1..=256))]
    pub partitions: i32,
    /// How a trade is written in the topic: json or protobuf
    #[arg(long, default_value_t = Encoding::Json)]
    pub encoding: Encoding,
    /// Who must have a trade before Kafka acknowledges it; with less than all, a trade can be acknowledged and lost
    #[arg(long, value_enum, default_value_t = Acks::All)]
    pub acks: Acks,
    /// A fault and its moment, such as broker-kill@10s; may be given again; `list` shows them
    #[arg(long = "fault", value_name = "NAME@TIME")]
    pub faults: Vec<Scheduled>,
    /// Seed of the generator: the same seed, the same trades
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Run the pipeline with your own code of these labs, by number or name: 05,08
    #[arg(long, value_name = "LABS", value_delimiter = ',')]
    pub mine: Vec<String>,
    /// Workers in the worker process
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub workers: u16,
    /// One line per second instead of the live view
    #[arg(long)]
    pub plain: bool,
    /// How long the ingest waits at most for a batch to fill, milliseconds: less is sooner, and more work for Kafka
    #[arg(long, value_name = "MS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(..=1_000))]
    pub linger_ms: u64,
    /// Least time from the start of one block to the start of the next, milliseconds: less is sooner, and more inserts
    #[arg(long, value_name = "MS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(..=10_000))]
    pub epoch_ms: u64,
    /// Keep the run's folder: data of the servers, logs, journal
    #[arg(long)]
    pub keep: bool,
    /// Print the report as JSON at the end; everything else goes to standard error
    #[arg(long)]
    pub json: bool,
}

/// Which of the real exchanges, and whom to trust for it.
#[derive(Clone, Debug, Args)]
pub struct UpbitArgs {
    /// The real exchange's host, such as sg-api.upbit.com in Singapore, with :PORT if that is not 443
    #[arg(long = "upbit-host", value_name = "HOST", default_value = UPBIT)]
    pub host: Host,
    /// A certificate (PEM) to trust for it beside the usual ones
    #[arg(long, value_name = "FILE")]
    pub ca_cert: Option<PathBuf>,
}

const UPBIT: &str = "api.upbit.com";

impl UpbitArgs {
    /// Whether nothing was asked for.
    pub fn is_default(&self) -> bool {
        self.ca_cert.is_none() && self.host.to_string() == UPBIT
    }
}

/// Arguments of `soak`.
#[derive(Clone, Debug, Args)]
pub struct SoakArgs {
    /// How long: 5m, 1h, or `ever` until Ctrl-C
    #[arg(long = "for", value_name = "TIME", default_value = "30m")]
    pub length: Length,
    /// How long a round is: each ends with an audit of everything so far
    #[arg(long, value_name = "TIME", value_parser = some_time, default_value = "60s")]
    pub every: Duration,
    /// Draws the faults and their moments; by default another one each time, which is printed
    #[arg(long)]
    pub seed: Option<u64>,
    /// The faults to draw from, by default all; `./lab up --fault list` shows them
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',')]
    pub faults: Vec<Fault>,
    /// Where the servers come from: local, containers, external, or auto, as for `up`
    #[arg(long, env = "LAB_STACK", default_value = DEFAULT_STACK)]
    pub stack: Provider,
    /// Kafka brokers: 1, or 3 with a controller beside them
    #[arg(long, default_value_t = 3, value_parser = brokers)]
    pub brokers: u8,
    /// One line per second instead of the live view
    #[arg(long)]
    pub plain: bool,
    /// What goes to `up`
    #[arg(last = true)]
    pub rest: Vec<String>,
}

/// Arguments of `worker`.
#[derive(Clone, Debug, Args)]
pub struct WorkerArgs {
    /// Workers in the process
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub workers: u16,
}

/// Arguments of `record`.
#[derive(Clone, Debug, Args)]
pub struct RecordArgs {
    /// How long
    #[arg(long = "for", value_name = "TIME", value_parser = some_time, default_value = "60s")]
    pub length: Duration,
    /// Where
    #[arg(long, value_enum, default_value_t = From::Upbit)]
    pub from: From,
    /// Which exchange --from upbit means
    #[command(flatten)]
    pub upbit: UpbitArgs,
    /// Trades per second of the project's own exchange
    #[arg(long, default_value = "2000")]
    pub rate: Rate,
    /// How many markets, or which
    #[arg(long, default_value = "120")]
    pub markets: Markets,
    /// Seed of the project's own exchange
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Read this recording, made by another program, instead of a socket
    #[arg(long, value_name = "FOREIGN", conflicts_with_all = ["from", "length", "rate", "markets", "seed"])]
    pub import: Option<PathBuf>,
    /// The capture to write
    pub file: PathBuf,
}

/// Arguments of `bench`.
#[derive(Clone, Debug, Args)]
pub struct BenchArgs {
    /// What to measure, where, and how
    #[command(flatten)]
    pub what: TestArgs,
    /// A first answer of each experiment within a minute; recorded as quick
    #[arg(long)]
    pub quick: bool,
    /// Only these experiments of the lab
    #[arg(long, value_name = "EXPERIMENT", value_delimiter = ',')]
    pub only: Vec<String>,
    /// For authors: measure the reference, and write the figures into the book
    #[arg(long)]
    pub reference: bool,
    /// For `bench pipeline`: how long each run of the whole trades, instead of 20s to 5m
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    pub each: Option<Duration>,
}

/// Arguments of `test` and `bench`.
#[derive(Clone, Debug, Args)]
pub struct TestArgs {
    /// Numbers or names of parts: 07, windows, 07-windows, market, pipeline
    pub parts: Vec<String>,
    /// Where the servers come from: local, containers, external or auto, as for up; auto for tests, local for benches
    #[arg(long, env = "LAB_STACK")]
    pub stack: Option<Provider>,
    /// What goes to the test programs; to `up` from `bench pipeline`
    #[arg(last = true)]
    pub rest: Vec<String>,
}

/// Arguments of `rehearse`.
#[derive(Clone, Debug, Args)]
pub struct RehearseArgs {
    /// Only this chapter's questions: 05, or the name of its lab; by default all
    #[arg(long)]
    pub chapter: Option<String>,
    /// How long: after that no further question is begun
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=240))]
    pub minutes: u64,
    /// As an interview: one clock, no key points and no answers until the end
    #[arg(long)]
    pub mock: bool,
    /// In which language
    #[arg(long, value_enum, default_value_t)]
    pub lang: Side,
    /// In lines on standard input and output instead of a screen
    #[arg(long)]
    pub plain: bool,
}

/// What `questions` does.
#[derive(Clone, Debug, Subcommand)]
pub enum Questions {
    /// Says what is broken, what links to nothing, and where one language is stale
    Check,
    /// Notes that en and ko of a question agree, once somebody has compared them
    Synced {
        /// Ids of questions; by default all that are stale
        ids: Vec<String>,
    },
}
