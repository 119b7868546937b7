//! The journal: every trade the exchange executed, in the order of execution. It is what the audit compares with, and
//! what the exchange itself answers REST requests from, so that 10⁸ trades need a file and not memory.
//!
//! # Files
//! | file | holds |
//! |---|---|
//! | `markets.json` | `{"format":"tickbook-journal","version":1,"record_bytes":48,"markets":["KRW-BTC",…]}`; a record names a market by its place in the list |
//! | `trades.journal` | records of 48 bytes, little-endian, nothing else: see below. A record cut short by a crash is not read |
//! | `bad-frames.jsonl` | one line for every bad frame that was written to a socket: see [`BadFrameEntry`] |
//! | `connections.jsonl` | one line when a WebSocket connection opens and one when it ends: see [`ConnectionEntry`] |
//!
//! | bytes | of a record in `trades.journal` |
//! |---|---|
//! | 0..8 | `sequential_id`, u64 |
//! | 8..16 | execution time, i64, milliseconds since 1970-01-01 UTC |
//! | 16..24 | price, i64, units of 10⁻⁸ |
//! | 24..32 | volume, i64, units of 10⁻⁸ |
//! | 32..40 | number of the same market's previous record, from 1; 0 for none; u64 |
//! | 40..42 | market, u16 |
//! | 42 | side: 1 bid, 2 ask |
//! | 43 | flags: bit 0 is set where the trade came later than one of its market with a higher id |
//! | 44..48 | intended send time − execution time, u32, milliseconds |

mod logs;
mod pages;
mod reader;
mod record;
mod writer;

pub(crate) use logs::Logs;
pub use logs::{BadFrameEntry, ConnectionEnd, ConnectionEntry, bad_frames, connections};
pub(crate) use pages::Walk;
pub use reader::{Entry, Reader};
pub(crate) use record::{LATE, RECORD_BYTES, Record};
pub(crate) use writer::Journal;

/// Name of the file of records.
pub const TRADES_FILE: &str = "trades.journal";
/// Name of the file that says which market each number means.
pub const MARKETS_FILE: &str = "markets.json";
/// Name of the list of bad frames.
pub const BAD_FRAMES_FILE: &str = "bad-frames.jsonl";
/// Name of the list of connections.
pub const CONNECTIONS_FILE: &str = "connections.jsonl";
