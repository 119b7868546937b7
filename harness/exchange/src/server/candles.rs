//! `GET /v1/candles/…`: candles computed from the journal when they are asked for, newest first.

use jiff::{Timestamp, tz::TimeZone};
use market::Amount;

use super::framer::{Places, date_and_time, write_units};
use super::rest::{Params, Wrong, count, market};
use crate::hub::Hub;
use crate::journal::{Record, Walk};
use crate::source::IDS_PER_MS;

/// Most candles of a page; asking for more gives so many, without a word.
const MOST: usize = 200;

/// Most trades that one request walks through: candles of long units over a busy market's day are not what this is for.
const MOST_TRADES: usize = 5_000_000;

/// Korea has no summer time.
const KST_SECONDS: i64 = 9 * 3600;

struct Candle {
    start_ms: i64,
    open: i64,
    high: i64,
    low: i64,
    close: i64,
    last_ms: i64,
    volume: i128,
    value: i128,
}

impl Candle {
    /// Trades come newest first: the first is the close, the last the open.
    fn new(start_ms: i64, trade: &Record) -> Self {
        let price = trade.price;
        let last_ms = trade.event_ms;
        Self {
            start_ms,
            open: price,
            high: price,
            low: price,
            close: price,
            last_ms,
            volume: 0,
            value: 0,
        }
    }

    fn add(&mut self, trade: &Record) {
        self.open = trade.price;
        self.high = self.high.max(trade.price);
        self.low = self.low.min(trade.price);
        self.volume += i128::from(trade.volume);
        self.value += i128::from(trade.price) * i128::from(trade.volume);
    }
}

/// One page: candles of `unit` minutes, or of a second, that begin before `to`. Windows without a trade have none.
///
/// # Errors
/// [`Wrong`]: a parameter that is none.
pub(super) fn page(hub: &Hub, params: &Params, unit: Option<i64>) -> Result<Vec<u8>, Wrong> {
    let number = market(hub, params)?;
    let count = count(params, MOST)?;
    let length_ms = unit.map_or(1_000, |minutes| minutes * 60_000);
    let before = match params.get("to").filter(|to| !to.is_empty()) {
        None => u64::MAX,
        Some(to) => {
            // The window that begins last before `to`, whole.
            let last = time(to)? - 1;
            let end = last - last.rem_euclid(length_ms) + length_ms;
            u64::try_from(end).unwrap_or(0).saturating_mul(IDS_PER_MS)
        }
    };
    let mut candles: Vec<Candle> = Vec::new();
    let mut walk = Walk::new(&hub.journal, number, before);
    for _ in 0..MOST_TRADES {
        let Some(trade) = walk.next()? else { break };
        let start_ms = trade.event_ms - trade.event_ms.rem_euclid(length_ms);
        if candles.last().is_none_or(|candle| candle.start_ms != start_ms) {
            if candles.len() == count {
                break;
            }
            candles.push(Candle::new(start_ms, &trade));
        }
        if let Some(candle) = candles.last_mut() {
            candle.add(&trade);
        }
    }
    Ok(write(hub.faces[usize::from(number)].market.as_str(), &candles, unit))
}

fn write(market: &str, candles: &[Candle], unit: Option<i64>) -> Vec<u8> {
    let mut out = Vec::with_capacity(candles.len() * 400);
    out.push(b'[');
    for (n, candle) in candles.iter().enumerate() {
        let moment = |second: i64| {
            let (date, time) = date_and_time(second);
            [&date[..], b"T", &time].concat()
        };
        let second = candle.start_ms.div_euclid(1000);
        out.extend_from_slice(if n > 0 { b",{\"market\":\"" } else { b"{\"market\":\"" });
        out.extend_from_slice(market.as_bytes());
        out.extend_from_slice(b"\",\"candle_date_time_utc\":\"");
        out.extend_from_slice(&moment(second));
        out.extend_from_slice(b"\",\"candle_date_time_kst\":\"");
        out.extend_from_slice(&moment(second + KST_SECONDS));
        out.push(b'"');
        for (name, price) in [
            ("opening_price", candle.open),
            ("high_price", candle.high),
            ("low_price", candle.low),
            ("trade_price", candle.close),
        ] {
            out.extend_from_slice(format!(",\"{name}\":").as_bytes());
            write_units(&mut out, price, Places::Eight);
        }
        out.extend_from_slice(format!(",\"timestamp\":{},\"candle_acc_trade_price\":", candle.last_ms).as_bytes());
        Amount::from_units(candle.value)
            .unwrap_or(Amount::MAX)
            .write_to(&mut out);
        out.extend_from_slice(b",\"candle_acc_trade_volume\":");
        market::Decimal::from_units(candle.volume)
            .unwrap_or(market::Decimal::MAX)
            .write_to(&mut out);
        if let Some(unit) = unit {
            out.extend_from_slice(format!(",\"unit\":{unit}").as_bytes());
        }
        out.push(b'}');
    }
    out.push(b']');
    out
}

/// ISO 8601 with a zone, or without one, which means UTC; a blank may stand for the `T`. Milliseconds since 1970.
fn time(text: &str) -> Result<i64, Wrong> {
    // A plus that was not encoded arrives as a blank: in front of a zone it can only have been a plus.
    let text = match text.rfind(' ') {
        Some(at) if at > 10 => format!("{}+{}", &text[..at], &text[at + 1..]),
        _ => text.to_owned(),
    };
    let zoned = text.parse::<Timestamp>().ok();
    let plain = || {
        text.parse::<jiff::civil::DateTime>()
            .ok()?
            .to_zoned(TimeZone::UTC)
            .ok()
            .map(|at| at.timestamp())
    };
    let at = zoned
        .or_else(plain)
        .ok_or_else(|| Wrong::bad("to must be a time such as 2026-01-31T12:00:00Z"))?;
    Ok(at.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_is_read_with_and_without_a_zone() {
        let want = "2026-01-31T12:00:00Z".parse::<Timestamp>().unwrap().as_millisecond();
        for text in [
            "2026-01-31T12:00:00Z",
            "2026-01-31T12:00:00",
            "2026-01-31 12:00:00",
            "2026-01-31T21:00:00+09:00",
            "2026-01-31T21:00:00 09:00",
        ] {
            assert_eq!(time(text).unwrap(), want, "{text}");
        }
        assert!(time("yesterday").is_err());
    }
}
