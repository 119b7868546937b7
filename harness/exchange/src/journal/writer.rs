//! Appends executed trades, and keeps what is needed to find them again: per market the newest record and every 256th.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use market::Market;

use super::reader::MarketsFile;
use super::{LATE, MARKETS_FILE, RECORD_BYTES, Record, TRADES_FILE};
use crate::JournalError;

/// Bytes collected before the file is written.
const BUFFER_BYTES: usize = RECORD_BYTES * 8192;

/// Every how many records of a market one is remembered: 16 bytes for 256 records are 6 MB for 10⁸.
const STRIDE: u64 = 256;

/// What is remembered of one market.
#[derive(Default)]
pub(super) struct MarketLog {
    /// Number of its last record, from 1.
    pub(super) last: u64,
    count: u64,
    /// Highest execution time so far.
    pub(super) newest_ms: i64,
    /// How far a record ever stood behind the highest execution time before it.
    pub(super) disorder_ms: i64,
    /// (highest execution time up to this record, its number from 1), every [`STRIDE`]th.
    pub(super) marks: Vec<(i64, u64)>,
    /// The record with the highest id.
    pub(super) newest: Option<Record>,
}

/// The journal while it is written.
pub(crate) struct Journal {
    path: PathBuf,
    pub(super) file: Arc<File>,
    /// Records that the file does not hold yet.
    pub(super) buffer: Vec<u8>,
    /// How many bytes of the buffer's first record the file holds already: what a full disk leaves.
    begun: usize,
    /// Whole records in the file.
    pub(super) written: u64,
    pub(super) markets: Vec<MarketLog>,
}

impl Journal {
    /// Makes the folder and the files of a new journal.
    ///
    /// # Errors
    /// [`JournalError`]; also if there is a journal already, because appending to another run's would mix two runs.
    pub(crate) fn create(dir: &Path, markets: &[Market]) -> Result<Self, JournalError> {
        std::fs::create_dir_all(dir).map_err(JournalError::io(dir, "made"))?;
        let path = dir.join(TRADES_FILE);
        let file = File::options()
            .read(true)
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(JournalError::io(&path, "made"))?;
        let head = MarketsFile {
            format: "tickbook-journal".into(),
            version: 1,
            record_bytes: RECORD_BYTES,
            markets: markets.to_vec(),
        };
        let path_of_markets = dir.join(MARKETS_FILE);
        serde_json::to_vec(&head)
            .map_err(std::io::Error::from)
            .and_then(|text| std::fs::write(&path_of_markets, text))
            .map_err(JournalError::io(&path_of_markets, "written"))?;
        Ok(Self {
            path,
            file: Arc::new(file),
            buffer: Vec::with_capacity(BUFFER_BYTES),
            begun: 0,
            written: 0,
            markets: markets.iter().map(|_| MarketLog::default()).collect(),
        })
    }

    /// Records so far.
    pub(crate) fn records(&self) -> u64 {
        self.written + (self.buffer.len() / RECORD_BYTES) as u64
    }

    /// The trade of `market` with the highest id, if it has one.
    pub(crate) fn newest(&self, market: u16) -> Option<Record> {
        self.markets.get(usize::from(market))?.newest
    }

    /// Appends a trade; sets its `previous` and its flag for a late arrival.
    ///
    /// # Errors
    /// [`JournalError`] when the file cannot be written, for want of space above all.
    #[inline]
    pub(crate) fn append(&mut self, mut record: Record) -> Result<(), JournalError> {
        let number = self.records() + 1;
        let Some(log) = self.markets.get_mut(usize::from(record.market)) else {
            return Err(JournalError::format(
                &self.path,
                format!("there is no market {}", record.market),
            ));
        };
        record.previous = log.last;
        log.last = number;
        match &log.newest {
            Some(newest) if newest.sequential_id > record.sequential_id => record.flags |= LATE,
            _ => log.newest = Some(record),
        }
        if log.count == 0 || record.event_ms > log.newest_ms {
            log.newest_ms = record.event_ms;
        }
        log.disorder_ms = log.disorder_ms.max(log.newest_ms.saturating_sub(record.event_ms));
        if log.count.is_multiple_of(STRIDE) {
            log.marks.push((log.newest_ms, number));
        }
        log.count += 1;
        self.buffer.extend_from_slice(&record.to_bytes());
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Hands everything to the file.
    ///
    /// # Errors
    /// [`JournalError`] when the file cannot be written; a later call goes on where this one stopped.
    pub(crate) fn flush(&mut self) -> Result<(), JournalError> {
        let file = Arc::clone(&self.file);
        self.flush_to(&mut &*file)
            .map_err(JournalError::io(&self.path, "written"))
    }

    /// Not `write_all`: it does not say how much it wrote before it failed, and a record begun anew behind a part of itself
    /// would put all that follow out of step.
    fn flush_to(&mut self, out: &mut impl Write) -> std::io::Result<()> {
        let mut done = Ok(());
        while self.begun < self.buffer.len() && done.is_ok() {
            match out.write(&self.buffer[self.begun..]) {
                Ok(0) => done = Err(ErrorKind::WriteZero.into()),
                Ok(bytes) => self.begun += bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => done = Err(error),
            }
        }
        let records = self.begun / RECORD_BYTES;
        self.buffer.drain(..records * RECORD_BYTES);
        self.begun %= RECORD_BYTES;
        self.written += records as u64;
        done
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if let Err(error) = self.flush() {
            tracing::error!("{error}");
        }
    }
}

#[cfg(test)]
impl Journal {
    /// As on a disk that takes nothing more.
    pub(crate) fn full(mut self) -> Self {
        self.file = Arc::new(File::open(&self.path).unwrap()); // open for reading only
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(n: u64) -> Record {
        Record {
            sequential_id: n,
            event_ms: n as i64,
            price: 1,
            volume: 1,
            previous: 0,
            market: 0,
            side: market::Side::Bid,
            flags: 0,
            sent_delta_ms: 0,
        }
    }

    /// A disk with so much room, that takes at most 100 bytes at a time.
    struct Disk {
        bytes: Vec<u8>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let taken = bytes.len().min(100).min(self.room - self.bytes.len());
            if taken == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.bytes.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_disk_that_is_full_in_the_middle_of_a_record_leaves_the_records_in_step() {
        for room in 0..=10 * RECORD_BYTES {
            let dir = tempfile::tempdir().unwrap();
            let mut journal = Journal::create(dir.path(), &["KRW-BTC".parse().unwrap()]).unwrap();
            let mut disk = Disk {
                bytes: Vec::new(),
                room,
            };
            (1..=10).for_each(|n| journal.append(record(n)).unwrap());
            assert_eq!(journal.flush_to(&mut disk).is_ok(), room == 10 * RECORD_BYTES);
            assert_eq!(
                (journal.written, journal.records()),
                ((room / RECORD_BYTES) as u64, 10),
                "{room} bytes"
            );
            journal.append(record(11)).unwrap();
            disk.room = 1 << 20;
            journal.flush_to(&mut disk).unwrap();
            assert_eq!((journal.written, journal.records()), (11, 11), "{room} bytes");
            let read: Vec<_> = disk
                .bytes
                .chunks(RECORD_BYTES)
                .map(|bytes| Record::from_bytes(bytes.try_into().unwrap()).unwrap().sequential_id)
                .collect();
            assert_eq!(read, (1..=11).collect::<Vec<_>>(), "{room} bytes");
        }
    }
}
