//! Captures: what a client received, as a text file that can be replayed, read by a person, and kept in a repository.
//!
//! # Format of `.capture.jsonl`
//! UTF-8, one JSON object a line. The first line is the header; every other line is one frame:
//! ```text
//! {"format":"tickbook-capture","version":1,"source":"wss://api.upbit.com/websocket/v1","markets":["KRW-BTC"]}
//! {"received_us":1788335180511207,"frame":"{\"type\":\"trade\",\"code\":\"KRW-BTC\",…}"}
//! ```
//! `received_us` is microseconds since 1970-01-01 UTC and never falls: while a clock that was set back catches up, the
//! writer repeats the highest time so far. `frame` is the text of the WebSocket frame, exactly
//! as received, of any kind (trades, order books, errors): numbers keep their spelling. A frame that is no UTF-8 has
//! `frame_hex` instead. `source` says where it was recorded, `markets` what was subscribed. Readers ignore keys that they
//! do not know. A file that ends without a newline was cut short: its last line is not read.

mod import;
mod reader;
mod writer;

pub use import::import;
pub use reader::{Captured, Reader};
pub use writer::Writer;

use market::Market;

/// What the first line of a capture says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Where the frames came from.
    pub source: String,
    /// The markets that were subscribed.
    pub markets: Vec<Market>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct HeaderLine {
    format: String,
    version: u32,
    source: String,
    markets: Vec<Market>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct FrameLine<'a> {
    received_us: i64,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    frame: Option<std::borrow::Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    frame_hex: Option<String>,
}

/// The message that asks the exchange for everything a recording keeps: trades of `markets`, in the DEFAULT format, so
/// that a capture can be read without a table of short names. Send it once, as a text frame, after connecting; send a
/// protocol ping every 20 s; give each binary frame to [`Writer::write`] with the time at which it was received.
pub fn subscription(ticket: &str, markets: &[Market]) -> String {
    serde_json::json!([{ "ticket": ticket }, { "type": "trade", "codes": markets }, { "format": "DEFAULT" }])
        .to_string()
}
