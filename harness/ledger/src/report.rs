//! The report: what a run came to, as figures that a program reads; `render` makes the text for a person.

mod file;

use std::collections::BTreeMap;

use market::{Candle, Encoding};
use serde::{Deserialize, Serialize};

/// What the audit says in one word.
///
/// Three values and not two: a run that proved nothing must not look like one that proved something (Jepsen's
/// `unknown`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// Every trade is one row, every candle is right, every bad frame is a dead letter.
    Pass,
    /// Something is wrong; the reasons name the stage.
    Fail,
    /// Nothing wrong was seen, but the run proves nothing; the reasons say why.
    Inconclusive,
}

impl Verdict {
    /// Exit code of a command that ends with this verdict: 0, 1 or 2.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Inconclusive => 2,
        }
    }

    /// `PASS`, `FAIL` or `INCONCLUSIVE`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Inconclusive => "INCONCLUSIVE",
        }
    }
}

/// Where something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Between the exchange and the topic.
    Ingest,
    /// Between the topic and the tables.
    Worker,
}

/// What became of one trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// One row.
    Once,
    /// No row.
    Lost(Stage),
    /// That many rows.
    Duplicated(u64),
    /// No row, but a dead letter that carries it.
    DeadLettered,
    /// A record or a row of a trade that was never sent: foreign, or its identity was altered on the way. `Ingest` when
    /// it is in the topic, `Worker` when only the table has it.
    Unexpected(Stage),
}

/// A count for each stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ByStage {
    /// Between the exchange and the topic.
    pub ingest: u64,
    /// Between the topic and the tables.
    pub worker: u64,
}

impl ByStage {
    /// Both stages together.
    pub const fn total(self) -> u64 {
        self.ingest + self.worker
    }

    pub(crate) fn at(&mut self, stage: Stage) -> &mut u64 {
        match stage {
            Stage::Ingest => &mut self.ingest,
            Stage::Worker => &mut self.worker,
        }
    }
}

/// What an example is one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// Sent, and not in the topic.
    LostIngest,
    /// In the topic, and not in the table.
    LostWorker,
    /// More than one row.
    Duplicated,
    /// Sent in good form, and a dead letter.
    DeadLettered,
    /// In the topic, and never sent.
    UnexpectedIngest,
    /// In the table, and not in the topic.
    UnexpectedWorker,
    /// Other values in the topic than were sent.
    AlteredIngest,
    /// Other values in the table than in the topic.
    AlteredWorker,
    /// In another partition than the trades of its market before it.
    Misplaced,
    /// A record in the topic that does not follow the schema.
    Unreadable,
    /// A bad frame that is no dead letter.
    DeadLetterMissing,
    /// A dead letter of a frame that was never sent.
    DeadLetterUnexpected,
}

/// One finding, with its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// What it is an example of.
    pub finding: Finding,
    /// Which trade, record or letter, and what is wrong with it.
    pub detail: String,
}

/// How a candle differs from the one that the audit computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandleExample {
    /// The newest version as it should be; absent for a candle that no trade supports.
    pub expected: Option<Candle>,
    /// The newest version in the table; absent when there is none.
    pub found: Option<Candle>,
    /// Names of the columns that differ; a `kafka_offset` means that the row is not of the newest version. For a doubled
    /// version: how many rows it has.
    pub columns: Vec<String>,
}

/// Candles, expected against found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Candles {
    /// Candles computed from the topic.
    pub expected: u64,
    /// Of these, equal in every column.
    pub equal: u64,
    /// Of these, in the table with other numbers, or in an older or a newer version.
    pub differing: u64,
    /// Of the differing ones, those whose newest row is an older version.
    pub stale: u64,
    /// Of the expected ones, those without a row.
    pub missing: u64,
    /// Candles in the table that no trade supports.
    pub unexpected: u64,
    /// Versions of a candle that stand in the table more than once.
    pub doubled: u64,
    /// Rows in the table: all versions of all candles.
    pub rows: u64,
    /// Candles whose window had not ended when the log did: their newest version is an early one.
    pub open: u64,
    /// Up to five differing, missing, unexpected and doubled candles each.
    pub examples: Vec<CandleExample>,
}

/// Dead letters, expected against found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeadLetterCheck {
    /// Bad frames that the exchange injected, and unreadable records in the topic.
    pub expected: u64,
    /// Of these, found by their bytes.
    pub matched: u64,
    /// Of these, not found, though the client had read them.
    pub missing: u64,
    /// Of these, not found, and their connection was cut before the client had read them for certain.
    pub went_down_with_the_socket: u64,
    /// Dead letters of bytes that were never sent as a bad frame.
    pub unexpected: u64,
}

/// One fault of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FaultOutcome {
    /// Its name, such as `broker-kill`.
    pub name: String,
    /// When it was to strike, seconds after the start.
    pub at_s: f64,
    /// Whether it struck. One that did not makes the run inconclusive.
    pub struck: bool,
    /// What happened, in a sentence.
    pub what: String,
}

/// Latencies from the exchange's send time to the acknowledged row, milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LatencyMs {
    /// Median.
    pub p50: f64,
    /// 99 of 100 are not above it.
    pub p99: f64,
    /// 999 of 1,000 are not above it.
    pub p999: f64,
    /// The largest.
    pub max: f64,
}

/// What the feed repaired over REST.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Repair {
    /// Intervals without a connection.
    pub gaps: u64,
    /// Trades fetched for them.
    pub repaired: u64,
    /// Time spent on that, milliseconds.
    pub repair_ms: u64,
}

/// The servers of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StackFacts {
    /// Where they came from: `local`, `containers`, `external`.
    pub provider: String,
    /// Server → version.
    pub versions: BTreeMap<String, String>,
}

/// What a run came to.
///
/// `sent = once + lost + duplicated + dead_lettered`; everything else is counted beside that sum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not PASS: a sentence each.
    pub reasons: Vec<String>,
    /// The command that made the run, as it was typed.
    pub command: String,
    /// When the run began, milliseconds since 1970-01-01 UTC.
    pub started_ms: Option<i64>,
    /// Folders of the labs whose code ran instead of the reference, such as `05-acks`; [`whose`] says it in words.
    pub mine: Vec<String>,
    /// Brokers.
    pub brokers: u64,
    /// Which replicas must have a trade before Kafka acknowledges it: `all`, `1`, `0`; empty where nobody said.
    pub acks: String,
    /// Where the trades came from: `generate`, `capture`, `upbit`.
    pub source: String,
    /// Whether the exchange kept a journal. Without one the topic is the base, and nothing can be said about the ingest.
    pub journal: bool,
    /// Seed of the generator.
    pub seed: Option<u64>,
    /// Length of the run, seconds.
    pub duration_s: f64,
    /// Markets.
    pub markets: u64,
    /// Workers.
    pub workers: u64,
    /// Partitions of the topic.
    pub partitions: u64,
    /// How trades are written into the topic.
    pub encoding: Encoding,
    /// The servers.
    pub stack: StackFacts,

    /// Trades sent: identities in the journal, or in the topic where there is no journal.
    pub sent: u64,
    /// Trades that are one row.
    pub once: u64,
    /// Trades that are no row and no dead letter.
    pub lost: u64,
    /// Where they were lost.
    pub lost_by_stage: ByStage,
    /// Trades that are more than one row.
    pub duplicated: u64,
    /// Trades sent in good form that are a dead letter and no row.
    pub dead_lettered: u64,
    /// Trades in the topic that were never sent, and trades in the table that are not in the topic.
    pub unexpected: ByStage,
    /// Trades whose values differ from those of the stage before.
    pub altered: ByStage,
    /// Records in another partition or under another key than their market's.
    pub misplaced: u64,
    /// Records in the topic that do not follow the schema.
    pub unreadable: u64,
    /// Records in the topic.
    pub records: u64,
    /// Records of a trade that was in the topic already: legitimate, because the topic holds trades at least once.
    pub repeats: u64,
    /// Rows in the table of trades.
    pub rows: u64,

    /// Trades at or behind the watermark of their partition when they arrived.
    pub late: u64,
    /// Trades too late for at least one of their candles.
    pub too_late: u64,
    /// Trades that arrived after a newer one of their market, by (event time, sequential id): RFC 4737's definition of
    /// reordering, which counts each latecomer and not each descent.
    pub reordered: u64,

    /// Candles.
    pub candles: Candles,
    /// Dead letters in the topic of dead letters.
    pub dead_letters: u64,
    /// Dead letters, expected against found.
    pub dead_letter_check: DeadLetterCheck,

    /// Trades that became a row, per second of the run.
    pub trades_per_second: f64,
    /// Latency.
    pub latency_ms: LatencyMs,
    /// Faults.
    pub faults: Vec<FaultOutcome>,
    /// Repairs.
    pub repair: Repair,
    /// Up to five examples of each finding.
    pub examples: Vec<Example>,
    /// How long the audit took, seconds.
    pub audit_s: f64,
}

/// Whose code ran, given the folders of the reader's labs that did: `reference`, or `yours: 05-acks; the rest reference`.
pub fn whose(mine: &[String]) -> String {
    match mine {
        [] => "reference".into(),
        mine => format!("yours: {}; the rest reference", mine.join(", ")),
    }
}

impl Default for Report {
    fn default() -> Self {
        Self {
            verdict: Verdict::Inconclusive,
            reasons: Vec::new(),
            command: String::new(),
            started_ms: None,
            mine: Vec::new(),
            brokers: 0,
            acks: String::new(),
            source: String::new(),
            journal: false,
            seed: None,
            duration_s: 0.0,
            markets: 0,
            workers: 0,
            partitions: 0,
            encoding: Encoding::Json,
            stack: StackFacts::default(),
            sent: 0,
            once: 0,
            lost: 0,
            lost_by_stage: ByStage::default(),
            duplicated: 0,
            dead_lettered: 0,
            unexpected: ByStage::default(),
            altered: ByStage::default(),
            misplaced: 0,
            unreadable: 0,
            records: 0,
            repeats: 0,
            rows: 0,
            late: 0,
            too_late: 0,
            reordered: 0,
            candles: Candles::default(),
            dead_letters: 0,
            dead_letter_check: DeadLetterCheck::default(),
            trades_per_second: 0.0,
            latency_ms: LatencyMs::default(),
            faults: Vec::new(),
            repair: Repair::default(),
            examples: Vec::new(),
            audit_s: 0.0,
        }
    }
}
