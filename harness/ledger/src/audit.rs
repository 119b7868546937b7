//! The audit of a run on servers: reads all copies into a ledger, and closes it.

use std::path::Path;
use std::time::Instant;

use exchange::journal;
use market::{Position, record, tables};
use rdkafka::message::{BorrowedMessage, Headers, Message};

use crate::input::{AuditInput, OnProgress, Phase};
use crate::ledger::{Ledger, Terms};
use crate::letters::BadFrame;
use crate::read::tables::Tables;
use crate::read::topic::Topic;
use crate::report::Report;
use crate::{LedgerError, verdict};

/// Every how many records the progress is told.
const STEP: u64 = 65_536;

/// Scratch space that an audit of so many trades needs, in bytes: `150 × trades + 650 × min(trades, 2 × 10⁶) + 64 MiB`.
///
/// A trade has a copy of about 30 bytes of each of journal, topic and table in the bucket files, and one of 25 in the log
/// of its partition: 116 bytes measured, 150 with repeats and longer numbers. A candle takes 80 bytes as a row and 80 as
/// it is expected, and a trade alone in its second changes four: 650. But a market changes four a second at most, however
/// many trades, and 2 × 10⁶ times four are all candles of 120 markets that trade in every second of four and a half hours.
/// The servers and the journal need their own space beside this.
pub fn disk_needed(trades: u64) -> u64 {
    let copies = trades.saturating_mul(150);
    let candles = trades.min(2_000_000) * 650;
    copies.saturating_add(candles).saturating_add(64 << 20)
}

/// Audits a run: reads everything, and says what became of every trade. Blocks for a few microseconds per trade: call it
/// from a thread of its own, not from an async task.
///
/// # Errors
/// [`LedgerError`] when a copy cannot be read; [`crate::inconclusive`] makes a report of it.
pub fn audit(input: &AuditInput, progress: OnProgress<'_>) -> Result<Report, LedgerError> {
    let started = Instant::now();
    // All sources are opened before any is read: a server that is away should be known in seconds.
    let topic = Topic::open(&input.brokers, &input.topic)?;
    topic.whole()?;
    let letters = Topic::open(&input.brokers, &input.dead_letters)?;
    let tables = Tables::new(&input.clickhouse, &input.database);
    let rows = tables.count(tables::TRADES)?;
    let candle_rows = tables.count(tables::CANDLES)?;
    let journal = match &input.journal {
        Some(folder) => Some((
            folder.as_path(),
            journal::Reader::open(folder).map_err(damaged(folder))?,
        )),
        None => None,
    };

    let sent = journal.as_ref().map_or(0, |(_, reader)| reader.records());
    let terms = Terms {
        journal: journal.is_some(),
        encoding: input.encoding,
        bound_ms: input.bound_ms,
        lateness_ms: input.lateness_ms,
    };
    let mut ledger = Ledger::open(terms, &input.scratch, sent + topic.records() + rows)?;
    let mut markets = 0;
    if let Some((folder, reader)) = journal {
        markets = reader.markets().len() as u64;
        read_journal(&mut ledger, folder, reader, progress)?;
    }
    read_topic(&mut ledger, topic, progress)?;
    read_letters(&mut ledger, letters, progress)?;

    let mut told = Told::new(Phase::Rows, rows, progress);
    tables.trades(|(at, trade)| {
        told.one();
        match trade {
            Ok(trade) => ledger.row(at, &trade),
            Err(what) => {
                ledger.foreign_row(at, &what);
                Ok(())
            }
        }
    })?;
    let mut told = Told::new(Phase::CandleRows, candle_rows, progress);
    tables.candles(|candle| {
        told.one();
        match candle {
            Some(candle) => ledger.candle_row(&candle),
            None => {
                ledger.foreign_candle_row();
                Ok(())
            }
        }
    })?;

    let mut report = ledger.close(&input.run, progress)?;
    verdict::facts(&mut report, input);
    if report.markets == 0 {
        report.markets = markets;
    }
    if input.run.duration_s > 0.0 {
        report.trades_per_second = (report.once + report.duplicated) as f64 / input.run.duration_s;
    }
    report.audit_s = started.elapsed().as_secs_f64();
    Ok(report)
}

fn damaged(folder: &Path) -> impl Fn(exchange::JournalError) -> LedgerError {
    move |error| LedgerError::Journal {
        path: folder.to_owned(),
        detail: error.to_string(),
    }
}

fn read_journal(
    ledger: &mut Ledger,
    folder: &Path,
    reader: journal::Reader,
    progress: OnProgress<'_>,
) -> Result<(), LedgerError> {
    let mut told = Told::new(Phase::Journal, reader.records(), progress);
    for entry in reader {
        ledger.sent(&entry.map_err(damaged(folder))?.trade)?;
        told.one();
    }
    for entry in journal::bad_frames(folder).map_err(damaged(folder))? {
        let frame = BadFrame::listed(&entry).ok_or_else(|| LedgerError::Journal {
            path: folder.to_owned(),
            detail: format!("bad frame {}: {:?} is no SHA-256", entry.n, entry.sha256),
        })?;
        ledger.bad_frame(frame);
    }
    Ok(())
}

fn read_topic(ledger: &mut Ledger, topic: Topic, progress: OnProgress<'_>) -> Result<(), LedgerError> {
    topic.partitions().for_each(|partition| ledger.partition(partition));
    let mut told = Told::new(Phase::Topic, topic.records(), progress);
    topic.read(|message| {
        let at = Position {
            partition: message.partition(),
            offset: message.offset(),
        };
        told.one();
        ledger.record(at, message.key(), message.payload().unwrap_or_default())
    })
}

fn read_letters(ledger: &mut Ledger, letters: Topic, progress: OnProgress<'_>) -> Result<(), LedgerError> {
    let mut told = Told::new(Phase::DeadLetters, letters.records(), progress);
    letters.read(|message| {
        told.one();
        let reason = header(message, record::HEADER_REASON);
        let source = header(message, record::HEADER_SOURCE);
        ledger.dead_letter(message.payload().unwrap_or_default(), &reason, &source);
        Ok(())
    })
}

fn header(message: &BorrowedMessage<'_>, name: &str) -> String {
    let mut headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    let value = headers
        .find(|header| header.key == name)
        .and_then(|header| header.value);
    value.map_or_else(
        || format!("no {name}"),
        |value| String::from_utf8_lossy(value).into_owned(),
    )
}

/// Tells the progress now and then.
struct Told<'a> {
    phase: Phase,
    done: u64,
    total: u64,
    progress: OnProgress<'a>,
}

impl<'a> Told<'a> {
    fn new(phase: Phase, total: u64, progress: OnProgress<'a>) -> Self {
        progress(phase, 0, total);
        Self {
            phase,
            done: 0,
            total,
            progress,
        }
    }

    fn one(&mut self) {
        self.done += 1;
        if self.done == self.total || self.done.is_multiple_of(STEP) {
            (self.progress)(self.phase, self.done, self.total.max(self.done));
        }
    }
}
