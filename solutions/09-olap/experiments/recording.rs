//! The trades of the recording that the environment names, in the order in which they were received.

use std::io::{BufRead as _, BufReader};

use market::{Decimal, EventTime, Market, Side, Trade};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::trades::Trades;

const NAMED_BY: &str = "TICKBOOK_CAPTURE";

/// A line of a capture, or of a recording made by somebody else.
#[derive(Deserialize)]
struct Line {
    #[serde(default, alias = "raw")]
    frame: Option<String>,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(default, alias = "ty", rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(alias = "cd")]
    code: Market,
    #[serde(alias = "ttms")]
    trade_timestamp: i64,
    #[serde(alias = "tms")]
    timestamp: i64,
    #[serde(borrow, alias = "tp")]
    trade_price: &'a RawValue,
    #[serde(borrow, alias = "tv")]
    trade_volume: &'a RawValue,
    #[serde(alias = "ab")]
    ask_bid: Side,
    #[serde(alias = "sid")]
    sequential_id: u64,
}

/// Its trades, as if each market stood in a partition; or a sentence that says why there are none.
pub(crate) fn trades() -> Result<Trades, String> {
    let Some(path) = std::env::var_os(NAMED_BY).map(std::path::PathBuf::from) else {
        return Err(format!(
            "There is no point for a recording of the real exchange: {NAMED_BY} names no file. Record one with ./lab record \
             and run this again with {NAMED_BY} set to it."
        ));
    };
    let named = |what: String| format!("There is no point for the recording {}: {what}.", path.display());
    let file = std::fs::File::open(&path).map_err(|why| named(why.to_string()))?;
    let mut trades: Vec<Trade> = Vec::new();
    for (number, line) in (1..).zip(BufReader::new(file).lines()) {
        let at = |what: String| named(format!("line {number}: {what}"));
        let line = line.map_err(|why| at(why.to_string()))?;
        let line: Line = serde_json::from_str(&line).map_err(|why| at(why.to_string()))?;
        trades.extend(line.frame.as_deref().map(read).transpose().map_err(at)?.flatten());
    }
    match trades.is_empty() {
        true => Err(named("it holds no trade".into())),
        false => Ok(Trades::of(trades)),
    }
}

/// The trade of a frame; `None` if it is another kind.
fn read(frame: &str) -> Result<Option<Trade>, String> {
    // Two of the four formats wrap the object in an array of one.
    let frame = frame.trim().trim_start_matches('[').trim_end_matches(']');
    let is_trade = serde_json::from_str::<Kind>(frame).is_ok_and(|kind| kind.kind == "trade");
    if !is_trade {
        return Ok(None);
    }
    let frame: Frame<'_> = serde_json::from_str(frame).map_err(|why| why.to_string())?;
    let exact = |number: &RawValue| Decimal::parse(number.get().as_bytes()).map_err(|why| why.to_string());
    let trade = Trade {
        market: frame.code,
        sequential_id: frame.sequential_id,
        event_time: EventTime::from_millis(frame.trade_timestamp),
        sent_time: EventTime::from_millis(frame.timestamp),
        price: exact(frame.trade_price)?,
        volume: exact(frame.trade_volume)?,
        side: frame.ask_bid,
    };
    trade.validate().map_err(|why| why.to_string())?;
    Ok(Some(trade))
}
