//! The command line of the `pipeline` program.

#![allow(rustdoc::bare_urls)] // these lines are the help text, where angle brackets would be noise

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};
use market::{Encoding, Market};

use crate::fault::FaultAt;
use crate::parts::producer::Acks;
use crate::{conformance, ingest, process, tables, worker};

/// One end of the pipeline. `./lab up` starts both ends and everything that they need.
#[derive(Debug, Parser)]
#[command(name = "pipeline", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// From the exchange's socket to the topic
    Ingest(IngestArgs),
    /// From the topic through the windows to the tables; of a flag that is given twice the last one is taken
    #[command(args_override_self = true)]
    Worker(WorkerArgs),
    /// Creates the database and its tables
    Tables(ClickHouseArgs),
    /// Holds the parts against a file of cases: `pipeline conformance windows cases.jsonl`
    Conformance {
        /// What is tested
        subject: Subject,
        /// The cases, one JSON object per line
        file: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Subject {
    /// Window assignment, merging, watermarks, operators (Flink's rules)
    Windows,
    /// Placement of keys
    Partitioner,
}

/// Where Kafka is and what a trade looks like in it.
#[derive(Clone, Debug, Args)]
pub struct TopicArgs {
    /// Kafka's bootstrap servers
    #[arg(long)]
    pub brokers: String,
    /// Topic of the trades
    #[arg(long, default_value = "trades")]
    pub topic: String,
    /// Topic of what could not be read
    #[arg(long, default_value = "dead-letters")]
    pub dead_letters: String,
    /// How a trade is written in the topic: json or protobuf
    #[arg(long, default_value_t = Encoding::Json)]
    pub encoding: Encoding,
}

/// Where ClickHouse is.
#[derive(Clone, Debug, Args)]
pub struct ClickHouseArgs {
    /// ClickHouse's HTTP address, such as http://127.0.0.1:8123
    #[arg(long)]
    pub clickhouse: String,
    /// Database of the tables
    #[arg(long, default_value = "tickbook")]
    pub database: String,
}

/// Arguments of `pipeline ingest`.
#[derive(Clone, Debug, Args)]
pub struct IngestArgs {
    /// The exchange's WebSocket, such as wss://api.upbit.com/websocket/v1
    #[arg(long)]
    pub ws: url::Url,
    /// The root of the exchange's REST endpoints, such as https://api.upbit.com/v1
    #[arg(long)]
    pub rest: url::Url,
    /// Kafka
    #[command(flatten)]
    pub kafka: TopicArgs,
    /// Markets, with commas between them
    #[arg(long, value_delimiter = ',', required = true)]
    pub markets: Vec<Market>,
    /// Who must have a trade before the broker acknowledges it: all replicas in sync, 1 (the leader alone), or 0 (nobody).
    /// With less than all, a trade can be acknowledged and lost
    #[arg(long, default_value = "all", value_parser = acks)]
    pub acks: Acks,
    /// How long a batch waits for more at most, milliseconds. Rows wait for a block anyway, and brokers pay by the request
    #[arg(long, default_value_t = 20)]
    pub linger_ms: u64,
    /// A certificate (PEM) to trust beside the usual roots
    #[arg(long)]
    pub ca_cert: Option<PathBuf>,
}

fn acks(text: &str) -> Result<Acks, String> {
    match text {
        "all" => Ok(Acks::All),
        "1" => Ok(Acks::Leader),
        "0" => Ok(Acks::None),
        _ => Err("write all, 1 or 0".into()),
    }
}

/// Arguments of `pipeline worker`.
#[derive(Clone, Debug, Args)]
pub struct WorkerArgs {
    /// Kafka
    #[command(flatten)]
    pub kafka: TopicArgs,
    /// Consumer group
    #[arg(long, default_value = "tickbook")]
    pub group: String,
    /// Compacted topic of the snapshots, with as many partitions as the topic of the trades
    #[arg(long, default_value = "snapshots")]
    pub snapshots: String,
    /// ClickHouse
    #[command(flatten)]
    pub clickhouse: ClickHouseArgs,
    /// How far behind the newest trade another may be and still be in time, milliseconds
    #[arg(long, default_value_t = 1_000)]
    pub bound_ms: i64,
    /// How long after its end a candle still takes late trades, milliseconds
    #[arg(long, default_value_t = 60_000)]
    pub lateness_ms: i64,
    /// How far behind its market's newest trade a repeat is still known, whole seconds
    #[arg(long, default_value_t = 10)]
    pub repeat_span_s: u32,
    /// Members of the group in this process
    #[arg(long, default_value_t = 1)]
    pub workers: usize,
    /// Name of this process, unique within the group
    #[arg(long, default_value = "worker")]
    pub name: String,
    /// Least time from the start of one block to the start of the next, milliseconds
    #[arg(long, default_value_t = 30)]
    pub epoch_ms: u64,
    /// Most rows in one block
    #[arg(long, default_value_t = 250_000)]
    pub epoch_rows: usize,
    /// After how long without a sign of life the group gives a worker's partitions to another, milliseconds
    #[arg(long, default_value_t = 3_000)]
    pub session_ms: u64,
    /// For tests: POINT:N:kill or POINT:N:stop does that to this process when it passes POINT for the N-th time
    #[arg(long, hide = true)]
    pub fault_at: Option<FaultAt>,
}

/// Runs the command; 0 when it did what it was asked.
pub fn run(cli: Cli) -> ExitCode {
    match dispatch(cli.command) {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Ingest(args) => {
            process::tell_of_what_is_unbuilt();
            runtime()?.block_on(ingest::run(args)).map(|()| ExitCode::SUCCESS)
        }
        Command::Worker(args) => {
            process::tell_of_what_is_unbuilt();
            worker::run(args).map(|()| ExitCode::SUCCESS)
        }
        Command::Tables(args) => {
            process::tell_of_what_is_unbuilt();
            runtime()?.block_on(tables::create(args)).map(|()| ExitCode::SUCCESS)
        }
        Command::Conformance { subject, file } => {
            process::say_what_is_unbuilt();
            let reader = BufReader::new(
                File::open(&file).with_context(|| format!("cannot read the cases in {}", file.display()))?,
            );
            let summary = match subject {
                Subject::Windows => conformance::windows(reader),
                Subject::Partitioner => conformance::partitioner(reader),
            };
            writeln!(std::io::stdout(), "{summary}")?;
            Ok(if summary.is_success() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    Ok(runtime)
}

/// How often a process reports.
pub(crate) const REPORT_EVERY: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_joins_a_run_takes_its_flags_and_says_some_of_them_anew() {
        let words =
            "pipeline worker --brokers b --clickhouse http://c --workers 2 --name first --workers 1 --name second";
        let Command::Worker(args) = Cli::parse_from(words.split(' ')).command else {
            panic!("not a worker")
        };
        assert_eq!((args.workers, args.name.as_str()), (1, "second"));
    }
}
