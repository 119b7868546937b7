//! The auditor: what became of every trade, from the exchange's journal through the topic to the tables.
//!
//! Three copies of one stream of trades are compared by identity, and the candles are computed a second time by code
//! that shares nothing with the pipeline. The audit streams: trades go to bucket files by a hash of their identity, so
//! that one bucket at a time is in memory, however long the run was.

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
mod recompute;
mod render;
mod report;
mod spill;
mod verdict;

pub use error::LedgerError;
pub use input::{AuditInput, OnProgress, Phase, RunFacts};
pub use ledger::{Ledger, Terms};
pub use letters::{BadFrame, Hash, hash};
pub use report::{
    ByStage, CandleExample, Candles, DeadLetterCheck, Delivery, Example, FaultOutcome, Finding, LatencyMs, Repair,
    Report, StackFacts, Stage, Verdict,
};
pub use verdict::inconclusive;

/// Scratch space that an audit of so many trades needs, bytes.
pub fn disk_needed(trades: u64) -> u64 {
    trades.saturating_mul(200)
}

/// Audits a run. Blocks: call it from a thread of its own, not from an async task.
///
/// # Errors
/// [`LedgerError`] when a copy cannot be read; [`inconclusive`] makes a report of it.
pub fn audit(input: &AuditInput, progress: OnProgress<'_>) -> Result<Report, LedgerError> {
    let mut report = Report::default();
    progress(Phase::Journal, 0, 0);
    verdict::facts(&mut report, input);
    verdict::judge(&mut report, &input.run);
    Ok(report)
}
