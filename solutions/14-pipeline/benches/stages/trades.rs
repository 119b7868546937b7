//! The trades that all stages are measured with, always the same ones.

use market::{Decimal, EventTime, Market, Side, Trade};

/// Trades of `markets` markets, 100 in each millisecond, one in ten up to a second late.
pub(crate) fn trades(count: u64, markets: usize) -> Vec<Trade> {
    let codes: Vec<Market> = (0..markets).map(|i| format!("KRW-C{i}").parse().unwrap()).collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    (0..count)
        .map(|i| {
            let late = if next() % 10 == 0 { next() % 1_000 } else { 0 };
            let time = EventTime::from_millis(1_790_000_000_000 + i64::try_from(i / 100).unwrap() - late as i64);
            Trade {
                market: codes[(next() % markets as u64) as usize],
                sequential_id: 17_900_000_000_870_003 + i,
                event_time: time,
                sent_time: time,
                price: Decimal::from_units(i128::from(90_000_000 + next() % 1_000_000) * 100_000_000).unwrap(),
                volume: Decimal::from_units(i128::from(1 + next() % 100_000_000)).unwrap(),
                side: if next() % 2 == 0 { Side::Bid } else { Side::Ask },
            }
        })
        .collect()
}

/// A trade as the exchange frames it in the SIMPLE format, 235 bytes or about that.
pub(crate) fn frame(trade: &Trade) -> String {
    format!(
        r#"{{"ty":"trade","cd":"{}","tms":{},"td":"2026-09-21","ttm":"13:33:20","ttms":{},"tp":{},"tv":{},"ab":"{}","pcp":103900000.00000000,"c":"RISE","cp":623000.00000000,"sid":{},"st":"REALTIME"}}"#,
        trade.market,
        trade.sent_time.millis(),
        trade.event_time.millis(),
        trade.price,
        trade.volume,
        if trade.side == Side::Bid { "BID" } else { "ASK" },
        trade.sequential_id
    )
}
