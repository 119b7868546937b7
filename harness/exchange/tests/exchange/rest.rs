//! REST quotation requests.

use std::collections::BTreeMap;

use exchange::Rate;
use exchange::journal::Reader;
use market::{Amount, Decimal, Trade};
use serde_json::value::RawValue;

use crate::client::*;

/// An exchange that has executed some trades and executes no more.
async fn with_trades(markets: usize, trades: u64) -> (Running, Vec<Trade>) {
    let running = start(generated(markets, Rate::PerSecond(100_000.0))).await;
    running.exchange.begin();
    eventually("enough trades", || running.exchange.counters().executed >= trades).await;
    running.exchange.finish().await;
    let journal = Reader::open(running.dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().trade)
        .collect();
    (running, journal)
}

fn newest_first(journal: &[Trade], market: &str) -> Vec<u64> {
    let of_market = journal.iter().filter(|trade| trade.market.as_str() == market);
    let mut ids: Vec<u64> = of_market.map(|trade| trade.sequential_id).collect();
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids
}

async fn ids(running: &Running, query: &str) -> Vec<u64> {
    let answer = get(&running.exchange, &format!("/trades/ticks?{query}"), &[]).await;
    assert_eq!(answer.status, 200, "{query}: {:?}", answer.body);
    answer
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|tick| tick["sequential_id"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn markets_are_listed_with_names_and_details_when_asked_for() {
    let running = start(generated(3, Rate::Max)).await;
    let plain = get(&running.exchange, "/market/all", &[]).await.json();
    let codes: Vec<_> = plain
        .as_array()
        .unwrap()
        .iter()
        .map(|market| market["market"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["KRW-BTC", "KRW-ETH", "KRW-XRP"]);
    assert_eq!(
        (&plain[0]["korean_name"], &plain[0]["english_name"]),
        (&"비트코인".into(), &"Bitcoin".into())
    );
    assert!(plain[0].get("market_event").is_none());
    let detailed = get(&running.exchange, "/market/all?is_details=true", &[]).await.json();
    assert_eq!(
        detailed[0]["market_event"]["caution"]
            .as_object()
            .map(serde_json::Map::len),
        Some(5)
    );
}

#[tokio::test]
async fn pages_of_ticks_are_newest_first_without_hole_or_repeat() {
    let (running, journal) = with_trades(20, 40_000).await;
    for market in ["KRW-BTC", "KRW-SUI"] {
        let want = newest_first(&journal, market);
        let mut got = ids(&running, &format!("market={market}&count=500")).await;
        assert!(!got.is_empty());
        loop {
            let page = ids(
                &running,
                &format!("market={market}&count=500&cursor={}", got[got.len() - 1]),
            )
            .await;
            if page.is_empty() {
                break;
            }
            got.extend(page);
        }
        assert_eq!(
            got.len(),
            want.len(),
            "{market}: how many trades the pages hold together"
        );
        assert_eq!(got, want, "{market}: see journal/pages.rs");
    }
}

#[tokio::test]
async fn a_tick_has_the_documented_keys_and_its_change_is_signed() {
    let (running, journal) = with_trades(1, 1_000).await;
    let answer = get(&running.exchange, "/trades/ticks?market=krw-btc&count=500", &[]).await;
    let ticks = answer.json();
    let ticks = ticks.as_array().unwrap();
    assert_eq!(ticks.len(), 500, "a lower-case market is understood by REST");
    for tick in ticks {
        let id = tick["sequential_id"].as_u64().unwrap();
        let trade = journal.iter().find(|trade| trade.sequential_id == id).unwrap();
        assert_eq!(
            tick["timestamp"].as_i64(),
            Some(trade.event_time.millis()),
            "timestamp is the execution time"
        );
        let number = |key: &str| tick[key].as_f64().unwrap();
        assert_eq!(
            number("change_price"),
            number("trade_price") - number("prev_closing_price"),
            "signed: {tick}"
        );
        assert_eq!(tick["ask_bid"], trade.side.name());
        for key in ["market", "trade_date_utc", "trade_time_utc"] {
            assert!(tick[key].is_string(), "{tick}");
        }
    }
}

#[tokio::test]
async fn to_ends_a_page_before_that_second() {
    let (running, journal) = with_trades(1, 1_000).await;
    let newest = journal.iter().map(|trade| trade.event_time.millis()).max().unwrap();
    let second = newest / 1000;
    let to = jiff::Timestamp::from_second(second)
        .unwrap()
        .strftime("%H:%M:%S")
        .to_string();
    let got = ids(&running, &format!("market=KRW-BTC&count=500&to={to}")).await;
    let want: Vec<u64> = newest_first(&journal, "KRW-BTC")
        .into_iter()
        .filter(|id| id / 10_000 < second as u64 * 1000)
        .take(500)
        .collect();
    assert_eq!(got, want);
}

#[tokio::test]
async fn wrong_requests_are_told_what_is_wrong() {
    let running = start(generated(1, Rate::Max)).await;
    for (path, status) in [
        ("/trades/ticks", 400),
        ("/trades/ticks?market=KRW-NOPE", 404),
        ("/trades/ticks?market=nonsense", 404),
        ("/trades/ticks?market=KRW-BTC&count=0", 400),
        ("/trades/ticks?market=KRW-BTC&count=many", 400),
        ("/trades/ticks?market=KRW-BTC&cursor=x", 400),
        ("/trades/ticks?market=KRW-BTC&days_ago=8", 400),
        ("/trades/ticks?market=KRW-BTC&to=noon", 400),
        ("/candles/minutes/7?market=KRW-BTC", 400),
        ("/candles/seconds?market=KRW-BTC&to=noon", 400),
        ("/nowhere", 404),
    ] {
        let answer = get(&running.exchange, path, &[]).await;
        let error = answer.json();
        assert_eq!(
            (answer.status, &error["error"]["name"]),
            (status, &status.into()),
            "{path}: {error}"
        );
        assert!(error["error"]["message"].is_string(), "{path}: {error}");
    }
    let unknown = get(&running.exchange, "/trades/ticks?market=KRW-NOPE", &[])
        .await
        .json();
    assert_eq!(unknown["error"]["message"], "Code not found");
}

#[derive(serde::Deserialize)]
struct Candle {
    market: String,
    candle_date_time_utc: String,
    candle_date_time_kst: String,
    opening_price: Box<RawValue>,
    high_price: Box<RawValue>,
    low_price: Box<RawValue>,
    trade_price: Box<RawValue>,
    timestamp: i64,
    candle_acc_trade_price: Box<RawValue>,
    candle_acc_trade_volume: Box<RawValue>,
    unit: Option<u32>,
}

async fn candles(running: &Running, path: &str) -> Vec<Candle> {
    let answer = get(&running.exchange, path, &[]).await;
    assert_eq!(answer.status, 200, "{path}: {:?}", answer.body);
    serde_json::from_slice(&answer.body.unwrap()).unwrap()
}

#[tokio::test]
async fn candles_are_what_the_trades_come_to_newest_first() {
    let (running, journal) = with_trades(1, 150_000).await;
    for (path, length, unit) in [
        ("seconds", 1_000, None),
        ("minutes/1", 60_000, Some(1)),
        ("minutes/60", 3_600_000, Some(60)),
    ] {
        let mut windows: BTreeMap<i64, Vec<&Trade>> = BTreeMap::new();
        for trade in &journal {
            windows
                .entry(trade.event_time.millis() / length * length)
                .or_default()
                .push(trade);
        }
        let got = candles(&running, &format!("/candles/{path}?market=KRW-BTC&count=200")).await;
        assert_eq!(got.len(), windows.len(), "{path}: windows with trades");
        for (candle, (start, trades)) in got.iter().zip(windows.iter_mut().rev()) {
            trades.sort_by_key(|trade| trade.sequential_id);
            let decimal = |raw: &RawValue| Decimal::parse(raw.get().as_bytes()).unwrap();
            let prices = trades.iter().map(|trade| trade.price);
            let (high, low) = (prices.clone().max().unwrap(), prices.min().unwrap());
            assert_eq!(candle.market, "KRW-BTC");
            let at = |text: &str| format!("{text}Z").parse::<jiff::Timestamp>().unwrap().as_millisecond();
            assert_eq!((at(&candle.candle_date_time_utc), candle.unit), (*start, unit));
            assert_eq!(at(&candle.candle_date_time_kst), start + 9 * 3_600_000);
            assert_eq!(decimal(&candle.opening_price), trades[0].price, "{path} {start}");
            assert_eq!(
                decimal(&candle.trade_price),
                trades[trades.len() - 1].price,
                "{path} {start}"
            );
            assert_eq!(
                (decimal(&candle.high_price), decimal(&candle.low_price)),
                (high, low),
                "{path} {start}"
            );
            assert_eq!(candle.timestamp, trades[trades.len() - 1].event_time.millis());
            let volume = trades.iter().map(|trade| trade.volume.units()).sum::<i128>();
            assert_eq!(
                decimal(&candle.candle_acc_trade_volume).units(),
                volume,
                "{path} {start}"
            );
            let value = trades.iter().map(|trade| trade.amount().unwrap().units()).sum::<i128>();
            let got = Amount::parse(candle.candle_acc_trade_price.get().as_bytes()).unwrap();
            assert_eq!(got.units(), value, "{path} {start}");
        }
    }
}

#[tokio::test]
async fn to_of_candles_is_exclusive_and_a_page_has_200_at_most() {
    let (running, _) = with_trades(1, 150_000).await;
    let all = candles(&running, "/candles/seconds?market=KRW-BTC&count=1000").await;
    assert!(
        all.len() >= 2,
        "150,000 trades at 100,000 a second lie in two seconds or more"
    );
    let newest = &all[0].candle_date_time_utc;
    let kst = &all[0].candle_date_time_kst;
    for to in [newest.clone(), format!("{newest}Z"), format!("{kst}%2B09:00")] {
        let before = candles(&running, &format!("/candles/seconds?market=KRW-BTC&count=200&to={to}")).await;
        assert_eq!(before.len(), all.len() - 1, "to={to}");
        assert_eq!(before[0].candle_date_time_utc, all[1].candle_date_time_utc, "to={to}");
    }
    assert_eq!(
        candles(&running, "/candles/seconds?market=KRW-BTC").await.len(),
        1,
        "one if no count is given"
    );
}
