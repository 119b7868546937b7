//! A trade frame with its numbers as they were spelled.

use std::borrow::Cow;

use market::{Decimal, EventTime, Market, Side, Trade};
use serde_json::value::RawValue;

/// The spelling of a recorded trade's numbers: `127.0`, `4.00000000`, `6E-8`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spelling {
    pub(crate) price: Box<str>,
    pub(crate) volume: Box<str>,
    pub(crate) previous_close: Box<str>,
    pub(crate) change: Box<str>,
    pub(crate) change_price: Box<str>,
}

/// A trade frame, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TradeText {
    pub(crate) market: Market,
    pub(crate) sent_ms: i64,
    pub(crate) event_ms: i64,
    pub(crate) sequential_id: u64,
    /// Units of 10⁻⁸.
    pub(crate) price: i64,
    /// Units of 10⁻⁸.
    pub(crate) volume: i64,
    pub(crate) side: Side,
    pub(crate) spelling: Spelling,
}

#[derive(serde::Deserialize)]
struct Kind<'a> {
    #[serde(borrow, default, alias = "ty", rename = "type")]
    kind: Option<Cow<'a, str>>,
}

#[derive(serde::Deserialize)]
struct Fields<'a> {
    #[serde(alias = "cd")]
    code: Market,
    #[serde(alias = "tms")]
    timestamp: i64,
    #[serde(alias = "ttms")]
    trade_timestamp: i64,
    #[serde(borrow, alias = "tp")]
    trade_price: &'a RawValue,
    #[serde(borrow, alias = "tv")]
    trade_volume: &'a RawValue,
    #[serde(alias = "ab")]
    ask_bid: Side,
    #[serde(borrow, default, alias = "pcp")]
    prev_closing_price: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "c")]
    change: Option<Cow<'a, str>>,
    #[serde(borrow, default, alias = "cp")]
    change_price: Option<&'a RawValue>,
    #[serde(alias = "sid")]
    sequential_id: u64,
}

impl TradeText {
    /// Reads a frame in any of the four formats; `Ok(None)` if it is no trade.
    ///
    /// # Errors
    /// One sentence: what keeps a frame that calls itself a trade from being one, or from being kept exactly.
    pub(crate) fn parse(frame: &[u8]) -> Result<Option<Self>, String> {
        let text = frame.trim_ascii();
        if text.len() > 4096 {
            return Ok(None); // ten times a trade's length: whatever it is, it is not one
        }
        // JSON_LIST and SIMPLE_LIST wrap the object in an array of one.
        let text = text
            .strip_prefix(b"[")
            .and_then(|text| text.strip_suffix(b"]"))
            .unwrap_or(text);
        let Ok(kind) = serde_json::from_slice::<Kind<'_>>(text) else {
            return Ok(None);
        };
        if kind.kind.as_deref() != Some("trade") {
            return Ok(None);
        }
        let fields: Fields<'_> = serde_json::from_slice(text).map_err(|error| format!("not a trade: {error}"))?;
        let exact = |name: &str, number: &RawValue| {
            let value = Decimal::parse(number.get().as_bytes()).map_err(|error| format!("{name}: {error}"))?;
            let units = i64::try_from(value.units())
                .map_err(|_| format!("{name} {value} does not fit 64 bits at 8 decimal places"))?;
            Ok::<_, String>((value, units))
        };
        let (price, price_units) = exact("trade_price", fields.trade_price)?;
        let (volume, volume_units) = exact("trade_volume", fields.trade_volume)?;
        let trade = Trade {
            market: fields.code,
            sequential_id: fields.sequential_id,
            event_time: EventTime::from_millis(fields.trade_timestamp),
            sent_time: EventTime::from_millis(fields.timestamp),
            price,
            volume,
            side: fields.ask_bid,
        };
        trade.validate().map_err(|error| error.to_string())?;
        let raw = |number: Option<&RawValue>, none: &str| number.map_or(none, RawValue::get).into();
        Ok(Some(Self {
            market: fields.code,
            sent_ms: fields.timestamp,
            event_ms: fields.trade_timestamp,
            sequential_id: fields.sequential_id,
            price: price_units,
            volume: volume_units,
            side: fields.ask_bid,
            spelling: Spelling {
                price: fields.trade_price.get().into(),
                volume: fields.trade_volume.get().into(),
                previous_close: raw(fields.prev_closing_price, fields.trade_price.get()),
                change: fields.change.as_deref().unwrap_or("EVEN").into(),
                change_price: raw(fields.change_price, "0"),
            },
        }))
    }
}
