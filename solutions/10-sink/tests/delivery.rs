//! What is written is there, exactly and once, in one part per table partition.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::{Arc, Mutex};

use market::{Amount, Candle, Decimal, EventTime, Interval, Position, Side, Trade};
use sink::{Block, Point, Range, Sink, SinkConfig, SinkError, TradeRow};
use support::{DAY, block, database};

#[tokio::test]
async fn rows_arrive_exactly_whatever_their_values() {
    let database = database().await;
    let sink = database.owner("w", &[0, i32::MAX]).await;
    let trade = |market: &str, sequential_id, time, price, volume, side| Trade {
        market: market.parse().unwrap(),
        sequential_id,
        event_time: EventTime::from_millis(time),
        sent_time: EventTime::from_millis(time),
        price,
        volume,
        side,
    };
    let smallest = Decimal::from_units(1).unwrap();
    let last_time = 10_413_791_999_999; // 2299-12-31T23:59:59.999Z
    let at = |partition, offset| Position { partition, offset };
    let trades = vec![
        (trade("A-B", 0, 0, Decimal::ZERO, smallest, Side::Bid), at(0, 0)),
        (
            trade(
                "USDT-1234567890",
                u64::MAX,
                last_time,
                Decimal::MAX,
                Decimal::MAX,
                Side::Ask,
            ),
            at(0, i64::MAX),
        ),
        (
            trade(
                "KRW-BTC",
                17898744375740000,
                DAY,
                "116539000".parse().unwrap(),
                "0.00079276".parse().unwrap(),
                Side::Bid,
            ),
            at(0, 1),
        ),
        (
            trade(
                "KRW-BTC",
                17898744375740001,
                DAY - 1,
                -Decimal::MAX,
                smallest,
                Side::Ask,
            ),
            at(i32::MAX, 7),
        ),
    ];
    let candle = Candle {
        market: "KRW-BTC".parse().unwrap(),
        interval: Interval::M15,
        start: EventTime::from_millis(last_time - last_time % 900_000),
        open: smallest,
        high: Decimal::MAX,
        low: -Decimal::MAX,
        close: Decimal::ZERO,
        volume: Decimal::MAX,
        quote_volume: Amount::MAX,
        trades: u64::MAX,
        version: at(0, i64::MAX),
    };
    let all = Interval::ALL.map(|interval| Candle { interval, ..candle });
    let ranges = [(0, 0, i64::MAX), (i32::MAX, 7, 7)];
    let block = Block {
        ranges: ranges
            .map(|(partition, first, last)| Range { partition, first, last })
            .to_vec(),
        trades: trades
            .into_iter()
            .map(|(trade, position)| TradeRow { trade, position })
            .collect(),
        candles: all.to_vec(),
        recover: vec![0, i32::MAX], // so that the read-back meets the extremes too
    };
    for round in ["written", "found again"] {
        let written = sink.write(&block).await.unwrap();
        assert_eq!(
            (written.trades, written.candles, &written.lost),
            (4, 4, &vec![]),
            "{round}"
        );
        assert_eq!(
            written.found,
            if round == "written" { 0 } else { 8 },
            "{round}: rows that were there before"
        );
        database.holds_exactly(&[&block], round).await;
    }
}

#[tokio::test]
async fn a_block_becomes_one_part_per_day_however_large_it_is() {
    let database = database().await;
    let sink = database.owner("w", &[0, 1]).await;
    // 120,000 rows: more than the server's default block of 65,409 rows and, with 2 partitions, several chunks of body.
    let one_day = block(&[(0, 200, 60_199), (1, 200, 60_199)]);
    let written = sink.write(&one_day).await.unwrap();
    assert_eq!((written.trades, written.inserts), (120_000, 2), "{written:?}");
    let mut two_days = block(&[(0, 60_200, 60_299)]);
    two_days.trades[0].trade.event_time = EventTime::from_millis(DAY - 1);
    sink.write(&two_days).await.unwrap();
    database
        .holds_exactly(&[&one_day, &two_days], "after a large block and one over midnight")
        .await;
    database.client.query_raw("SYSTEM FLUSH LOGS").execute().await.unwrap();
    let parts = format!(
        "SELECT count() FROM system.part_log WHERE database = '{}' AND table = 'trades' AND event_type = 'NewPart'",
        database.name
    );
    assert_eq!(
        database.number(&parts).await,
        3,
        "1 part for the large block, 2 for the one that spans two days"
    );
}

#[tokio::test]
async fn rows_of_a_partition_that_was_never_claimed_are_lost_and_the_others_are_not() {
    let database = database().await;
    let sink = database.owner("w", &[1]).await;
    let both = block(&[(1, 0, 20), (2, 0, 20)]);
    let written = sink.write(&both).await.unwrap();
    assert_eq!((written.trades, written.lost), (21, vec![2]));
    database
        .holds_exactly(&[&block(&[(1, 0, 20)])], "only the claimed partition's rows")
        .await;
    sink.release(&[1]);
    let written = sink.write(&block(&[(1, 21, 30)])).await.unwrap();
    assert_eq!(
        (written.trades, written.lost),
        (0, vec![1]),
        "a released partition is nobody's to write"
    );
}

#[tokio::test]
async fn a_trade_outside_the_ranges_is_refused_before_anything_is_written() {
    let database = database().await;
    let sink = database.owner("w", &[0]).await;
    let mut wrong = block(&[(0, 0, 20)]);
    wrong.ranges[0].last = 19;
    let error = sink.write(&wrong).await.unwrap_err();
    assert!(matches!(error, SinkError::Block(_)), "{error}");
    assert!(error.to_string().contains("0@20"), "the message names the row: {error}");
    database.holds_exactly(&[], "nothing").await;
}

#[tokio::test]
async fn trades_are_written_before_candles_and_a_test_may_stop_in_between() {
    let database = database().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let points = Arc::clone(&seen);
    let sink = Sink::connect(SinkConfig {
        at: Some(Arc::new(move |point| points.lock().unwrap().push(point))),
        ..database.config("w")
    })
    .await
    .unwrap();
    support::claim(&sink, &[0]).await;
    let epoch = block(&[(0, 0, 20)]);
    let written = sink.write(&epoch).await.unwrap();
    assert_eq!((written.trades, written.candles, written.inserts), (21, 12, 2));
    assert_eq!(*seen.lock().unwrap(), [Point::TradesWritten, Point::Written]);
    database.holds_exactly(&[&epoch], "one epoch").await;
}

#[tokio::test]
async fn a_sink_says_in_one_sentence_why_it_cannot_start() {
    let database = database().await;
    let connect = |config: SinkConfig| async { Sink::connect(config).await.unwrap_err() };
    let quick = |config: SinkConfig| SinkConfig {
        give_up_after: Some(std::time::Duration::from_millis(300)),
        ..config
    };

    let error = connect(SinkConfig {
        database: "no_such_database".into(),
        ..database.config("w")
    })
    .await;
    assert!(matches!(error, SinkError::Schema { .. }), "{error}");
    let error = connect(SinkConfig {
        database: "a-b".into(),
        ..database.config("w")
    })
    .await;
    assert!(
        matches!(
            error,
            SinkError::Config {
                setting: "database",
                ..
            }
        ),
        "{error}"
    );
    let error = connect(database.config("it's")).await;
    assert!(matches!(error, SinkError::Config { setting: "worker", .. }), "{error}");
    let error = connect(quick(SinkConfig {
        url: "ftp://127.0.0.1:1".into(),
        ..database.config("w")
    }))
    .await;
    assert!(matches!(error, SinkError::Config { setting: "url", .. }), "{error}");
    let error = connect(quick(SinkConfig {
        url: "http://127.0.0.1:1".into(),
        ..database.config("w")
    }))
    .await;
    assert!(
        matches!(&error, SinkError::GaveUp { last, .. } if last.contains("refused")),
        "{error}"
    );
    let wrong = Some(("nobody".into(), "x".into()));
    let error = connect(SinkConfig {
        credentials: wrong,
        ..database.config("w")
    })
    .await;
    assert!(matches!(error, SinkError::Denied { .. }), "{error}");
    database
        .client
        .query_raw("ALTER TABLE trades DROP COLUMN side")
        .execute()
        .await
        .unwrap();
    let error = connect(database.config("w")).await;
    assert!(error.to_string().contains("trades.side is missing"), "{error}");
}
