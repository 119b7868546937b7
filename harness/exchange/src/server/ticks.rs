//! `GET /v1/trades/ticks`: a market's trades, newest first, from the journal.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::framer::{Places, date_and_time, write_units};
use super::rest::{Params, Wrong, count, market};
use crate::hub::Hub;
use crate::journal::Walk;
use crate::source::IDS_PER_MS;

/// Most trades of a page.
const MOST: usize = 500;

/// One page: trades with an id below `cursor`, executed before `to`.
///
/// # Errors
/// [`Wrong`]: a parameter that is none.
pub(super) fn page(hub: &Hub, params: &Params) -> Result<Vec<u8>, Wrong> {
    let number = market(hub, params)?;
    let count = count(params, MOST)?;
    let mut before = match params
        .get("cursor")
        .filter(|cursor| !cursor.is_empty())
        .map(|cursor| cursor.parse::<u64>())
    {
        None => u64::MAX,
        Some(Ok(cursor)) => cursor,
        Some(Err(_)) => return Err(Wrong::bad("cursor must be a sequential_id")),
    };
    if let Some(ms) = before_ms(params, Timestamp::now())? {
        before = before.min(u64::try_from(ms).unwrap_or(0).saturating_mul(IDS_PER_MS));
    }
    let face = &hub.faces[usize::from(number)];
    let mut out = Vec::with_capacity(count * 300);
    let mut buffer = itoa::Buffer::new();
    let mut walk = Walk::new(&hub.journal, number, before);
    out.push(b'[');
    for n in 0..count {
        let Some(trade) = walk.next()? else { break };
        if n > 0 {
            out.push(b',');
        }
        let (date, time) = date_and_time(trade.event_ms.div_euclid(1000));
        out.extend_from_slice(b"{\"market\":\"");
        out.extend_from_slice(face.market.as_bytes());
        out.extend_from_slice(b"\",\"trade_date_utc\":\"");
        out.extend_from_slice(&date);
        out.extend_from_slice(b"\",\"trade_time_utc\":\"");
        out.extend_from_slice(&time);
        out.extend_from_slice(b"\",\"timestamp\":");
        out.extend_from_slice(buffer.format(trade.event_ms).as_bytes());
        out.extend_from_slice(b",\"trade_price\":");
        write_units(&mut out, trade.price, Places::Fewest);
        out.extend_from_slice(b",\"trade_volume\":");
        write_units(&mut out, trade.volume, Places::Exponent);
        out.extend_from_slice(b",\"prev_closing_price\":");
        write_units(&mut out, face.previous_close, Places::Eight);
        // Signed here, absolute in WebSocket frames.
        let change = trade.price - face.previous_close;
        out.extend_from_slice(if change < 0 {
            b",\"change_price\":-"
        } else {
            b",\"change_price\":"
        });
        write_units(&mut out, change, Places::Eight);
        out.extend_from_slice(b",\"ask_bid\":\"");
        out.extend_from_slice(trade.side.name().as_bytes());
        out.extend_from_slice(b"\",\"sequential_id\":");
        out.extend_from_slice(buffer.format(trade.sequential_id).as_bytes());
        out.push(b'}');
    }
    out.push(b']');
    Ok(out)
}

/// The time that `to` and `days_ago` mean: trades before it are wanted. `to` is a time of the day, UTC, that day being
/// today or up to seven days ago; without `to`, a day ago means the whole of that day.
fn before_ms(params: &Params, now: Timestamp) -> Result<Option<i64>, Wrong> {
    let days = match params
        .get("days_ago")
        .or_else(|| params.get("daysAgo"))
        .map(|days| days.parse::<i64>())
    {
        None => None,
        Some(Ok(days @ 1..=7)) => Some(days),
        Some(_) => return Err(Wrong::bad("days_ago must be a number from 1 to 7")),
    };
    let to = params.get("to").filter(|to| !to.is_empty());
    let wrong = || Wrong::bad("to must be HHmmss or HH:mm:ss");
    let today = now.to_zoned(TimeZone::UTC).date();
    let day = today.checked_sub(days.unwrap_or(0).days()).map_err(|_| wrong())?;
    let at = match (to, days) {
        (None, None) => return Ok(None),
        (None, Some(_)) => day
            .checked_add(1.day())
            .map_err(|_| wrong())?
            .to_datetime(jiff::civil::Time::midnight()),
        (Some(to), _) => {
            let digits: String = to.chars().filter(|letter| *letter != ':').collect();
            let time = jiff::civil::Time::strptime("%H%M%S", &digits).map_err(|_| wrong())?;
            day.to_datetime(time)
        }
    };
    let at = at.to_zoned(TimeZone::UTC).map_err(|_| wrong())?;
    Ok(Some(at.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_is_a_time_of_today_or_of_days_ago() {
        let now: Timestamp = "2026-09-23T12:00:00Z".parse().unwrap();
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap().as_millisecond());
        for (params, want) in [
            (vec![], None),
            (vec![("to", "112233")], at("2026-09-23T11:22:33Z")),
            (vec![("to", "11:22:33")], at("2026-09-23T11:22:33Z")),
            (vec![("to", "11:22:33"), ("days_ago", "2")], at("2026-09-21T11:22:33Z")),
            (vec![("daysAgo", "1")], at("2026-09-23T00:00:00Z")),
        ] {
            let map: Params = params
                .iter()
                .map(|(key, value)| ((*key).into(), (*value).into()))
                .collect();
            assert_eq!(before_ms(&map, now).unwrap(), want, "{params:?}");
        }
        for params in [[("to", "noon")], [("days_ago", "8")], [("days_ago", "0")]] {
            let map: Params = params
                .iter()
                .map(|(key, value)| ((*key).into(), (*value).into()))
                .collect();
            assert!(before_ms(&map, now).is_err(), "{params:?} must be refused");
        }
    }
}
