//! The auditor: what became of every trade, from the exchange's journal through the topic to the tables.
//!
//! Three copies of one stream of trades are compared by identity, and the candles are computed a second time by code
//! that shares nothing with the pipeline. The audit streams: trades go to bucket files by a hash of their identity, so
//! that one bucket at a time is in memory, however long the run was.

mod audit;
mod codec;
mod comparing;
mod copies;
mod decode;
mod error;
mod examples;
mod input;
mod ledger;
mod letters;
mod matching;
mod read;
mod recompute;
mod render;
mod report;
mod spill;
mod verdict;

pub use audit::{audit, disk_needed};
pub use error::LedgerError;
pub use input::{AuditInput, OnProgress, Phase, RunFacts};
pub use ledger::{Ledger, Terms};
pub use letters::{BadFrame, Hash, hash};
pub use report::{
    ByStage, CandleExample, Candles, DeadLetterCheck, Delivery, Example, FaultOutcome, Finding, LatencyMs, Repair,
    Report, StackFacts, Stage, Verdict, whose,
};
pub use verdict::inconclusive;
