//! Matches the copies of each trade: one bucket in memory at a time, sorted by identity, so that the copies of one trade
//! stand next to each other in the order of the stages.

use std::path::PathBuf;

use market::{Position, Trade};

use crate::LedgerError;
use crate::codec::Cursor;
use crate::copies::{Markets, Source, TradeCopy};
use crate::examples::{Examples, difference, name};
use crate::report::{Delivery, Finding, Report, Stage};
use crate::spill::{Bits, take};

/// What the matching needs and what it fills.
pub(crate) struct Matching<'a> {
    pub(crate) markets: &'a Markets,
    /// Whether a journal was read: without one the topic is the base.
    pub(crate) journal: bool,
    pub(crate) report: &'a mut Report,
    pub(crate) examples: &'a mut Examples,
    /// Per partition: the offsets of repeats.
    pub(crate) repeats: &'a mut Vec<Bits>,
}

impl Matching<'_> {
    /// Reads all buckets, removing each; `done` is called after each.
    pub(crate) fn run(&mut self, buckets: &[PathBuf], mut done: impl FnMut(usize)) -> Result<(), LedgerError> {
        let mut bytes = Vec::new();
        let mut copies: Vec<TradeCopy> = Vec::new();
        for (i, path) in buckets.iter().enumerate() {
            take(path, &mut bytes)?;
            copies.clear();
            let mut cursor = Cursor::new(&bytes, path);
            while !cursor.is_empty() {
                copies.push(TradeCopy::read(&mut cursor)?);
            }
            copies.sort_unstable_by_key(|c| (c.market, c.id, c.source, c.partition, c.offset));
            for trade in copies.chunk_by(|a, b| (a.market, a.id) == (b.market, b.id)) {
                self.one(trade);
            }
            done(i + 1);
        }
        Ok(())
    }

    /// All copies of one trade.
    fn one(&mut self, copies: &[TradeCopy]) {
        let of = |source| {
            let from = copies.partition_point(|copy| copy.source < source);
            let to = copies.partition_point(|copy| copy.source <= source);
            &copies[from..to]
        };
        let (journal, topic, table, dead) = (
            of(Source::Journal),
            of(Source::Topic),
            of(Source::Table),
            of(Source::DeadLetter),
        );
        self.repeats(topic);
        self.values(journal, topic, table);
        let base = if self.journal { journal } else { topic };
        let delivery = match (base.is_empty(), topic.is_empty(), table.len()) {
            // A dead letter alone, of a trade that was never sent: the comparison of dead letters reports it.
            (true, true, 0) => return,
            (true, true, _) => Delivery::Unexpected(Stage::Worker),
            (true, false, _) => Delivery::Unexpected(Stage::Ingest),
            (false, _, 0) if !dead.is_empty() => Delivery::DeadLettered,
            (false, true, 0) => Delivery::Lost(Stage::Ingest),
            (false, false, 0) => Delivery::Lost(Stage::Worker),
            (false, _, 1) => Delivery::Once,
            (false, _, n) => Delivery::Duplicated(n as u64),
        };
        self.count(delivery, copies);
        if !base.is_empty() && topic.is_empty() && !table.is_empty() {
            // Sent and in the table, but no record explains the row.
            self.report.unexpected.worker += 1;
            self.example(Finding::UnexpectedWorker, &table[0], |name, _| {
                format!("{name}: was sent and is in the table, but not in the topic")
            });
        }
    }

    /// A second record of a trade in one partition is a repeat. In another partition it is not: nothing that works on
    /// one partition could know.
    fn repeats(&mut self, topic: &[TradeCopy]) {
        for pair in topic.windows(2) {
            if pair[0].partition == pair[1].partition {
                self.report.repeats += 1;
                if let Ok(partition) = usize::try_from(pair[1].partition) {
                    if partition >= self.repeats.len() {
                        self.repeats.resize_with(partition + 1, Bits::default);
                    }
                    self.repeats[partition].set(pair[1].offset);
                }
            }
        }
    }

    /// Compares each copy with the one of the stage before it.
    fn values(&mut self, journal: &[TradeCopy], topic: &[TradeCopy], table: &[TradeCopy]) {
        // Without a journal the first record stands for what was sent.
        if let Some(sent) = journal.first().or(topic.first())
            && let Some(wrong) = topic.iter().find(|copy| !copy.same_values(sent))
        {
            self.report.altered.ingest += 1;
            let sent = self.trade(sent);
            let before = if self.journal { "sent" } else { "first record" };
            self.example(Finding::AlteredIngest, wrong, |name, found| {
                let what = sent.map(|sent| difference(&sent, found, false)).unwrap_or_default();
                format!("{name}: {before} → topic at {}: {what}", place(wrong.position()))
            });
        }
        let Some(first) = topic.first() else { return };
        let differs = |row: &&TradeCopy| !row.same_values(first) || row.sent != first.sent;
        // With several rows the position of each but one is another record's: the trade is reported as duplicated.
        let moved = |row: &&TradeCopy| table.len() == 1 && row.position() != first.position();
        if let Some(wrong) = table.iter().find(|row| differs(row) || moved(row)) {
            self.report.altered.worker += 1;
            let before = self.trade(first);
            self.example(Finding::AlteredWorker, wrong, |name, found| {
                let mut what = before.map(|b| difference(&b, found, true)).unwrap_or_default();
                if wrong.position() != first.position() && table.len() == 1 {
                    let comma = if what.is_empty() { "" } else { ", " };
                    what += &format!(
                        "{comma}position {} → {}",
                        place(first.position()),
                        place(wrong.position())
                    );
                }
                format!("{name}: topic → table: {what}")
            });
        }
    }

    fn count(&mut self, delivery: Delivery, copies: &[TradeCopy]) {
        let report = &mut *self.report;
        report.sent += u64::from(!matches!(delivery, Delivery::Unexpected(_)));
        let topic = copies.iter().find(|copy| copy.source == Source::Topic);
        match delivery {
            Delivery::Once => report.once += 1,
            Delivery::Lost(stage) => {
                report.lost += 1;
                *report.lost_by_stage.at(stage) += 1;
                let (finding, copy) = match (stage, topic) {
                    (Stage::Worker, Some(copy)) => (Finding::LostWorker, copy),
                    _ => (Finding::LostIngest, &copies[0]),
                };
                self.example(finding, copy, |name, _| match stage {
                    Stage::Ingest => format!("{name}: sent, and not in the topic"),
                    Stage::Worker => {
                        format!(
                            "{name}: in the topic at {}, and not in the table",
                            place(copy.position())
                        )
                    }
                });
            }
            Delivery::Duplicated(rows) => {
                report.duplicated += 1;
                let offsets: Vec<String> = copies
                    .iter()
                    .filter(|copy| copy.source == Source::Table)
                    .take(4)
                    .map(|copy| place(copy.position()))
                    .collect();
                self.example(Finding::Duplicated, &copies[0], |name, _| {
                    format!("{name}: {rows} rows in the table, of {}", offsets.join(", "))
                });
            }
            Delivery::DeadLettered => {
                report.dead_lettered += 1;
                self.example(Finding::DeadLettered, &copies[0], |name, _| {
                    format!("{name}: sent in good form, a dead letter, and not in the table")
                });
            }
            Delivery::Unexpected(stage) => {
                *report.unexpected.at(stage) += 1;
                let finding = match stage {
                    Stage::Ingest => Finding::UnexpectedIngest,
                    Stage::Worker => Finding::UnexpectedWorker,
                };
                let copy = topic.unwrap_or(&copies[0]);
                self.example(finding, copy, |name, _| {
                    let at = place(copy.position());
                    match stage {
                        Stage::Ingest => format!("{name}: in the topic at {at}, and never sent"),
                        Stage::Worker => format!("{name}: in the table as {at}, and not in the topic"),
                    }
                });
            }
        }
    }

    fn trade(&self, copy: &TradeCopy) -> Option<Trade> {
        self.markets.trade(copy)
    }

    fn example(&mut self, finding: Finding, copy: &TradeCopy, detail: impl FnOnce(&str, &Trade) -> String) {
        if let Some(trade) = self.markets.trade(copy) {
            let key = (copy.event, Some(trade.market), copy.id);
            self.examples.add(finding, key, || detail(&name(&trade), &trade));
        }
    }
}

/// `3@128`: partition and offset.
pub(crate) fn place(position: Position) -> String {
    format!("{}@{}", position.partition, position.offset)
}
