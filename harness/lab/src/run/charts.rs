//! The candles of the busiest markets, read for the live view.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clickhouse::{Client, Row};
use serde::Deserialize;

use crate::view::{Candle, Chart};

/// Seconds of candles that a chart may show.
const SECONDS: i64 = 240;

/// How many markets: as many as fit on a large terminal.
const MARKETS: u32 = 6;

/// Charts that take longer are given up, and asked for again.
const LIMIT: Duration = Duration::from_secs(5);

#[derive(Row, Deserialize)]
struct Busy {
    market: String,
}

#[derive(Row, Deserialize)]
struct OneSecond {
    market: String,
    start_ms: i64,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
}

/// Draws the charts of the markets that are in `place`; of the busiest ones `again`, and in the beginning. What the charts miss
/// is no news: while ClickHouse is down, the events say so, and one that is frozen would hold them up for as long as it is.
pub(crate) async fn draw(client: &Client, place: &Mutex<Vec<Chart>>, again: bool, newest_ms: i64) {
    let shown: Vec<String> = {
        let shown = place.lock().unwrap_or_else(PoisonError::into_inner);
        let names = shown.iter().filter_map(|chart| chart.name.split(' ').next());
        names.map(str::to_owned).collect()
    };
    let drawn = tokio::time::timeout(LIMIT, async {
        let markets = match again || shown.is_empty() {
            true => busiest(client, newest_ms).await?,
            false => shown,
        };
        charts(client, &markets, newest_ms).await
    });
    if let Ok(Ok(charts)) = drawn.await {
        *place.lock().unwrap_or_else(PoisonError::into_inner) = charts;
    }
}

/// The markets with the most trades in the minute before `newest_ms`.
async fn busiest(client: &Client, newest_ms: i64) -> Result<Vec<String>, clickhouse::error::Error> {
    // `max` of all versions of a candle is its newest version's count: trades are only added.
    let rows = client
        .query_raw(
            "SELECT market FROM candles \
             WHERE interval = '1m' AND start >= fromUnixTimestamp64Milli({from: Int64}, 'UTC') \
             GROUP BY market ORDER BY max(trades) DESC, market LIMIT {markets: UInt32}",
        )
        .param("from", newest_ms - 120_000)
        .param("markets", MARKETS)
        .fetch_all::<Busy>()
        .await?;
    Ok(rows.into_iter().map(|row| row.market).collect())
}

/// One-second candles of these markets up to `newest_ms`.
async fn charts(client: &Client, markets: &[String], newest_ms: i64) -> Result<Vec<Chart>, clickhouse::error::Error> {
    if markets.is_empty() {
        return Ok(Vec::new());
    }
    // Of the table and not of the view: with the order key's beginning in the condition, only these markets' last granules
    // are read. It is for looking at, so that floating point will do.
    let rows = client
        .query_raw(
            "SELECT market, toUnixTimestamp64Milli(start) AS start_ms, toFloat64(open) AS open, toFloat64(high) AS high, \
             toFloat64(low) AS low, toFloat64(close) AS close FROM candles \
             WHERE interval = '1s' AND market IN {markets: Array(String)} \
             AND candles.start >= fromUnixTimestamp64Milli({from: Int64}, 'UTC') \
             ORDER BY market, candles.start, kafka_offset DESC LIMIT 1 BY market, candles.start",
        )
        .param("markets", markets)
        .param("from", newest_ms - SECONDS * 1_000)
        .fetch_all::<OneSecond>()
        .await?;
    let mut by_market: BTreeMap<&str, BTreeMap<i64, Candle>> = BTreeMap::new();
    for row in &rows {
        let candle = Candle {
            open: row.open,
            high: row.high,
            low: row.low,
            close: row.close,
        };
        by_market.entry(&row.market).or_default().insert(row.start_ms, candle);
    }
    Ok(markets
        .iter()
        .filter_map(|market| Some(chart(market, by_market.get(market.as_str())?)))
        .collect())
}

/// One place for each second from the first candle to the last.
fn chart(market: &str, candles: &BTreeMap<i64, Candle>) -> Chart {
    let oldest = candles.keys().next().copied().unwrap_or(0);
    let newest = candles.keys().next_back().copied().unwrap_or(0);
    let seconds = ((newest - oldest) / 1_000).clamp(0, SECONDS * 2);
    Chart {
        name: format!("{market} 1s"),
        candles: (0..=seconds)
            .rev()
            .map(|ago| candles.get(&(newest - ago * 1_000)).copied())
            .collect(),
        newest_ms: newest,
        interval_ms: 1_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_without_a_trade_is_a_gap_in_the_chart() {
        let one = Candle {
            open: 1.0,
            high: 2.0,
            low: 0.5,
            close: 1.5,
        };
        let candles = BTreeMap::from([(7_000, one), (8_000, one), (10_000, one)]);
        let chart = chart("KRW-BTC", &candles);
        let there: Vec<bool> = chart.candles.iter().map(Option::is_some).collect();
        assert_eq!((there, chart.newest_ms), (vec![true, true, false, true], 10_000));
    }
}
