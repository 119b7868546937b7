//! A trade into the record that stands in the topic, and back.

use market::{Encoding, Trade, Undecodable};

use crate::interpret::{Object, utf8};
use crate::members::{Field, Keys, word};
use crate::protobuf;
use crate::scan::Scanner;

/// Appends the record of a trade. Nothing is allocated once `out` has room: about 160 bytes as JSON, 60 as Protobuf.
#[inline]
pub fn encode(encoding: Encoding, trade: &Trade, out: &mut Vec<u8>) {
    match encoding {
        Encoding::Json => json(trade, out),
        Encoding::Protobuf => protobuf::encode(trade, out),
    }
}

/// Reads a record. Keys and fields that are not known are skipped, so that a newer writer does not stop an older reader.
///
/// # Errors
/// [`Undecodable`] for what is not a record or holds no valid trade; the caller keeps the bytes.
#[inline]
pub fn decode(encoding: Encoding, bytes: &[u8]) -> Result<Trade, Undecodable> {
    match encoding {
        Encoding::Json => {
            utf8(bytes)?;
            let scanner = Scanner::new(bytes);
            let (members, at) = scanner.members::<RecordKeys>(0)?;
            scanner.end(at)?;
            Object { bytes, members }.trade(Field::Event, Field::Sent)
        }
        Encoding::Protobuf => protobuf::decode(bytes),
    }
}

struct RecordKeys;

impl Keys for RecordKeys {
    #[inline(always)]
    fn short(key: u64) -> Option<Field> {
        const MARKET: u64 = word(b"market");
        const PRICE: u64 = word(b"price");
        const VOLUME: u64 = word(b"volume");
        const SIDE: u64 = word(b"side");
        Some(match key {
            MARKET => Field::Market,
            PRICE => Field::Price,
            VOLUME => Field::Volume,
            SIDE => Field::Side,
            _ => return None,
        })
    }

    #[inline(always)]
    fn long(key: &[u8]) -> Option<Field> {
        match key.len() {
            9 => (key == b"sent_time").then_some(Field::Sent),
            10 => (key == b"event_time").then_some(Field::Event),
            13 => (key == b"sequential_id").then_some(Field::Id),
            _ => None,
        }
    }
}

/// By hand: a market code has no character to escape and a decimal has one plain spelling, so that there is nothing for a
/// serialiser to decide.
fn json(trade: &Trade, out: &mut Vec<u8>) {
    let mut number = itoa::Buffer::new();
    out.reserve(192);
    out.extend_from_slice(b"{\"market\":\"");
    out.extend_from_slice(trade.market.as_bytes());
    out.extend_from_slice(b"\",\"sequential_id\":");
    out.extend_from_slice(number.format(trade.sequential_id).as_bytes());
    out.extend_from_slice(b",\"event_time\":");
    out.extend_from_slice(number.format(trade.event_time.millis()).as_bytes());
    out.extend_from_slice(b",\"sent_time\":");
    out.extend_from_slice(number.format(trade.sent_time.millis()).as_bytes());
    out.extend_from_slice(b",\"price\":");
    trade.price.write_to(out);
    out.extend_from_slice(b",\"volume\":");
    trade.volume.write_to(out);
    out.extend_from_slice(b",\"side\":\"");
    out.extend_from_slice(trade.side.name().as_bytes());
    out.extend_from_slice(b"\"}");
}
