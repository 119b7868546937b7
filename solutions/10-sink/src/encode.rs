//! Rows as `RowBinary`: the columns of a row one after the other, in the order of `market::tables`.
//!
//! By hand and not with serde: a trade is nine copies, and the format has no header that a change of type could be seen
//! in anyway; the statement states the types, and the tests read every column back.

use market::{Candle, Decimal, Fixed, Interval, Market, Side};

use crate::TradeRow;

/// No row of `trades` is longer.
pub(crate) const TRADE_BYTES: usize = 16 + 8 + 8 + 8 + 16 + 16 + 1 + 4 + 8;
/// No row of `candles` is longer.
pub(crate) const CANDLE_BYTES: usize = 16 + 1 + 8 + 6 * 16 + 8 + 4 + 8;

#[inline]
fn market(out: &mut Vec<u8>, market: &Market) {
    let code = market.as_bytes();
    out.push(code.len() as u8); // a varint; a code has at most 15 bytes, so one byte of it
    out.extend_from_slice(code);
}

#[inline]
fn fixed<const S: u32>(out: &mut Vec<u8>, value: Fixed<S>) {
    out.extend_from_slice(&value.units().to_le_bytes());
}

/// Appends one row of `trades`.
#[inline]
pub(crate) fn trade(out: &mut Vec<u8>, row: &TradeRow) {
    let trade = &row.trade;
    market(out, &trade.market);
    out.extend_from_slice(&trade.sequential_id.to_le_bytes());
    out.extend_from_slice(&trade.event_time.millis().to_le_bytes());
    out.extend_from_slice(&trade.sent_time.millis().to_le_bytes());
    fixed(out, trade.price);
    fixed(out, trade.volume);
    out.push(match trade.side {
        Side::Bid => 1,
        Side::Ask => 2,
    });
    out.extend_from_slice(&row.position.partition.to_le_bytes());
    out.extend_from_slice(&row.position.offset.to_le_bytes());
}

/// The number that stands for an interval in `candles`.
#[inline]
pub(crate) fn interval(interval: Interval) -> i8 {
    match interval {
        Interval::S1 => 1,
        Interval::M1 => 2,
        Interval::M5 => 3,
        Interval::M15 => 4,
    }
}

/// Appends one row of `candles`.
#[inline]
pub(crate) fn candle(out: &mut Vec<u8>, candle: &Candle) {
    market(out, &candle.market);
    out.extend_from_slice(&interval(candle.interval).to_le_bytes());
    out.extend_from_slice(&candle.start.millis().to_le_bytes());
    let prices: [Decimal; 5] = [candle.open, candle.high, candle.low, candle.close, candle.volume];
    for value in prices {
        fixed(out, value);
    }
    fixed(out, candle.quote_volume);
    out.extend_from_slice(&candle.trades.to_le_bytes());
    out.extend_from_slice(&candle.version.partition.to_le_bytes());
    out.extend_from_slice(&candle.version.offset.to_le_bytes());
}
