//! The journal is what was sent.

use std::collections::HashMap;

use exchange::journal::{ConnectionEnd, Reader, connections};
use exchange::{Exchange, ExchangeConfig, JournalError, Rate};
use market::Decimal;
use serde_json::value::RawValue;

use crate::client::*;

#[derive(serde::Deserialize)]
struct Frame<'a> {
    code: String,
    timestamp: i64,
    trade_timestamp: i64,
    #[serde(borrow)]
    trade_price: &'a RawValue,
    #[serde(borrow)]
    trade_volume: &'a RawValue,
    ask_bid: String,
    sequential_id: u64,
}

#[tokio::test]
async fn every_frame_is_in_the_journal_with_the_same_numbers_in_the_same_order() {
    let running = start(generated(60, Rate::Max)).await;
    let mut ws = subscribed(&running.exchange).await;
    running.exchange.begin();
    let mut frames = Vec::new();
    while frames.len() < 30_000 {
        frames.push(ws.frame().await);
    }
    let finishing = running.exchange.finish();
    tokio::pin!(finishing);
    loop {
        tokio::select! {
            _ = &mut finishing => break,
            frame = ws.frame() => frames.push(frame),
        }
    }
    frames.extend(ws.frames_until_pong().await);
    let reader = Reader::open(running.dir.path()).unwrap();
    assert_eq!(reader.markets(), running.exchange.markets());
    assert_eq!(
        (reader.records(), frames.len() as u64),
        (running.exchange.counters().executed, reader.records())
    );
    for (entry, frame) in reader.zip(&frames) {
        let trade = entry.unwrap().trade;
        let frame: Frame<'_> = serde_json::from_slice(frame).unwrap();
        let number = |raw: &RawValue| Decimal::parse(raw.get().as_bytes()).unwrap();
        let sent = (
            frame.code,
            frame.sequential_id,
            frame.timestamp,
            frame.trade_timestamp,
            frame.ask_bid,
        );
        let (sent_time, event_time) = (trade.sent_time.millis(), trade.event_time.millis());
        let held = (
            trade.market.to_string(),
            trade.sequential_id,
            sent_time,
            event_time,
            trade.side.name().into(),
        );
        assert_eq!(sent, held, "identity and times of a frame and of its record");
        assert_eq!(
            (number(frame.trade_price), number(frame.trade_volume)),
            (trade.price, trade.volume)
        );
    }
}

#[tokio::test]
async fn identities_are_unique() {
    let running = start(generated(3, Rate::Max)).await;
    let mut ws = subscribed(&running.exchange).await;
    running.exchange.begin();
    for _ in 0..100_000 {
        ws.frame().await;
    }
    running.exchange.faults().drop_sockets();
    running.exchange.finish().await;
    let mut seen = HashMap::new();
    for entry in Reader::open(running.dir.path()).unwrap() {
        let entry = entry.unwrap();
        let before = seen.insert(entry.trade.identity(), entry.number);
        assert_eq!(before, None, "{entry:?} repeats an identity: see source/ids.rs");
    }
}

#[tokio::test]
async fn connections_are_listed_with_how_they_ended() {
    let running = start(generated(1, Rate::Max)).await;
    let mut refused = connect(&running.exchange).await;
    refused.send("nonsense").await;
    refused.until_end().await;
    let mut left = connect(&running.exchange).await;
    left.0.close(None).await.unwrap();
    left.until_end().await;
    let _open = connect(&running.exchange).await;
    eventually("two have ended", || running.exchange.counters().open == 1).await;
    let ends = || {
        connections(running.dir.path())
            .unwrap()
            .iter()
            .map(|entry| entry.end)
            .collect::<Vec<_>>()
    };
    eventually("the list is written", || {
        ends() == [Some(ConnectionEnd::Refused), Some(ConnectionEnd::Left), None]
    })
    .await;
}

#[tokio::test]
async fn a_folder_with_another_journal_and_a_file_that_is_none_are_refused() {
    let running = start(generated(1, Rate::Max)).await;
    let again = Exchange::start(ExchangeConfig::new(generated(1, Rate::Max), running.dir.path())).await;
    let told = again.err().expect("two runs must not share a journal").to_string();
    assert!(told.contains("trades.journal"), "{told}");
    let other = tempfile::tempdir().unwrap();
    assert!(
        matches!(Reader::open(other.path()), Err(JournalError::Io { .. })),
        "nothing there"
    );
    std::fs::write(other.path().join("markets.json"), "{}").unwrap();
    assert!(
        matches!(Reader::open(other.path()), Err(JournalError::Format { .. })),
        "not a journal"
    );
}

#[tokio::test]
async fn a_record_that_a_crash_cut_short_is_not_read() {
    let running = start(generated(1, Rate::PerSecond(10_000.0))).await;
    running.exchange.begin();
    eventually("some trades", || running.exchange.counters().executed > 10).await;
    let executed = running.exchange.finish().await.executed;
    let path = running.dir.path().join("trades.journal");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 7]).unwrap();
    let read = Reader::open(running.dir.path()).unwrap().map(Result::unwrap).count() as u64;
    assert_eq!(read, executed - 1);
}
