//! A database of its own for each test, rows by seed, and reading the tables back.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, missing_docs)]

pub mod proxy;

use std::time::{Duration, Instant};

use clickhouse::{Client, Row};
use market::tables::{CANDLES_COLUMNS, Column, OWNERS_COLUMNS, TRADES_COLUMNS};
use market::{Amount, Candle, Decimal, EventTime, Interval, Position, Side, Trade};
use serde::Deserialize;
use sink::{Block, Range, Sink, SinkConfig, TradeRow};

/// 2024-01-01T00:00:00Z.
pub const DAY: i64 = 1_704_067_200_000;

pub struct Database {
    pub url: String,
    pub name: String,
    pub client: Client,
}

pub async fn shared_url() -> String {
    let stack = stack::Stack::shared()
        .await
        .unwrap_or_else(|error| panic!("no servers to test on: {error}"));
    stack.clickhouse().url().to_owned()
}

pub async fn database() -> Database {
    database_on(&shared_url().await, "").await
}

/// A database whose table of trades has one thing more, such as a constraint that makes inserts slow.
pub async fn database_on(url: &str, more: &str) -> Database {
    let name = stack::unique("sink");
    let root = stack::clickhouse_client(url);
    root.query_raw(&format!("CREATE DATABASE {name}"))
        .execute()
        .await
        .expect("create the database");
    let client = root.with_database(&name);
    let columns = |columns: &[Column]| {
        columns
            .iter()
            .map(|(name, kind)| format!("{name} {kind}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    for ddl in [
        format!(
            "CREATE TABLE trades ({}{more}) ENGINE = MergeTree PARTITION BY toYYYYMMDD(event_time) \
             ORDER BY (market, event_time, sequential_id)",
            columns(&TRADES_COLUMNS)
        ),
        format!(
            "CREATE TABLE candles ({}) ENGINE = MergeTree PARTITION BY toYYYYMM(start) \
             ORDER BY (interval, market, start, kafka_offset)",
            columns(&CANDLES_COLUMNS)
        ),
        format!(
            "CREATE TABLE owners ({}) ENGINE = MergeTree ORDER BY kafka_partition",
            columns(&OWNERS_COLUMNS)
        ),
    ] {
        client
            .query_raw(&ddl)
            .execute()
            .await
            .unwrap_or_else(|error| panic!("{ddl}: {error}"));
    }
    Database {
        url: url.to_owned(),
        name,
        client,
    }
}

impl Database {
    pub fn config(&self, worker: &str) -> SinkConfig {
        SinkConfig {
            give_up_after: Some(Duration::from_secs(60)),
            ..SinkConfig::new(&self.url, &self.name, worker)
        }
    }

    pub async fn sink(&self, worker: &str) -> Sink {
        Sink::connect(self.config(worker)).await.expect("connect the sink")
    }

    /// A sink that owns `partitions`.
    pub async fn owner(&self, worker: &str, partitions: &[i32]) -> Sink {
        let sink = self.sink(worker).await;
        claim(&sink, partitions).await;
        sink
    }

    pub async fn trades(&self) -> Vec<TradeRow> {
        let rows = self
            .client
            .query_raw("SELECT * FROM trades ORDER BY kafka_partition, kafka_offset")
            .fetch_all::<StoredTrade>()
            .await
            .expect("read the trades");
        rows.iter().map(StoredTrade::row).collect()
    }

    pub async fn candles(&self) -> Vec<Candle> {
        let rows = self
            .client
            .query_raw("SELECT * FROM candles ORDER BY kafka_partition, kafka_offset, interval")
            .fetch_all::<StoredCandle>()
            .await
            .expect("read the candles");
        rows.iter().map(StoredCandle::candle).collect()
    }

    /// Asserts that the tables hold exactly the rows of these blocks, in a plain SELECT.
    pub async fn holds_exactly(&self, blocks: &[&Block], what: &str) {
        let (mut trades, mut candles) = (Vec::new(), Vec::new());
        for block in blocks {
            trades.extend_from_slice(&block.trades);
            candles.extend_from_slice(&block.candles);
        }
        trades.sort_by_key(|row| row.position);
        candles.sort_by_key(|candle| (candle.version, candle.interval));
        let (stored_trades, stored_candles) = (self.trades().await, self.candles().await);
        assert_eq!(
            (stored_trades.len(), stored_candles.len()),
            (trades.len(), candles.len()),
            "{what}: count of (trades, candles), stored against expected; look at {}.trades by offset",
            self.name
        );
        assert!(
            stored_trades == trades,
            "{what}: the trades stored are others than those written"
        );
        assert!(
            stored_candles == candles,
            "{what}: the candles stored are others than those written"
        );
    }

    pub async fn number(&self, sql: &str) -> u64 {
        self.client
            .query_raw(sql)
            .fetch_one::<u64>()
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}

pub async fn claim(sink: &Sink, partitions: &[i32]) {
    let claims = sink.claim(partitions).await.expect("claim");
    assert_eq!(
        claims.refused,
        Vec::<i32>::new(),
        "nobody else claims here, yet a claim was refused"
    );
    assert_eq!(claims.granted.len(), partitions.len(), "granted: {:?}", claims.granted);
}

/// Waits for a condition; fails with `what` after 20 s.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "waited 20 s in vain until {what}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// `trades` trades of each of the ranges and a candle of each interval for every tenth of them; deterministic.
pub fn block(ranges: &[(i32, i64, i64)]) -> Block {
    let mut block = Block::default();
    for &(partition, first, last) in ranges {
        block.ranges.push(Range { partition, first, last });
        for offset in first..=last {
            let position = Position { partition, offset };
            let market = ["KRW-BTC", "KRW-ETH", "BTC-XRP", "USDT-DOGE"][(partition.rem_euclid(4)) as usize]
                .parse()
                .unwrap();
            let mixed = (offset as u64 ^ ((partition as u64) << 40)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let event_time = EventTime::from_millis(DAY + offset * 7 - (mixed % 900) as i64);
            let price = Decimal::from_units(i128::from(mixed >> 8) * 1_000).unwrap();
            let volume = Decimal::from_units(i128::from(mixed % 1_000_000_007)).unwrap();
            let trade = Trade {
                market,
                sequential_id: mixed,
                event_time,
                sent_time: event_time.saturating_add((mixed % 50) as i64),
                price,
                volume,
                side: if mixed.is_multiple_of(2) { Side::Bid } else { Side::Ask },
            };
            block.trades.push(TradeRow { trade, position });
            if offset % 10 == 0 {
                for interval in Interval::ALL {
                    block.candles.push(Candle {
                        market,
                        interval,
                        start: interval.start_of(event_time),
                        open: price,
                        high: price,
                        low: price,
                        close: price,
                        volume,
                        quote_volume: Amount::from_units(i128::from(mixed) * 31).unwrap(),
                        trades: mixed % 77,
                        version: position,
                    });
                }
            }
        }
    }
    block
}

#[derive(Row, Deserialize)]
struct StoredTrade {
    market: String,
    sequential_id: u64,
    event_time: i64,
    sent_time: i64,
    price: i128,
    volume: i128,
    side: i8,
    kafka_partition: i32,
    kafka_offset: i64,
}

impl StoredTrade {
    fn row(&self) -> TradeRow {
        TradeRow {
            trade: Trade {
                market: self.market.parse().unwrap(),
                sequential_id: self.sequential_id,
                event_time: EventTime::from_millis(self.event_time),
                sent_time: EventTime::from_millis(self.sent_time),
                price: Decimal::from_units(self.price).unwrap(),
                volume: Decimal::from_units(self.volume).unwrap(),
                side: if self.side == 1 { Side::Bid } else { Side::Ask },
            },
            position: Position {
                partition: self.kafka_partition,
                offset: self.kafka_offset,
            },
        }
    }
}

#[derive(Row, Deserialize)]
struct StoredCandle {
    market: String,
    interval: i8,
    start: i64,
    open: i128,
    high: i128,
    low: i128,
    close: i128,
    volume: i128,
    quote_volume: i128,
    trades: u64,
    kafka_partition: i32,
    kafka_offset: i64,
}

impl StoredCandle {
    fn candle(&self) -> Candle {
        Candle {
            market: self.market.parse().unwrap(),
            interval: Interval::ALL[self.interval as usize - 1],
            start: EventTime::from_millis(self.start),
            open: Decimal::from_units(self.open).unwrap(),
            high: Decimal::from_units(self.high).unwrap(),
            low: Decimal::from_units(self.low).unwrap(),
            close: Decimal::from_units(self.close).unwrap(),
            volume: Decimal::from_units(self.volume).unwrap(),
            quote_volume: Amount::from_units(self.quote_volume).unwrap(),
            trades: self.trades,
            version: Position {
                partition: self.kafka_partition,
                offset: self.kafka_offset,
            },
        }
    }
}
