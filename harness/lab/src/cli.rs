//! The command line: what can be asked, with an example for each.

mod words;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand};
use market::Encoding;
use stack::Provider;

use crate::faults::{Fault, Scheduled};
use crate::values::{Host, Length, Markets, Rate, brokers, some_time};

pub use words::{Acks, From, Source, Subject};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(AnsiColor::Yellow.on_default());

/// Upbit trades over a WebSocket into Kafka, through event-time windows, into ClickHouse; and an audit that says what
/// became of every trade.
#[derive(Debug, Parser)]
#[command(
    name = "lab",
    bin_name = "./lab",
    version,
    about,
    styles = STYLES,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "First:  ./lab up      the whole pipeline, live, for a minute\n\
                  Then:   ./lab test    every test, on the reference code\n\n\
                  Downloads and results are kept in $TICKBOOK_HOME (by default ~/.cache/tickbook)."
)]
pub struct Cli {
    /// Answer yes to every question
    #[arg(long, short = 'y', global = true)]
    pub yes: bool,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// Where `up` and `bench` have their servers from unless they are told: figures want no virtual network in between.
pub(crate) const DEFAULT_STACK: &str = if cfg!(target_os = "linux") {
    "local"
} else {
    "containers"
};

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the whole pipeline, shows it live, ends with an audit
    #[command(after_help = "Examples:\n  \
        ./lab up                                     one minute at 2,000 trades/s\n  \
        ./lab up --rate max --workers 2              as fast as it goes\n  \
        ./lab up --fault worker-kill@20s             kill a worker at second 20, see nothing lost\n  \
        ./lab up --stack containers --brokers 3      the same in containers, on three brokers\n  \
        ./lab up --source capture                    replay a recording, the project's or --capture FILE\n  \
        ./lab up --fault list                        the faults there are\n\n\
        Ctrl-C (or q) drains and audits; a second one stops at once.\n\
        Ends with 0 for PASS, 1 for FAIL, 2 when the run proved nothing.")]
    Up(Box<UpArgs>),
    /// Runs the pipeline under faults that a seed draws, and audits it every minute
    #[command(after_help = "Examples:\n  \
        ./lab soak                                       half an hour, three brokers, a seed of its own\n  \
        ./lab soak --for 5m --seed 7                     the same faults at the same moments each time\n  \
        ./lab soak --faults worker-kill,clickhouse-kill  these two and no others\n  \
        ./lab soak -- --rate 10000 --workers 2           with more arguments of up\n\n\
        For each audit the exchange pauses until all that it sent has arrived. Ctrl-C ends the soak with a last audit.\n\
        Ends with 0 when every audit said PASS, 1 when one said FAIL, 2 otherwise.")]
    Soak(SoakArgs),
    /// Joins the run that goes on with one more worker, until Ctrl-C
    #[command(after_help = "Example, in a second terminal while ./lab up runs:\n  ./lab worker")]
    Worker(WorkerArgs),
    /// Records raw frames as a capture that `up --source capture` replays
    #[command(after_help = "Examples:\n  \
        ./lab record --for 5m day.capture.jsonl                     from Upbit\n  \
        ./lab record --from exchange --rate 500 toy.capture.jsonl   from this project's own exchange\n  \
        ./lab record --import foreign.jsonl day.capture.jsonl       from a recording in another format")]
    Record(RecordArgs),
    /// Runs the tests: of everything, or of some parts by number or name
    #[command(after_help = "Examples:\n  \
        ./lab test              everything\n  \
        ./lab test 07 sink      solutions/07-windows and solutions/10-sink\n  \
        ./lab test 07 -- late   of 07 only the tests with `late` in their name\n  \
        ./lab test --jobs 1     everything, one test program after the other\n  \
        ./lab test --brokers 3 06                        on three brokers\n  \
        ./lab test --stack containers --program crash    every part's tests/crash.rs, on containers")]
    Test {
        /// Of what, and where
        #[command(flatten)]
        what: TestArgs,
        /// Only the test programs of this name, every part's or, as in sink/crash, one's: compiles nothing anew, as some
        /// parts alone may
        #[arg(long = "program", value_name = "[PART/]NAME", conflicts_with = "parts")]
        programs: Vec<String>,
        /// Kafka brokers of the servers that the tests share: 1, or 3 with a controller beside them; by default 1, or as
        /// many as external servers have
        #[arg(long, value_parser = brokers)]
        brokers: Option<u8>,
        /// Test programs at a time; by default 2, each one's words shown when it ends, where everything is tested, and 1,
        /// which shows words as they come, where something is named and for external servers
        #[arg(long, short, value_name = "N")]
        jobs: Option<u8>,
    },
    /// Measures: some parts by number or name, or the pipeline
    #[command(after_help = "Examples:\n  \
        ./lab bench 02                        the benches of solutions/02-wire\n  \
        ./lab bench pipeline                  every stage beside its floor, then the whole: about 12 minutes\n  \
        ./lab bench pipeline -- --workers 2   one run of ./lab up --rate max, with more of its arguments\n  \
        ./lab bench pipeline --reference      longer, and into book/src/reference/performance.md")]
    Bench(BenchArgs),
    /// Shows the last run's report again
    #[command(
        after_help = "Examples:\n  ./lab audit\n  ./lab audit --json | jq .latency_ms.p99\n\n\
        Ends with 0 for PASS, 1 for FAIL, 2 when the run proved nothing."
    )]
    Audit {
        /// As one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Removes what runs left behind; with --all the downloads too
    Clean {
        /// The downloaded servers too: the next start fetches them again
        #[arg(long)]
        all: bool,
    },
    /// Says what this machine has, what it lacks, and the command that cures it
    Doctor,
    /// Gets the images that --stack containers and docker-compose.yml need: pulled, or built where there is no registry
    Images,
    /// Holds the windows or the partitioner against a file of cases
    #[command(after_help = "Examples:\n  ./lab conformance windows window-cases.jsonl\n  \
        ./lab conformance partitioner partitioner-vectors.jsonl")]
    Conformance {
        /// What is tested
        subject: Subject,
        /// The cases, one JSON object per line
        file: PathBuf,
    },
}

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

/// What `up` takes, from words as they would stand behind it.
///
/// # Errors
/// What `up` refuses, in a sentence.
pub(crate) fn up_with(words: &[String]) -> anyhow::Result<UpArgs> {
    let words = ["lab", "up"].into_iter().chain(words.iter().map(String::as_str));
    let parsed = Cli::try_parse_from(words)
        .map_err(|error| anyhow::anyhow!(crate::refusal::sentence(&error).unwrap_or(error.to_string())))?;
    let Command::Up(up) = parsed.command else {
        anyhow::bail!("what stands behind -- goes to ./lab up; ./lab up --help shows what it takes");
    };
    Ok(*up)
}

/// Arguments of `bench`.
#[derive(Clone, Debug, Args)]
pub struct BenchArgs {
    /// What to measure, where, and how
    #[command(flatten)]
    pub what: TestArgs,
    /// For `bench pipeline`: measure for longer, and write the figures into the book
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

#[cfg(test)]
mod tests;
