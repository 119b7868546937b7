//! The ledger: takes the copies of the trades in any order, and closes with a report.

use std::path::Path;

use market::{Candle, Encoding, EventTime, Position, Trade};

use crate::comparing::{self, CandleSpill};
use crate::copies::{Markets, Source, TradeCopy};
use crate::decode;
use crate::examples::{Examples, name};
use crate::input::{OnProgress, Phase};
use crate::letters::{BadFrame, Letters, hash};
use crate::matching::{Matching, place};
use crate::recompute::{self, Log, LogWriter, Rules};
use crate::report::{Finding, Report};
use crate::spill::{Bits, Buckets};
use crate::{LedgerError, RunFacts, verdict};

/// By which rules the run was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Whether there is a journal; without one the topic is the base.
    pub journal: bool,
    /// How trades are written into the topic.
    pub encoding: Encoding,
    /// How far a watermark stays behind the newest event time, milliseconds.
    pub bound_ms: i64,
    /// How long after its end a candle still takes trades, milliseconds of watermark.
    pub lateness_ms: i64,
}

/// Takes what was sent, what is in the topic and what is in the tables, each in any order except that the records of one
/// partition come in the order of their offsets, and closes with a report.
///
/// This is the seam below the servers: a test feeds it vectors.
pub struct Ledger {
    folder: tempfile::TempDir,
    terms: Terms,
    markets: Markets,
    buckets: Buckets,
    candles: CandleSpill,
    logs: Vec<Option<LogWriter>>,
    /// By market number: the partition of its first record.
    homes: Vec<Option<i32>>,
    letters: Letters,
    examples: Examples,
    report: Report,
    scratch: Vec<u8>,
}

impl Ledger {
    /// Opens a ledger for about `copies` copies of trades, all sources together; the number only decides how finely the
    /// files are cut. Its files stand in a folder of its own below `scratch`, and go with it.
    ///
    /// # Errors
    /// [`LedgerError::File`] when the folder cannot be written.
    pub fn open(terms: Terms, scratch: &Path, copies: u64) -> Result<Self, LedgerError> {
        std::fs::create_dir_all(scratch).map_err(LedgerError::file(scratch))?;
        let folder = tempfile::Builder::new()
            .prefix("audit-")
            .tempdir_in(scratch)
            .map_err(LedgerError::file(scratch))?;
        // At most 600,000 copies of 80 bytes in memory at a time, up to 3 × 10⁸ copies; with few, few files.
        let buckets = (copies / 600_000).clamp(8, 512).next_power_of_two() as usize;
        Ok(Self {
            buckets: Buckets::create(folder.path(), "trades", buckets)?,
            candles: CandleSpill::create(folder.path())?,
            folder,
            terms,
            markets: Markets::default(),
            logs: Vec::new(),
            homes: Vec::new(),
            letters: Letters::default(),
            examples: Examples::default(),
            report: Report {
                journal: terms.journal,
                ..Report::default()
            },
            scratch: Vec::with_capacity(128),
        })
    }

    fn spill(&mut self, copy: &TradeCopy) -> Result<(), LedgerError> {
        self.scratch.clear();
        copy.write(&mut self.scratch);
        self.buckets.write(copy.hash(), &self.scratch)
    }

    /// A trade of the journal. Its send time is not looked at.
    ///
    /// # Errors
    /// [`LedgerError::File`] when the scratch folder is full.
    pub fn sent(&mut self, trade: &Trade) -> Result<(), LedgerError> {
        let market = self.markets.number(trade.market);
        self.spill(&TradeCopy::new(Source::Journal, market, trade, Position::default()))
    }

    /// A partition of the topic, told before its records: an empty one counts, too.
    pub fn partition(&mut self, number: i32) {
        self.report.partitions = self.report.partitions.max(number as u64 + 1);
    }

    /// A record of the topic.
    ///
    /// # Errors
    /// [`LedgerError::File`] when the scratch folder is full.
    pub fn record(&mut self, at: Position, key: Option<&[u8]>, payload: &[u8]) -> Result<(), LedgerError> {
        self.report.records += 1;
        match decode::record(self.terms.encoding, payload) {
            Ok(trade) => self.readable(at, key, &trade),
            Err(why) => {
                self.unreadable(at, payload, &why);
                Ok(())
            }
        }
    }

    fn readable(&mut self, at: Position, key: Option<&[u8]>, trade: &Trade) -> Result<(), LedgerError> {
        let market = self.markets.number(trade.market);
        let number = market as usize;
        if number >= self.homes.len() {
            self.homes.resize(number + 1, None);
        }
        let home = *self.homes[number].get_or_insert(at.partition);
        let example = (trade.event_time.millis(), Some(trade.market), trade.sequential_id);
        if home != at.partition {
            self.report.misplaced += 1;
            self.examples.add(Finding::Misplaced, example, || {
                format!(
                    "{}: at {}, its market began in partition {home}",
                    name(trade),
                    place(at)
                )
            });
        } else if key != Some(trade.market.as_bytes()) {
            self.report.misplaced += 1;
            self.examples.add(Finding::Misplaced, example, || {
                let key = key.map(String::from_utf8_lossy);
                format!(
                    "{}: at {}, under the key {:?}",
                    name(trade),
                    place(at),
                    key.unwrap_or_default()
                )
            });
        }
        self.spill(&TradeCopy::new(Source::Topic, market, trade, at))?;
        let partition = usize::try_from(at.partition).unwrap_or(0);
        if partition >= self.logs.len() {
            self.logs.resize_with(partition + 1, || None);
        }
        let log = match &mut self.logs[partition] {
            Some(log) => log,
            none => none.insert(LogWriter::create(self.folder.path(), at.partition)?),
        };
        log.push(market, trade, at.offset)
    }

    /// Counts, and expects its bytes among the dead letters: the worker must have put them there.
    fn unreadable(&mut self, at: Position, payload: &[u8], why: &str) {
        self.report.unreadable += 1;
        let number = at.offset as u64;
        self.examples
            .add(Finding::Unreadable, (i64::from(at.partition), None, number), || {
                format!("the record at {}: {why}", place(at))
            });
        self.letters.expect(BadFrame {
            hash: hash(payload),
            sent: EventTime::default(),
            cut: false,
            what: format!("the unreadable record at {}", place(at)),
        });
    }

    /// A row of the table of trades.
    ///
    /// # Errors
    /// [`LedgerError::File`] when the scratch folder is full.
    pub fn row(&mut self, at: Position, trade: &Trade) -> Result<(), LedgerError> {
        self.report.rows += 1;
        let market = self.markets.number(trade.market);
        self.spill(&TradeCopy::new(Source::Table, market, trade, at))
    }

    /// A row of the table of trades that can be no trade, such as one with a market that is none.
    pub fn foreign_row(&mut self, at: Position, what: &str) {
        self.report.rows += 1;
        self.report.unexpected.worker += 1;
        let key = (i64::from(at.partition), None, at.offset as u64);
        self.examples.add(Finding::UnexpectedWorker, key, || {
            format!("a row as {}: {what}", place(at))
        });
    }

    /// A row of the table of candles.
    ///
    /// # Errors
    /// [`LedgerError::File`] when the scratch folder is full.
    pub fn candle_row(&mut self, candle: &Candle) -> Result<(), LedgerError> {
        let market = self.markets.number(candle.market);
        self.candles.push(market, candle, true)
    }

    /// A row of the table of candles that can be no candle, such as one with a market that is none.
    pub fn foreign_candle_row(&mut self) {
        self.report.candles.rows += 1;
        self.report.candles.unexpected += 1;
    }

    /// A bad frame that the exchange sent.
    pub fn bad_frame(&mut self, frame: BadFrame) {
        self.letters.expect(frame);
    }

    /// A dead letter, with the headers that say why and where from.
    pub fn dead_letter(&mut self, bytes: &[u8], reason: &str, source: &str) {
        self.letters.find(bytes, reason, source);
    }

    /// Matches, recomputes, compares, and decides. The report has the facts of the run that bear on the verdict only;
    /// [`crate::audit`] adds the others.
    ///
    /// # Errors
    /// [`LedgerError::File`] and [`LedgerError::Spill`] when the scratch folder fails.
    pub fn close(mut self, run: &RunFacts, progress: OnProgress<'_>) -> Result<Report, LedgerError> {
        self.settle()?;
        let repeats = self.matched(progress)?;
        self.recomputed(&repeats, progress)?;
        let buckets = self.candles.finish()?;
        let total = buckets.len() as u64;
        comparing::compare(&buckets, &self.markets, &mut self.report.candles, |n| {
            progress(Phase::Compare, n as u64, total);
        })?;
        self.report.examples = self.examples.into_vec();
        verdict::judge(&mut self.report, run);
        Ok(self.report)
    }

    fn settle(&mut self) -> Result<(), LedgerError> {
        let letters = std::mem::take(&mut self.letters);
        self.report.dead_letters = letters.count;
        let (check, carried) = letters.settle(self.terms.journal, &mut self.examples);
        self.report.dead_letter_check = check;
        for (market, id) in carried {
            let copy = TradeCopy {
                market: self.markets.number(market),
                source: Source::DeadLetter,
                side: market::Side::Bid,
                partition: -1,
                id,
                event: 0,
                sent: 0,
                offset: -1,
                price: 0,
                volume: 0,
            };
            self.spill(&copy)?;
        }
        Ok(())
    }

    fn matched(&mut self, progress: OnProgress<'_>) -> Result<Vec<Bits>, LedgerError> {
        let folder = self.folder.path();
        let buckets = std::mem::replace(&mut self.buckets, Buckets::create(folder, "none", 0)?).finish()?;
        let mut repeats = Vec::new();
        let total = buckets.len() as u64;
        Matching {
            markets: &self.markets,
            journal: self.terms.journal,
            report: &mut self.report,
            examples: &mut self.examples,
            repeats: &mut repeats,
        }
        .run(&buckets, |n| progress(Phase::Match, n as u64, total))?;
        Ok(repeats)
    }

    fn recomputed(&mut self, repeats: &[Bits], progress: OnProgress<'_>) -> Result<(), LedgerError> {
        let logs = std::mem::take(&mut self.logs);
        let mut records = 0;
        let mut finished: Vec<(i32, Log)> = Vec::new();
        for (partition, log) in (0..).zip(logs) {
            if let Some(log) = log {
                records += log.records;
                finished.push((partition, log.finish()?));
            }
        }
        let rules = Rules {
            bound_ms: self.terms.bound_ms,
            lateness_ms: self.terms.lateness_ms,
        };
        let none = Bits::default();
        let mut seen = 0u64;
        for (partition, log) in &finished {
            let repeats = repeats.get(*partition as usize).unwrap_or(&none);
            let candles = &mut self.candles;
            let markets = &self.markets;
            let counts = recompute::recompute(
                (*partition, log, repeats),
                rules,
                |number| markets.name(number),
                |number, candle| candles.push(number, candle, false),
                || {
                    seen += 1;
                    if seen.is_multiple_of(65_536) {
                        progress(Phase::Recompute, seen, 2 * records);
                    }
                },
            )?;
            self.report.late += counts.late;
            self.report.too_late += counts.too_late;
            self.report.reordered += counts.reordered;
            self.report.candles.open += counts.open;
        }
        progress(Phase::Recompute, 2 * records, 2 * records);
        Ok(())
    }
}
