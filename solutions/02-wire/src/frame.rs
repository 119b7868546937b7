//! What the exchange sends: WebSocket frames in the DEFAULT, SIMPLE and list formats, and REST pages of trades.

use market::{Decode, Frame, Reason, Trade, Undecodable};

use crate::interpret::{Object, refuse, utf8};
use crate::scan::{Field, Keys, Kind, Scanner};

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
    fn field(key: &[u8]) -> Option<Field> {
        Some(match key {
            b"ty" | b"type" => Field::Type,
            b"cd" | b"code" => Field::Market,
            b"tms" | b"timestamp" => Field::Sent,
            b"ttms" | b"trade_timestamp" => Field::Event,
            b"tp" | b"trade_price" => Field::Price,
            b"tv" | b"trade_volume" => Field::Volume,
            b"ab" | b"ask_bid" => Field::Side,
            b"sid" | b"sequential_id" => Field::Id,
            b"st" | b"stream_type" => Field::Stream,
            b"status" => Field::Status,
            b"error" => Field::Error,
            _ => return None,
        })
    }
}

/// Keys of a tick of `GET /v1/trades/ticks`: one time, which is the execution's.
struct TickKeys;

impl Keys for TickKeys {
    #[inline(always)]
    fn field(key: &[u8]) -> Option<Field> {
        Some(match key {
            b"market" => Field::Market,
            b"timestamp" => Field::Event,
            b"trade_price" => Field::Price,
            b"trade_volume" => Field::Volume,
            b"ask_bid" => Field::Side,
            b"sequential_id" => Field::Id,
            _ => return None,
        })
    }
}

impl Decode for FrameDecoder {
    #[inline]
    fn frame(&self, bytes: &[u8]) -> Result<Frame, Undecodable> {
        utf8(bytes)?;
        let mut scanner = Scanner::new(bytes);
        let list = scanner.next() == b'[';
        if list {
            scanner.step();
        }
        if scanner.next() != b'{' {
            return Err(no_object(bytes));
        }
        let members = scanner.members::<FrameKeys>()?;
        if list {
            if scanner.next() != b']' {
                return Err(no_object(bytes));
            }
            scanner.step();
        }
        scanner.end()?;
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
        let mut scanner = Scanner::new(body);
        if scanner.next() != b'[' {
            scanner.value()?;
            scanner.end()?;
            return Err(refuse(Reason::WrongType, "the page is not an array".into()));
        }
        scanner.step();
        let mut trades = Vec::new();
        if scanner.next() == b']' {
            scanner.step();
            scanner.end()?;
            return Ok(trades);
        }
        loop {
            let members = scanner.members::<TickKeys>()?;
            trades.push(Object { bytes: body, members }.trade(Field::Event, Field::Event)?);
            let next = scanner.next();
            scanner.step();
            match next {
                b',' => {}
                b']' => break,
                _ => return Err(refuse(Reason::Malformed, "the page is cut short".into())),
            }
        }
        scanner.end()?;
        Ok(trades)
    }
}

/// A text that is not one object, nor a list of one: malformed, or JSON of another type.
#[cold]
fn no_object(bytes: &[u8]) -> Undecodable {
    let mut scanner = Scanner::new(bytes);
    match scanner.value().and_then(|_| scanner.end()) {
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
