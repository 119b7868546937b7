//! Two readers of frames: one that only numbers them, and a plain one on serde. What a fast one does is lab 02's.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use market::{Decimal, Decode, EventTime, Frame, Market, Reason, Side, Trade, Undecodable};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Numbers the frames and does not look into them.
pub(crate) struct Numbering {
    trade: Trade,
    next: AtomicU64,
}

impl Numbering {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let trade = Trade {
            market: "KRW-BTC".parse()?,
            sequential_id: 0,
            event_time: EventTime::from_millis(0),
            sent_time: EventTime::from_millis(0),
            price: "1".parse()?,
            volume: "1".parse()?,
            side: Side::Bid,
        };
        Ok(Self {
            trade,
            next: AtomicU64::new(0),
        })
    }
}

impl Decode for Numbering {
    fn frame(&self, _: &[u8]) -> Result<Frame, Undecodable> {
        let id = self.next.fetch_add(1, Relaxed);
        let trade = Trade {
            sequential_id: id,
            event_time: EventTime::from_millis((id / 20) as i64),
            ..self.trade
        };
        Ok(Frame::Trade { trade, snapshot: false })
    }

    fn ticks(&self, _: &[u8]) -> Result<Vec<Trade>, Undecodable> {
        Ok(Vec::new())
    }
}

/// Reads the fields of a trade with serde_json.
pub(crate) struct Plain;

#[derive(Deserialize)]
struct Raw<'a> {
    cd: Market,
    tms: i64,
    ttms: i64,
    #[serde(borrow)]
    tp: &'a RawValue,
    #[serde(borrow)]
    tv: &'a RawValue,
    ab: Side,
    sid: u64,
    st: &'a str,
}

fn bad(error: impl std::fmt::Display) -> Undecodable {
    Undecodable {
        reason: Reason::Malformed,
        detail: error.to_string(),
    }
}

impl Decode for Plain {
    fn frame(&self, bytes: &[u8]) -> Result<Frame, Undecodable> {
        let raw: Raw<'_> = serde_json::from_slice(bytes).map_err(bad)?;
        let exact = |number: &RawValue| Decimal::parse(number.get().as_bytes()).map_err(bad);
        let trade = Trade {
            market: raw.cd,
            sequential_id: raw.sid,
            event_time: EventTime::from_millis(raw.ttms),
            sent_time: EventTime::from_millis(raw.tms),
            price: exact(raw.tp)?,
            volume: exact(raw.tv)?,
            side: raw.ab,
        };
        Ok(Frame::Trade {
            trade,
            snapshot: raw.st == "SNAPSHOT",
        })
    }

    fn ticks(&self, _: &[u8]) -> Result<Vec<Trade>, Undecodable> {
        Ok(Vec::new())
    }
}
