//! What an audit is told: where the three copies of the trades are, and the facts of the run that no copy holds.

use std::path::PathBuf;

use market::Encoding;
use measure::Latency;

use crate::report::{FaultOutcome, Repair, StackFacts};

/// Where the copies are, and by which rules the run was made.
#[derive(Clone, Debug)]
pub struct AuditInput {
    /// Folder of the exchange's journal; `None` against a real exchange: then the topic is the base.
    pub journal: Option<PathBuf>,
    /// Kafka's bootstrap list.
    pub brokers: String,
    /// Topic of trades.
    pub topic: String,
    /// Topic of dead letters.
    pub dead_letters: String,
    /// ClickHouse's address, such as `http://127.0.0.1:8123`.
    pub clickhouse: String,
    /// Database of the tables.
    pub database: String,
    /// How trades are written into the topic.
    pub encoding: Encoding,
    /// How far a watermark stays behind the newest event time, milliseconds.
    pub bound_ms: i64,
    /// How long after its end a candle still takes trades, milliseconds of watermark.
    pub lateness_ms: i64,
    /// A folder with room for [`crate::disk_needed`]; what is written there is removed again.
    pub scratch: PathBuf,
    /// The facts of the run.
    pub run: RunFacts,
}

/// What the copies cannot tell.
#[derive(Clone, Debug, Default)]
pub struct RunFacts {
    /// The command that made the run, as it was typed.
    pub command: String,
    /// When the run began, milliseconds since 1970-01-01 UTC.
    pub started_ms: Option<i64>,
    /// Folders of the labs whose code ran instead of the reference, such as `05-acks`.
    pub mine: Vec<String>,
    /// Brokers.
    pub brokers: u64,
    /// Which replicas must have a trade before Kafka acknowledges it: `all`, `1`, `0`; empty where nobody said.
    pub acks: String,
    /// Where the trades came from: `generate`, `capture`, `upbit`.
    pub source: String,
    /// Seed of the generator.
    pub seed: Option<u64>,
    /// Markets.
    pub markets: u64,
    /// Workers.
    pub workers: u64,
    /// From the first trade to the last acknowledged row, seconds.
    pub duration_s: f64,
    /// From the exchange's send time to the acknowledged row.
    pub latency: Latency,
    /// Faults, in the order in which they were to strike.
    pub faults: Vec<FaultOutcome>,
    /// Repairs.
    pub repair: Repair,
    /// The servers.
    pub stack: StackFacts,
    /// Why the run was not drained though the pipeline did its part, as a clause such as "it was stopped while 1,204
    /// records were left" or "Kafka could not be reached". What is absent at the end of such a run may have been on its
    /// way: it is counted, and makes the audit inconclusive instead of a FAIL. What is there twice, or wrong, still is a
    /// FAIL.
    pub not_drained: Option<String>,
    /// How the pipeline failed, as a clause such as "the ingest ended with exit status: 101" or "nothing moved for 60s,
    /// waiting for the workers to deliver 1,204 records". A FAIL whatever the copies say, also with nothing sent: a pipeline
    /// that dies or hangs under a fault has not withstood it.
    pub pipeline_failed: Option<String>,
}

/// What an audit is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Reading the exchange's journal; counts trades.
    Journal,
    /// Reading the topic; counts records.
    Topic,
    /// Reading the dead letters; counts letters.
    DeadLetters,
    /// Reading the table of trades; counts rows.
    Rows,
    /// Matching the three copies by identity; counts buckets.
    Match,
    /// Recomputing lateness and candles; counts records, twice each.
    Recompute,
    /// Reading the table of candles; counts rows.
    CandleRows,
    /// Comparing the candles; counts buckets.
    Compare,
}

impl Phase {
    /// What to call it in a progress line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Journal => "reading the journal",
            Self::Topic => "reading the topic",
            Self::DeadLetters => "reading the dead letters",
            Self::Rows => "reading the trades",
            Self::Match => "matching by identity",
            Self::Recompute => "recomputing candles",
            Self::CandleRows => "reading the candles",
            Self::Compare => "comparing the candles",
        }
    }
}

/// Told now and then: the phase, how much of it is done, and of how much.
pub type OnProgress<'a> = &'a mut dyn FnMut(Phase, u64, u64);
