//! The Protobuf record, byte for byte what a generated encoder writes for `schema/trade.proto`.
//!
//! By hand, because the generated struct owns its strings: three allocations per trade each way, for bytes that go
//! straight on. Reference: the Protobuf encoding specification (varints, length-delimited fields, proto3 defaults).

use market::{Decimal, EventTime, Market, Reason, Side, Trade, Undecodable};

use crate::interpret::{refuse, valid};

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const BYTES: u64 = 2;
const GROUP: u64 = 3;
const END_GROUP: u64 = 4;
const FIXED32: u64 = 5;

/// Groups nested deeper than this are refused.
const MAX_DEPTH: u32 = 100;

pub(crate) fn encode(trade: &Trade, out: &mut Vec<u8>) {
    out.reserve(96);
    text(out, 1, |out| out.extend_from_slice(trade.market.as_bytes()));
    number(out, 2, trade.sequential_id);
    number(out, 3, trade.event_time.millis() as u64);
    number(out, 4, trade.sent_time.millis() as u64);
    text(out, 5, |out| trade.price.write_to(out));
    text(out, 6, |out| trade.volume.write_to(out));
    let side = match trade.side {
        Side::Bid => 1,
        Side::Ask => 2,
    };
    number(out, 7, side);
}

/// A text of at most 127 bytes, whose length is one byte: codes have 15 at most, decimals 41.
#[inline]
fn text(out: &mut Vec<u8>, field: u8, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(field << 3 | BYTES as u8);
    let length = out.len();
    out.push(0);
    write(out);
    out[length] = (out.len() - length - 1) as u8;
}

/// A varint; zero is the default and is left out.
#[inline]
fn number(out: &mut Vec<u8>, field: u8, mut value: u64) {
    if value == 0 {
        return;
    }
    out.push(field << 3 | VARINT as u8);
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Trade, Undecodable> {
    let mut input = Input { rest: bytes };
    let (mut market, mut price, mut volume): (&[u8], &[u8], &[u8]) = (b"", b"", b"");
    let (mut id, mut event, mut sent, mut side) = (0, 0, 0, 0);
    while !input.rest.is_empty() {
        let tag = input.varint()?;
        match tag >> 3 {
            1 => market = input.text(tag)?,
            2 => id = input.number(tag)?,
            3 => event = input.number(tag)?,
            4 => sent = input.number(tag)?,
            5 => price = input.text(tag)?,
            6 => volume = input.text(tag)?,
            7 => side = input.number(tag)?,
            _ => input.skip(tag, 0)?,
        }
    }
    if market.is_empty() {
        return Err(refuse(Reason::MissingField, "market is absent".into()));
    }
    valid(Trade {
        market: Market::new(market).map_err(|error| refuse(Reason::OutOfRange, format!("market: {error}")))?,
        sequential_id: id,
        // The field is an int64: a negative one is its two's complement.
        event_time: EventTime::from_millis(event as i64),
        sent_time: EventTime::from_millis(sent as i64),
        price: decimal("price", price)?,
        volume: decimal("volume", volume)?,
        // An enum is an int32: its upper bits are cut off, as generated decoders do.
        side: match side as i32 {
            0 => return Err(refuse(Reason::MissingField, "side is absent".into())),
            1 => Side::Bid,
            2 => Side::Ask,
            other => {
                return Err(refuse(
                    Reason::OutOfRange,
                    format!("side: no side has the number {other}"),
                ));
            }
        },
    })
}

fn decimal(name: &str, text: &[u8]) -> Result<Decimal, Undecodable> {
    if text.is_empty() {
        return Err(refuse(Reason::MissingField, format!("{name} is absent")));
    }
    Decimal::parse(text).map_err(|error| refuse(Reason::OutOfRange, format!("{name}: {error}")))
}

struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    #[inline]
    fn varint(&mut self) -> Result<u64, Undecodable> {
        let mut value = 0u64;
        for (i, &byte) in self.rest.iter().enumerate().take(10) {
            if i == 9 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                self.rest = &self.rest[i + 1..];
                return Ok(value);
            }
        }
        Err(refuse(Reason::Malformed, "a varint is cut short or too long".into()))
    }

    #[inline]
    fn number(&mut self, tag: u64) -> Result<u64, Undecodable> {
        if tag & 7 != VARINT {
            return Err(wrong_type(tag));
        }
        self.varint()
    }

    #[inline]
    fn text(&mut self, tag: u64) -> Result<&'a [u8], Undecodable> {
        if tag & 7 != BYTES {
            return Err(wrong_type(tag));
        }
        let length = self.varint()?;
        self.take(length)
    }

    #[inline]
    fn take(&mut self, length: u64) -> Result<&'a [u8], Undecodable> {
        match usize::try_from(length)
            .ok()
            .and_then(|length| self.rest.split_at_checked(length))
        {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(refuse(Reason::Malformed, "a field is cut short".into())),
        }
    }

    /// Steps over a field that is not known.
    #[cold]
    fn skip(&mut self, tag: u64, depth: u32) -> Result<(), Undecodable> {
        if tag >> 3 == 0 || tag > u64::from(u32::MAX) {
            return Err(refuse(Reason::Malformed, "no field has this number".into()));
        }
        match tag & 7 {
            VARINT => self.varint().map(drop),
            FIXED64 => self.take(8).map(drop),
            FIXED32 => self.take(4).map(drop),
            BYTES => {
                let length = self.varint()?;
                self.take(length).map(drop)
            }
            GROUP if depth < MAX_DEPTH => loop {
                let inner = self.varint()?;
                if inner & 7 != END_GROUP {
                    self.skip(inner, depth + 1)?;
                } else if inner >> 3 == tag >> 3 {
                    return Ok(());
                } else {
                    return Err(refuse(Reason::Malformed, "a group ends that was not begun".into()));
                }
            },
            _ => Err(refuse(Reason::Malformed, "no field has this type".into())),
        }
    }
}

#[cold]
fn wrong_type(tag: u64) -> Undecodable {
    refuse(
        Reason::WrongType,
        format!("field {} has the wire type {}", tag >> 3, tag & 7),
    )
}
