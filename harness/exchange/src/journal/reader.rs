//! Reads a journal from front to back in constant memory: 10⁸ records are 4.8 GB.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use market::{Market, Trade};

use super::{LATE, MARKETS_FILE, RECORD_BYTES, Record, TRADES_FILE};
use crate::JournalError;

/// One executed trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the order of execution, from 0.
    pub number: u64,
    /// The trade; its `sent_time` is when the exchange meant to send it.
    pub trade: Trade,
    /// Whether it came later than a trade of its market with a higher id.
    pub out_of_order: bool,
}

/// What stands in `markets.json`.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct MarketsFile {
    pub(super) format: String,
    pub(super) version: u32,
    pub(super) record_bytes: usize,
    pub(super) markets: Vec<Market>,
}

/// Streams the trades of a journal in the order of execution. It reads what was there when it was opened; a running
/// exchange may append meanwhile.
pub struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    markets: Vec<Market>,
    records: u64,
    next: u64,
}

impl Reader {
    /// Opens the journal in folder `dir`.
    ///
    /// # Errors
    /// [`JournalError`] if a file is missing, unreadable, or not a journal's.
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        let path = dir.join(MARKETS_FILE);
        let text = std::fs::read(&path).map_err(JournalError::io(&path, "read"))?;
        let head: MarketsFile =
            serde_json::from_slice(&text).map_err(|error| JournalError::format(&path, error.to_string()))?;
        if head.format != "tickbook-journal" || head.version != 1 || head.record_bytes != RECORD_BYTES {
            return Err(JournalError::format(
                &path,
                "want format tickbook-journal, version 1, records of 48 bytes",
            ));
        }
        let path = dir.join(TRADES_FILE);
        let file = File::open(&path).map_err(JournalError::io(&path, "opened"))?;
        let bytes = file.metadata().map_err(JournalError::io(&path, "read"))?.len();
        Ok(Self {
            path,
            file: BufReader::with_capacity(1 << 20, file),
            markets: head.markets,
            records: bytes / RECORD_BYTES as u64,
            next: 0,
        })
    }

    /// The markets, in the order in which records number them.
    pub fn markets(&self) -> &[Market] {
        &self.markets
    }

    /// How many trades the journal held when it was opened.
    pub fn records(&self) -> u64 {
        self.records
    }

    fn read(&mut self) -> Result<Entry, JournalError> {
        let mut bytes = [0; RECORD_BYTES];
        self.file
            .read_exact(&mut bytes)
            .map_err(JournalError::io(&self.path, "read"))?;
        let number = self.next;
        self.next += 1;
        let record = Record::from_bytes(&bytes);
        let found = record.and_then(|record| Some((record, *self.markets.get(usize::from(record.market))?)));
        let (record, market) =
            found.ok_or_else(|| JournalError::format(&self.path, format!("record {number} is no trade")))?;
        Ok(Entry {
            number,
            trade: record.trade(market),
            out_of_order: record.flags & LATE != 0,
        })
    }
}

impl Iterator for Reader {
    type Item = Result<Entry, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.records {
            return None;
        }
        let entry = self.read();
        if entry.is_err() {
            self.next = self.records; // an iterator that fails must end: the caller would see the same error for ever
        }
        Some(entry)
    }
}
