//! What the exchange sends: WebSocket frames in the DEFAULT, SIMPLE and list formats, and REST pages of trades.

use market::{Decode, Frame, Reason, Trade, Undecodable};

use crate::interpret::{Object, refuse, utf8};
use crate::members::{Field, Keys, Kind, word};
use crate::scan::Scanner;

/// Reads the exchange's frames and pages. It has no state; it is a type so that the feed can be given another one.
///
/// * Keys come in any order, in the long or the short spelling; keys that mean nothing here are skipped with any value.
/// * Numbers are exact in any JSON spelling; ids and times must be whole.
/// * A member of a trade that stands twice refuses the frame: whichever were taken, the other may have been meant.
/// * A text that breaks the JSON grammar at any byte is refused in whole, so that a damaged frame is never half a trade.
/// * An absent `stream_type` means that the trade is not a snapshot: old frames and lists have it, but a trade does not need it.
///
/// A trade frame is read without allocation; a refusal allocates its sentence.
#[derive(Clone, Copy, Debug, Default)]
pub struct FrameDecoder;

/// Keys of a WebSocket frame.
struct FrameKeys;

impl Keys for FrameKeys {
    #[inline(always)]
    fn short(key: u64) -> Option<Field> {
        const TY: u64 = word(b"ty");
        const TYPE: u64 = word(b"type");
        const CD: u64 = word(b"cd");
        const CODE: u64 = word(b"code");
        const TMS: u64 = word(b"tms");
        const TTMS: u64 = word(b"ttms");
        const TP: u64 = word(b"tp");
        const TV: u64 = word(b"tv");
        const AB: u64 = word(b"ab");
        const SID: u64 = word(b"sid");
        const ST: u64 = word(b"st");
        const STATUS: u64 = word(b"status");
        const ERROR: u64 = word(b"error");
        Some(match key {
            TY | TYPE => Field::Type,
            CD | CODE => Field::Market,
            TMS => Field::Sent,
            TTMS => Field::Event,
            TP => Field::Price,
            TV => Field::Volume,
            AB => Field::Side,
            SID => Field::Id,
            ST => Field::Stream,
            STATUS => Field::Status,
            ERROR => Field::Error,
            _ => return None,
        })
    }

    #[inline(always)]
    fn long(key: &[u8]) -> Option<Field> {
        match key.len() {
            7 => (key == b"ask_bid").then_some(Field::Side),
            9 => (key == b"timestamp").then_some(Field::Sent),
            11 => match key {
                b"trade_price" => Some(Field::Price),
                b"stream_type" => Some(Field::Stream),
                _ => None,
            },
            12 => (key == b"trade_volume").then_some(Field::Volume),
            13 => (key == b"sequential_id").then_some(Field::Id),
            15 => (key == b"trade_timestamp").then_some(Field::Event),
            _ => None,
        }
    }
}

/// Keys of a tick of `GET /v1/trades/ticks`: one time, which is the execution's.
struct TickKeys;

impl Keys for TickKeys {
    #[inline(always)]
    fn short(key: u64) -> Option<Field> {
        const MARKET: u64 = word(b"market");
        Some(match key {
            MARKET => Field::Market,
            _ => return None,
        })
    }

    #[inline(always)]
    fn long(key: &[u8]) -> Option<Field> {
        match key.len() {
            7 => (key == b"ask_bid").then_some(Field::Side),
            9 => (key == b"timestamp").then_some(Field::Event),
            11 => (key == b"trade_price").then_some(Field::Price),
            12 => (key == b"trade_volume").then_some(Field::Volume),
            13 => (key == b"sequential_id").then_some(Field::Id),
            _ => None,
        }
    }
}

impl Decode for FrameDecoder {
    #[inline]
    fn frame(&self, bytes: &[u8]) -> Result<Frame, Undecodable> {
        utf8(bytes)?;
        let scanner = Scanner::new(bytes);
        let (mut first, mut at) = scanner.next(0);
        let list = first == b'[';
        if list {
            (first, at) = scanner.next(at + 1);
        }
        if first != b'{' {
            return Err(no_object(scanner));
        }
        let (members, mut at) = scanner.members::<FrameKeys>(at)?;
        if list {
            let (close, place) = scanner.next(at);
            if close != b']' {
                return Err(no_object(scanner));
            }
            at = place + 1;
        }
        scanner.end(at)?;
        let object = Object { bytes, members };
        if object.members.get(Field::Type).kind == Kind::Absent {
            return notice(&object);
        }
        if object.members.twice(Field::Type) {
            return Err(refuse(Reason::Malformed, "two types".into()));
        }
        if !object.text(Field::Type, |name| Ok::<_, &str>(name == b"trade"))? {
            return Ok(Frame::Other);
        }
        let trade = object.trade(Field::Event, Field::Sent)?;
        let snapshot = object.members.get(Field::Stream).kind != Kind::Absent && object.text(Field::Stream, stream)?;
        Ok(Frame::Trade { trade, snapshot })
    }

    fn ticks(&self, body: &[u8]) -> Result<Vec<Trade>, Undecodable> {
        utf8(body)?;
        let scanner = Scanner::new(body);
        let (first, at) = scanner.next(0);
        if first != b'[' {
            let (_, at) = scanner.value(at)?;
            scanner.end(at)?;
            return Err(refuse(Reason::WrongType, "the page is not an array".into()));
        }
        let mut trades = Vec::new();
        let (mut byte, mut at) = scanner.next(at + 1);
        while byte != b']' || !trades.is_empty() {
            let (members, after) = scanner.members::<TickKeys>(at)?;
            trades.push(Object { bytes: body, members }.trade(Field::Event, Field::Event)?);
            (byte, at) = scanner.next(after);
            match byte {
                b',' => at += 1,
                b']' => break,
                _ => return Err(refuse(Reason::Malformed, "the page is cut short".into())),
            }
        }
        scanner.end(at + 1)?;
        Ok(trades)
    }
}

/// A text that is not one object, nor a list of one: malformed, or JSON of another type.
#[cold]
fn no_object(scanner: Scanner<'_>) -> Undecodable {
    match scanner.value(0).and_then(|(_, at)| scanner.end(at)) {
        Ok(()) => refuse(Reason::WrongType, "not one object".into()),
        Err(syntax) => syntax.into(),
    }
}

#[inline]
fn stream(name: &[u8]) -> Result<bool, &'static str> {
    match name {
        b"SNAPSHOT" => Ok(true),
        b"REALTIME" => Ok(false),
        _ => Err("neither SNAPSHOT nor REALTIME"),
    }
}

/// A frame without a type: a status, an error, or nothing known.
#[cold]
fn notice(object: &Object<'_>) -> Result<Frame, Undecodable> {
    let error = object.members.get(Field::Error);
    match error.kind {
        Kind::Absent => {}
        Kind::Object => {
            let value: serde_json::Value = serde_json::from_slice(error.of(object.bytes))
                .map_err(|error| refuse(Reason::Malformed, error.to_string()))?;
            // The name is a text over WebSocket and may be a number over REST; either is worth showing.
            let part = |key| match value.get(key) {
                Some(serde_json::Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => String::new(),
            };
            return Ok(Frame::Error {
                name: part("name"),
                message: part("message"),
            });
        }
        kind => {
            return Err(refuse(
                Reason::WrongType,
                format!("Error is {}, not an object", kind.name()),
            ));
        }
    }
    match object.members.get(Field::Status).kind {
        Kind::Plain | Kind::Escaped => Ok(Frame::Status),
        Kind::Absent => Err(refuse(Reason::MissingField, "Type is absent".into())),
        kind => Err(refuse(
            Reason::WrongType,
            format!("Status is {}, not a string", kind.name()),
        )),
    }
}
