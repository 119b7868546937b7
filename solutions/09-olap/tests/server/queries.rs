//! What a dashboard asks is answered exactly, and always of the newest version of a candle.

use crate::support::{Database, bare, database};
use market::{EventTime, Interval};
use olap::{Counts, Freshness, Queries};

const DAY: i64 = 1_704_067_200_000;

async fn trades(database: &Database) {
    database
        .run(
            "INSERT INTO trades FORMAT JSONCompactEachRow \
             [\"KRW-BTC\", 1, \"2024-01-01 00:00:00.000\", \"2024-01-01 00:00:00.100\", 100000000.00000001, 0.00000003, \"BID\", 0, 10] \
             [\"KRW-BTC\", 3, \"2024-01-01 00:00:01.000\", \"2024-01-01 00:00:01.000\", 7, 2, \"ASK\", 0, 12] \
             [\"KRW-BTC\", 2, \"2024-01-01 00:00:01.000\", \"2024-01-01 00:00:01.000\", 8, 1, \"ASK\", 0, 13] \
             [\"KRW-ETH\", 1, \"2024-01-01 00:00:00.500\", \"2024-01-01 00:00:00.500\", 5, 100, \"BID\", 1, 3] \
             [\"USDT-BTC\", 1, \"2024-01-01 00:00:00.500\", \"2024-01-01 00:00:00.500\", 50000, 100, \"BID\", 1, 4] \
             [\"KRW-ETH\", 2, \"2024-01-02 00:00:00.000\", \"2024-01-02 00:00:00.000\", 6, 1000, \"BID\", 1, 9]",
        )
        .await;
}

#[tokio::test]
async fn task6_the_busiest_markets_of_a_currency_and_a_stretch_of_time() {
    let database = database().await;
    trades(&database).await;
    let queries = Queries::new(&database.client, &database.name);
    let ask = |to: i64, limit| queries.busiest("KRW", EventTime::from_millis(DAY), EventTime::from_millis(to), limit);
    let first_day = ask(DAY + 86_400_000, 10).await.unwrap();
    let told: Vec<_> = first_day
        .iter()
        .map(|m| {
            (
                m.market.as_str(),
                m.trades,
                m.quote_volume.to_string(),
                m.last_price.to_string(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("KRW-ETH", 1, "500".into(), "5".into()),
            // 100000000.00000001 × 0.00000003 to the last of 16 places; the last price is that of the higher id.
            ("KRW-BTC", 3, "25.0000000000000003".into(), "7".into()),
        ],
        "the end is excluded, other currencies do not count"
    );
    assert_eq!(
        ask(DAY + 86_400_001, 1).await.unwrap()[0].quote_volume.to_string(),
        "6500",
        "one more millisecond"
    );
    assert!(
        ask(DAY, 10).await.unwrap().is_empty(),
        "an empty stretch has no markets"
    );
}

#[tokio::test]
async fn task6_a_currency_with_a_quote_in_it_is_a_currency_that_nobody_trades_in() {
    let database = database().await;
    trades(&database).await;
    let queries = Queries::new(&database.client, &database.name);
    for quote in [
        "KRW') OR startsWith(market, 'U",
        "'",
        "KRW\\",
        "KRW-BTC' --",
        "{from: Int64}",
    ] {
        let found = queries
            .busiest(quote, EventTime::from_millis(0), EventTime::from_millis(DAY * 2), 10)
            .await;
        let found = found.unwrap_or_else(|error| panic!("{quote:?}: {error}; look at how `Queries::busiest` binds"));
        assert!(
            found.is_empty(),
            "{quote:?} found {found:?}; look at how `Queries::busiest` binds"
        );
    }
}

#[tokio::test]
async fn task2_the_last_candles_are_newest_versions_oldest_first() {
    let database = database().await;
    // Three candles of a minute; versions of them in separate parts, as epochs write them, and not in order.
    for (start, offset, close) in [(0, 5, 1), (1, 9, 2), (0, 7, 3), (2, 11, 4), (1, 8, 5), (2, 12, 6)] {
        for market in ["KRW-BTC", "KRW-ETH"] {
            database
                .run(&format!(
                    "INSERT INTO candles VALUES ('{market}', '1m', fromUnixTimestamp64Milli({}, 'UTC'), 1, 9, 0.5, {close}, \
                     0.00000001, 0.0000000000000001, {offset}, 4, {offset})",
                    DAY + start * 60_000
                ))
                .await;
        }
    }
    let queries = Queries::new(&database.client, &database.name);
    let market = "KRW-BTC".parse().unwrap();
    let told = async |interval, limit| {
        let candles = queries.last_candles(market, interval, limit).await.unwrap();
        candles
            .iter()
            .map(|c| ((c.start.millis() - DAY) / 60_000, c.version.offset, c.close.to_string()))
            .collect::<Vec<_>>()
    };
    let newest = [(0, 7, "3".to_owned()), (1, 9, "2".into()), (2, 12, "6".into())];
    assert_eq!(told(Interval::M1, 10).await, newest);
    assert_eq!(told(Interval::M1, 2).await, newest[1..]);
    assert_eq!(told(Interval::S1, 10).await, []);
    let candle = queries.last_candles(market, Interval::M1, 1).await.unwrap()[0];
    assert_eq!(
        (candle.market, candle.interval, candle.trades),
        (market, Interval::M1, 12)
    );
    assert_eq!(candle.volume.units(), 1);
    assert_eq!(candle.quote_volume.units(), 1);
    assert_eq!((candle.low.to_string(), candle.version.partition), ("0.5".into(), 4));

    let view = database
        .text("SELECT market, close FROM candles_newest ORDER BY market, start")
        .await;
    assert_eq!(
        view, "KRW-BTC\t3\nKRW-BTC\t2\nKRW-BTC\t6\nKRW-ETH\t3\nKRW-ETH\t2\nKRW-ETH\t6\n",
        "the view"
    );
    let one = database
        .text("SELECT close FROM candles_newest WHERE market = 'KRW-ETH' AND close < 4 ORDER BY start")
        .await;
    assert_eq!(
        one, "3\n2\n",
        "a condition on a value must not let an older version through"
    );
    let counts = queries.counts().await.unwrap();
    assert_eq!(
        counts,
        Counts {
            trades: 0,
            candle_versions: 12,
            candles: 6
        }
    );
}

#[tokio::test]
async fn task2_freshness_is_told_per_partition() {
    let database = database().await;
    let queries = Queries::new(&database.client, &database.name);
    assert_eq!(queries.freshness().await.unwrap(), []);
    trades(&database).await;
    let at = |partition, offset, millis| Freshness {
        partition,
        offset,
        event_time: EventTime::from_millis(millis),
    };
    assert_eq!(
        queries.freshness().await.unwrap(),
        [at(0, 13, DAY + 1_000), at(1, 9, DAY + 86_400_000)]
    );
}

#[tokio::test]
async fn a_query_that_cannot_be_answered_says_which() {
    let database = bare().await;
    let error = Queries::new(&database.client, "no_such_database")
        .counts()
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("ClickHouse did not answer the query for the counts"),
        "{error}"
    );
}
