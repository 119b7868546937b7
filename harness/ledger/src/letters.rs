//! Dead letters: what should be there, by the bytes, against what is.

use std::collections::{HashMap, HashSet};

use market::{EventTime, Market};
use sha2::{Digest, Sha256};

use crate::decode;
use crate::examples::{Examples, time};
use crate::report::{DeadLetterCheck, Finding};

/// Bytes that should be a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFrame {
    /// [`hash`] of its bytes.
    pub hash: Hash,
    /// When it was sent, milliseconds since 1970-01-01 UTC.
    pub sent: EventTime,
    /// Whether its connection was cut before the client had confirmed to have read it, so that it may have gone down with
    /// the socket.
    pub cut: bool,
    /// What it is, for a person: `truncated, connection 3`.
    pub what: String,
}

impl BadFrame {
    /// A line of the exchange's list of bad frames; `None` when its hash is none.
    pub fn listed(entry: &exchange::journal::BadFrameEntry) -> Option<Self> {
        Some(Self {
            hash: from_hex(&entry.sha256)?,
            sent: EventTime::from_millis(entry.sent_us / 1_000),
            cut: entry.maybe_lost,
            what: format!(
                "bad frame {} ({}, {} bytes, connection {})",
                entry.n, entry.kind, entry.bytes, entry.connection
            ),
        })
    }
}

fn from_hex(text: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    if text.len() != 2 * hash.len() {
        return None;
    }
    for (i, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(hash)
}

/// SHA-256 of a frame's or a record's bytes, as the exchange lists it.
pub fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// A SHA-256.
pub type Hash = [u8; 32];

struct Letter {
    count: u64,
    identity: Option<(Market, u64)>,
    what: String,
}

/// Both sides, until they are compared. In memory: faults are injected by the thousand, not by the million.
#[derive(Default)]
pub(crate) struct Letters {
    expected: HashMap<Hash, Vec<BadFrame>>,
    found: HashMap<Hash, Letter>,
    /// Letters of records of the topic, by bytes and source.
    of_records: HashSet<(Hash, String)>,
    pub(crate) count: u64,
}

impl Letters {
    pub(crate) fn expect(&mut self, frame: BadFrame) {
        self.expected.entry(frame.hash).or_default().push(frame);
    }

    pub(crate) fn find(&mut self, bytes: &[u8], reason: &str, source: &str) {
        self.count += 1;
        let hash = hash(bytes);
        // A worker that takes over replays the log, and writes the letter of a record again: the source says that it is
        // the same one. A frame of the socket has no second reader, so that its letter twice is one too many.
        if is_record(source) && !self.of_records.insert((hash, source.to_owned())) {
            return;
        }
        let letter = self.found.entry(hash).or_insert_with(|| {
            let start = String::from_utf8_lossy(&bytes[..bytes.len().min(48)]);
            Letter {
                count: 0,
                identity: decode::identity(bytes),
                what: format!("{reason} from {source}, {} bytes: {start:?}", bytes.len()),
            }
        });
        letter.count += 1;
    }

    /// Compares as multisets. Gives the identities of trades that letters carry which no bad frame explains. `strict`
    /// is off without a journal: then nobody knows what should be there, except unreadable records.
    pub(crate) fn settle(self, strict: bool, examples: &mut Examples) -> (DeadLetterCheck, Vec<(Market, u64)>) {
        let mut check = DeadLetterCheck::default();
        let mut carried = Vec::new();
        let mut found = self.found;
        for (hash, mut frames) in self.expected {
            check.expected += frames.len() as u64;
            let letters = found.get_mut(&hash).map_or(0, |letter| {
                let matched = letter.count.min(frames.len() as u64);
                letter.count -= matched;
                matched
            });
            check.matched += letters;
            // Of equal frames, those that were read for certain are the ones that must have arrived.
            frames.sort_by_key(|frame| (frame.cut, frame.sent));
            for frame in frames.into_iter().skip(letters as usize) {
                if frame.cut {
                    check.went_down_with_the_socket += 1;
                } else {
                    check.missing += 1;
                    let key = (frame.sent.millis(), None, short(&hash));
                    examples.add(Finding::DeadLetterMissing, key, || {
                        format!("{} sent at {}: no dead letter has its bytes", frame.what, time(key.0))
                    });
                }
            }
        }
        for (hash, letter) in found.into_iter().filter(|(_, letter)| letter.count > 0) {
            carried.extend(letter.identity);
            if strict {
                check.unexpected += letter.count;
                examples.add(Finding::DeadLetterUnexpected, (0, None, short(&hash)), || {
                    format!("{}: {} more than were sent", letter.what, letter.count)
                });
            }
        }
        (check, carried)
    }
}

/// Whether a letter's source is a record: `TOPIC-PARTITION@OFFSET`.
fn is_record(source: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    source
        .rsplit_once('@')
        .and_then(|(log, offset)| Some((log.rsplit_once('-')?.1, offset)))
        .is_some_and(|(partition, offset)| number(partition) && number(offset))
}

/// The first eight bytes: enough to keep examples apart.
fn short(hash: &Hash) -> u64 {
    hash.iter().take(8).fold(0, |word, byte| word << 8 | u64::from(*byte))
}
