//! Walks a market's trades newest first, for REST pages: backwards along the chain of `previous` numbers.
//!
//! Trades arrive out of order, so the chain is not sorted by id. But no trade ever came more than `disorder` milliseconds
//! behind the newest of its market, and the journal knows that figure: a walked trade may be handed out as soon as it is
//! newer than (oldest walked + disorder), because nothing further back can be newer than that. So a page is sorted
//! exactly, pages neither overlap nor leave holes, and only trades of that span are held in memory.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Journal, RECORD_BYTES, Record, TRADES_FILE};
use crate::JournalError;

/// Most records read at once: 192 KiB.
const MOST_RECORDS: u64 = 4096;

struct ById(Record);

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.sequential_id == other.0.sequential_id
    }
}
impl Eq for ById {}
impl PartialOrd for ById {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for ById {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.sequential_id.cmp(&other.0.sequential_id)
    }
}

/// The trades of one market with an id below a bound, highest id first.
pub(crate) struct Walk {
    journal: Arc<Mutex<Journal>>,
    file: Arc<File>,
    /// Next record to walk to, from 1; 0 at the beginning of the chain.
    next: u64,
    before: u64,
    disorder_ms: i64,
    oldest_ms: i64,
    ready: BinaryHeap<ById>,
    block: Vec<u8>,
    /// Number of the block's first record, from 1.
    block_first: u64,
    block_records: u64,
}

impl Walk {
    /// The trades of `market` with an id below `before`. Trades executed after this call are not among them.
    pub(crate) fn new(journal: &Arc<Mutex<Journal>>, market: u16, before: u64) -> Self {
        let guard = journal.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut next, mut disorder_ms) = (0, 0);
        if let Some(log) = guard.markets.get(usize::from(market)) {
            (next, disorder_ms) = (log.last, log.disorder_ms);
            // An id is its execution time × 10,000 + n. From the first mark whose time is so much higher that everything
            // after it is above the bound, nothing later needs to be walked.
            let before_ms = i64::try_from(before / crate::source::IDS_PER_MS).unwrap_or(i64::MAX);
            let at = log
                .marks
                .partition_point(|(newest, _)| newest.saturating_sub(disorder_ms) <= before_ms);
            if let Some((_, number)) = log.marks.get(at) {
                next = *number;
            }
        }
        let file = Arc::clone(&guard.file);
        drop(guard);
        Self {
            journal: Arc::clone(journal),
            file,
            next,
            before,
            disorder_ms,
            oldest_ms: i64::MAX,
            ready: BinaryHeap::new(),
            block: Vec::new(),
            block_first: 0,
            block_records: 64,
        }
    }

    /// The next lower id, or `None` after the market's first trade.
    ///
    /// # Errors
    /// [`JournalError`] if the file cannot be read back.
    pub(crate) fn next(&mut self) -> Result<Option<Record>, JournalError> {
        loop {
            let sorted = self
                .ready
                .peek()
                .is_some_and(|top| self.next == 0 || top.0.event_ms > self.oldest_ms.saturating_add(self.disorder_ms));
            if sorted || self.next == 0 {
                return Ok(self.ready.pop().map(|top| top.0));
            }
            let record = self.read(self.next)?;
            self.next = record.previous;
            self.oldest_ms = self.oldest_ms.min(record.event_ms);
            if record.sequential_id < self.before {
                self.ready.push(ById(record));
            }
        }
    }

    fn read(&mut self, number: u64) -> Result<Record, JournalError> {
        let held = (self.block.len() / RECORD_BYTES) as u64;
        if number < self.block_first || number >= self.block_first + held {
            // A busy market's records stand close together, a quiet one's far apart: read more only where it pays.
            let near = self.block_first > 0 && self.block_first - number <= self.block_records;
            self.block_records = if near {
                (self.block_records * 2).min(MOST_RECORDS)
            } else {
                64
            };
            self.fill(number)?;
        }
        let at = (number - self.block_first) as usize * RECORD_BYTES;
        let bytes = self
            .block
            .get(at..at + RECORD_BYTES)
            .and_then(|bytes| bytes.try_into().ok());
        bytes
            .and_then(Record::from_bytes)
            .ok_or_else(|| JournalError::format(TRADES_FILE.as_ref(), format!("record {number} is no trade")))
    }

    /// Fetches the block that ends with record `last`.
    fn fill(&mut self, last: u64) -> Result<(), JournalError> {
        let first = last.saturating_sub(self.block_records - 1).max(1);
        let records = (last - first + 1) as usize;
        self.block.clear();
        self.block.resize(records * RECORD_BYTES, 0);
        self.block_first = first;
        let from_file = {
            let journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
            let from_file = (journal.written + 1).saturating_sub(first).min(records as u64) as usize;
            if from_file < records {
                let from = (first + from_file as u64 - journal.written - 1) as usize * RECORD_BYTES;
                let bytes = (records - from_file) * RECORD_BYTES;
                self.block[from_file * RECORD_BYTES..].copy_from_slice(&journal.buffer[from..from + bytes]);
            }
            from_file
        };
        self.file
            .read_exact_at(
                &mut self.block[..from_file * RECORD_BYTES],
                (first - 1) * RECORD_BYTES as u64,
            )
            .map_err(JournalError::io(TRADES_FILE.as_ref(), "read back"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use market::Side;
    use proptest::prelude::*;

    use super::*;

    fn record(market: u16, event_ms: i64, n: u64) -> Record {
        Record {
            sequential_id: event_ms as u64 * crate::source::IDS_PER_MS + n,
            event_ms,
            price: 1,
            volume: 1,
            previous: 0,
            market,
            side: Side::Ask,
            flags: 0,
            sent_delta_ms: 0,
        }
    }

    proptest! {
        /// Whatever the disorder, wherever the write buffer ends, whatever the size of a page.
        #[test]
        fn pages_with_cursors_give_every_trade_once_highest_id_first(
            steps in prop::collection::vec((0u16..3, 0i64..40, 0i64..1500), 1..900),
            flush_at in prop::collection::btree_set(0usize..900, 0..4),
            page in 1usize..200,
        ) {
            let dir = tempfile::tempdir().unwrap();
            let markets = ["KRW-BTC", "KRW-ETH", "KRW-XRP"].map(|code| code.parse().unwrap());
            let journal = Arc::new(Mutex::new(Journal::create(dir.path(), &markets).unwrap()));
            let mut want = [const { BTreeSet::new() }; 3];
            let mut now = 1_700_000_000_000;
            for (n, (market, step, late)) in steps.into_iter().enumerate() {
                now += step;
                let record = record(market, now - late, n as u64);
                let mut journal = journal.lock().unwrap();
                journal.append(record).unwrap();
                want[usize::from(market)].insert(record.sequential_id);
                if flush_at.contains(&n) {
                    journal.flush().unwrap();
                }
            }
            for (market, want) in (0..).zip(&want) {
                let (mut got, mut before) = (Vec::new(), u64::MAX);
                loop {
                    let mut walk = Walk::new(&journal, market, before);
                    let mut ids = Vec::new();
                    while ids.len() < page {
                        let Some(record) = walk.next().unwrap() else { break };
                        ids.push(record.sequential_id);
                    }
                    let Some(last) = ids.last() else { break };
                    before = *last;
                    got.extend(ids);
                }
                let want: Vec<u64> = want.iter().rev().copied().collect();
                prop_assert_eq!(got, want, "market {}: see Walk in journal/pages.rs", market);
            }
        }
    }

    #[test]
    fn a_cursor_far_back_is_found_without_walking_everything() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Arc::new(Mutex::new(
            Journal::create(dir.path(), &["KRW-BTC".parse().unwrap()]).unwrap(),
        ));
        for n in 0..100_000i64 {
            journal
                .lock()
                .unwrap()
                .append(record(0, 1_700_000_000_000 + n, 0))
                .unwrap();
        }
        let before = record(0, 1_700_000_001_000, 0).sequential_id;
        let mut walk = Walk::new(&journal, 0, before);
        assert!(
            walk.next <= 1_000 + 2 * 256,
            "starts at record {}: see the marks in journal/writer.rs",
            walk.next
        );
        let first = walk.next().unwrap().unwrap();
        assert_eq!(first.event_ms, 1_700_000_000_999);
    }
}
