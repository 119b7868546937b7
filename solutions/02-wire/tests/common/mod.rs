//! Frames to read, and a slow reader of them that leaves the grammar to `serde_json`.
#![allow(dead_code, clippy::unwrap_used)]

use std::fmt;

use market::{Decimal, EventTime, Frame, Market, Reason, Side, Trade};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A trade in the DEFAULT format, with all keys of today.
pub(crate) const DEFAULT: &str = r#"{"type":"trade","code":"KRW-BTC","timestamp":1790000000123,"trade_date":"2026-09-21","trade_time":"13:33:20","trade_timestamp":1790000000087,"trade_price":104523000.00000000,"trade_volume":0.00420017,"ask_bid":"BID","prev_closing_price":103900000.00000000,"change":"RISE","change_price":623000.00000000,"sequential_id":17900000000870003,"best_ask_price":104530000,"best_ask_size":0.0517,"best_bid_price":104523000,"best_bid_size":1.2E-4,"stream_type":"REALTIME"}"#;

/// The same trade in the SIMPLE format.
pub(crate) const SIMPLE: &str = r#"{"ty":"trade","cd":"KRW-BTC","tms":1790000000123,"td":"2026-09-21","ttm":"13:33:20","ttms":1790000000087,"tp":104523000.00000000,"tv":0.00420017,"ab":"BID","pcp":103900000.00000000,"c":"RISE","cp":623000.00000000,"sid":17900000000870003,"bap":104530000,"bas":0.0517,"bbp":104523000,"bbs":1.2E-4,"st":"REALTIME"}"#;

/// What both say.
pub(crate) fn trade() -> Trade {
    Trade {
        market: Market::new(b"KRW-BTC").unwrap(),
        sequential_id: 17_900_000_000_870_003,
        event_time: EventTime::from_millis(1_790_000_000_087),
        sent_time: EventTime::from_millis(1_790_000_000_123),
        price: "104523000".parse().unwrap(),
        volume: "0.00420017".parse().unwrap(),
        side: Side::Bid,
    }
}

/// The same cases in every run, so that a failure is seen again.
pub(crate) fn seeded(cases: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(2026),
        ..Default::default()
    }
}

/// The members of an object in order, with the text of each value.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

/// Reads a frame by the documented rules, simply: what the scanner is compared with.
pub(crate) fn reference(bytes: &[u8]) -> Result<Frame, Reason> {
    let text = std::str::from_utf8(bytes).map_err(|_| Reason::Malformed)?;
    let whole: &RawValue = serde_json::from_str(text).map_err(|_| Reason::Malformed)?;
    let mut object = whole.get();
    if object.starts_with('[') {
        let list: Vec<&RawValue> = serde_json::from_str(object).map_err(|_| Reason::Malformed)?;
        match list[..] {
            [one] => object = one.get(),
            _ => return Err(Reason::WrongType),
        }
    }
    if !object.starts_with('{') {
        return Err(Reason::WrongType);
    }
    let Members(members) = serde_json::from_str(object).map_err(|_| Reason::Malformed)?;
    let find = |names: &'static [&'static str]| Find {
        found: members
            .iter()
            .filter(|(key, _)| names.contains(&key.as_str()))
            .map(|(_, value)| value.get())
            .collect(),
    };
    let kind = find(&["ty", "type"]);
    let status = find(&["status"]);
    let error = find(&["error"]);
    if kind.found.is_empty() {
        if let Some(error) = error.found.last() {
            if !error.starts_with('{') {
                return Err(Reason::WrongType);
            }
            let serde_json::Value::Object(error) = serde_json::from_str(error).map_err(|_| Reason::Malformed)? else {
                return Err(Reason::WrongType);
            };
            let part = |key| match error.get(key) {
                Some(serde_json::Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => String::new(),
            };
            return Ok(Frame::Error {
                name: part("name"),
                message: part("message"),
            });
        }
        return match status.found.last() {
            Some(text) if text.starts_with('"') => Ok(Frame::Status),
            Some(_) => Err(Reason::WrongType),
            None => Err(Reason::MissingField),
        };
    }
    if kind.found.len() > 1 {
        return Err(Reason::Malformed);
    }
    if kind.text()? != "trade" {
        return Ok(Frame::Other);
    }
    let fields = [
        find(&["cd", "code"]),
        find(&["sid", "sequential_id"]),
        find(&["ttms", "trade_timestamp"]),
        find(&["tms", "timestamp"]),
        find(&["tp", "trade_price"]),
        find(&["tv", "trade_volume"]),
        find(&["ab", "ask_bid"]),
        find(&["st", "stream_type"]),
    ];
    if fields
        .iter()
        .chain([&status, &error])
        .any(|field| field.found.len() > 1)
    {
        return Err(Reason::Malformed);
    }
    let [code, id, event, sent, price, volume, side, stream] = &fields;
    let out = |_| Reason::OutOfRange;
    let trade = Trade {
        market: code.text()?.parse().map_err(|_| Reason::OutOfRange)?,
        sequential_id: u64::try_from(id.integer()?).map_err(out)?,
        event_time: EventTime::from_millis(i64::try_from(event.integer()?).map_err(out)?),
        sent_time: EventTime::from_millis(i64::try_from(sent.integer()?).map_err(out)?),
        price: price.decimal()?,
        volume: volume.decimal()?,
        side: match side.text()?.as_str() {
            "BID" => Side::Bid,
            "ASK" => Side::Ask,
            _ => return Err(Reason::OutOfRange),
        },
    };
    trade.validate().map_err(|_| Reason::OutOfRange)?;
    let snapshot = !stream.found.is_empty()
        && match stream.text()?.as_str() {
            "SNAPSHOT" => true,
            "REALTIME" => false,
            _ => return Err(Reason::OutOfRange),
        };
    Ok(Frame::Trade { trade, snapshot })
}

/// The texts of the members that have one of a field's names.
struct Find<'a> {
    found: Vec<&'a str>,
}

impl Find<'_> {
    fn one(&self) -> Result<&str, Reason> {
        self.found.first().copied().ok_or(Reason::MissingField)
    }

    fn text(&self) -> Result<String, Reason> {
        let text = self.one()?;
        if !text.starts_with('"') {
            return Err(Reason::WrongType);
        }
        serde_json::from_str(text).map_err(|_| Reason::Malformed)
    }

    fn number(&self) -> Result<&str, Reason> {
        let text = self.one()?;
        if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            Ok(text)
        } else {
            Err(Reason::WrongType)
        }
    }

    fn decimal(&self) -> Result<Decimal, Reason> {
        self.number()?.parse().map_err(|_| Reason::OutOfRange)
    }

    /// By moving the point through the digits: nothing of the decimals' arithmetic is used.
    fn integer(&self) -> Result<i128, Reason> {
        let text = self.number()?.to_ascii_lowercase();
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let negative = whole.starts_with('-');
        let digits = format!("{}{fraction}", whole.trim_start_matches('-'));
        let significant = digits.trim_start_matches('0').trim_end_matches('0');
        if significant.is_empty() {
            return Ok(0);
        }
        let zeros = digits.len() - digits.trim_end_matches('0').len();
        let exponent = exponent.parse::<i64>().map_err(|_| Reason::OutOfRange)?;
        let shift = exponent - fraction.len() as i64 + zeros as i64;
        if shift < 0 || significant.len() as i64 + shift > 30 {
            return Err(Reason::OutOfRange);
        }
        let value: i128 = format!("{significant}{}", "0".repeat(shift as usize)).parse().unwrap();
        Ok(if negative { -value } else { value })
    }
}
