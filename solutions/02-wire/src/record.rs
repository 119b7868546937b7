//! A trade into the record that stands in the topic, and back.

use market::{Decimal, Encoding, EventTime, Market, Side, Trade, Undecodable};

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
        // Nearly all records are as the pipeline itself writes them; whatever differs in a byte is read by the rules.
        Encoding::Json => match as_written(bytes) {
            Some(trade) => Ok(trade),
            None => by_the_rules(bytes),
        },
        Encoding::Protobuf => protobuf::decode(bytes),
    }
}

/// Reads any record that JSON's grammar allows.
fn by_the_rules(bytes: &[u8]) -> Result<Trade, Undecodable> {
    utf8(bytes)?;
    let scanner = Scanner::new(bytes);
    let (members, at) = scanner.members::<RecordKeys>(0)?;
    scanner.end(at)?;
    Object { bytes, members }.trade(Field::Event, Field::Sent)
}

/// Reads a valid trade that is spelled as [`json`] spells it, and nothing else: no key has to be found where each has its place.
/// Less than half of the work.
#[inline]
fn as_written(bytes: &[u8]) -> Option<Trade> {
    let rest = bytes.strip_prefix(b"{\"market\":\"")?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    let market = Market::new(&rest[..end]).ok()?;
    let (sequential_id, rest) = integer(rest[end..].strip_prefix(b"\",\"sequential_id\":")?)?;
    let (event_time, rest) = integer(rest.strip_prefix(b",\"event_time\":")?)?;
    let (sent_time, rest) = integer(rest.strip_prefix(b",\"sent_time\":")?)?;
    let (price, rest) = decimal(rest.strip_prefix(b",\"price\":")?)?;
    let (volume, rest) = decimal(rest.strip_prefix(b",\"volume\":")?)?;
    let side = match rest {
        b",\"side\":\"BID\"}" => Side::Bid,
        b",\"side\":\"ASK\"}" => Side::Ask,
        _ => return None,
    };
    let trade = Trade {
        market,
        sequential_id,
        event_time: EventTime::from_millis(i64::try_from(event_time).ok()?),
        sent_time: EventTime::from_millis(i64::try_from(sent_time).ok()?),
        price,
        volume,
        side,
    };
    trade.validate().ok()?;
    Some(trade)
}

/// Digits that JSON calls an integer, and what follows them; at most 19, so that no sum can overflow.
#[inline]
fn integer(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (mut value, mut at) = (0_u64, 0);
    while let Some(digit) = bytes
        .get(at)
        .map(|byte| byte.wrapping_sub(b'0'))
        .filter(|digit| *digit < 10)
    {
        if at == 19 {
            return None;
        }
        value = value * 10 + u64::from(digit);
        at += 1;
    }
    let plain = at > 0 && (at == 1 || bytes[0] != b'0');
    plain.then(|| (value, &bytes[at..]))
}

/// A number without sign and exponent, and what follows it.
#[inline]
fn decimal(bytes: &[u8]) -> Option<(Decimal, &[u8])> {
    let end = bytes.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.')?;
    let text = &bytes[..end];
    let plain = match text {
        [b'0'] | [b'0', b'.', ..] => text.last() != Some(&b'.'),
        [b'1'..=b'9', ..] => text.last() != Some(&b'.'),
        _ => false,
    };
    plain.then_some(())?;
    Some((Decimal::parse(text).ok()?, &bytes[end..]))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn trades() -> Vec<Trade> {
        let units = [
            1,
            99_999_999,
            100_000_000,
            9_115_400_000_000_000,
            123_456_789_012_345_678,
        ];
        let sides = [Side::Bid, Side::Ask];
        let mut all = Vec::new();
        for (i, price) in units.into_iter().enumerate() {
            for (j, volume) in units.into_iter().enumerate() {
                all.push(Trade {
                    market: ["KRW-BTC", "KRW-1INCH", "BTC-ETH"][i % 3].parse().expect("a market"),
                    sequential_id: 17_900_000_000_870_003 + i as u64,
                    event_time: EventTime::from_millis(1_790_000_000_087),
                    sent_time: EventTime::from_millis(1_790_000_000_123),
                    price: Decimal::from_units(price).expect("in range"),
                    volume: Decimal::from_units(volume).expect("in range"),
                    side: sides[j % 2],
                });
            }
        }
        all.retain(|trade| trade.validate().is_ok());
        assert!(all.len() > 10, "{}", all.len());
        all
    }

    #[test]
    fn what_is_written_is_read_without_the_rules_and_by_them_alike() {
        for trade in trades() {
            let mut record = Vec::new();
            json(&trade, &mut record);
            let text = String::from_utf8_lossy(&record).into_owned();
            assert_eq!(as_written(&record), Some(trade), "{text}");
            assert_eq!(by_the_rules(&record), Ok(trade), "{text}");
        }
    }

    #[test]
    fn a_record_that_differs_in_a_byte_is_read_as_the_rules_read_it() {
        let replacements = b"0129.,:\"-+eE {}[]\\abBKz\0\x7f\xff";
        let mut short_cuts = 0;
        for trade in trades() {
            let mut record = Vec::new();
            json(&trade, &mut record);
            for at in 0..record.len() {
                let changed = replacements.iter().map(|byte| {
                    let mut changed = record.clone();
                    changed[at] = *byte;
                    changed
                });
                let mut removed = record.clone();
                removed.remove(at);
                let mut doubled = record.clone();
                doubled.insert(at, record[at]);
                for changed in changed.chain([removed, doubled, record[..at].to_vec()]) {
                    if let Some(trade) = as_written(&changed) {
                        short_cuts += 1;
                        let text = String::from_utf8_lossy(&changed).into_owned();
                        assert_eq!(by_the_rules(&changed), Ok(trade), "{text}");
                    }
                }
            }
        }
        assert!(
            short_cuts > 1_000,
            "other digits are another trade, spelled alike: {short_cuts}"
        );
    }
}
