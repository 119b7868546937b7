//! What a dashboard asks, with bound parameters and typed answers.

use clickhouse::{Client, Row};
use market::{Amount, Candle, Decimal, EventTime, Interval, Market, Position};
use serde::Deserialize;

use crate::OlapError;

/// The queries of a dashboard on one database.
#[derive(Clone)]
pub struct Queries {
    client: Client,
}

/// How much was traded on a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketActivity {
    /// The market.
    pub market: Market,
    /// How many trades.
    pub trades: u64,
    /// Sum of price × volume, in the quote currency.
    pub quote_volume: Amount,
    /// Price of the last trade by (event time, sequential id).
    pub last_price: Decimal,
}

/// How many rows there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counts {
    /// Rows of `trades`.
    pub trades: u64,
    /// Rows of `candles`: versions.
    pub candle_versions: u64,
    /// Rows of `candles_newest`: candles.
    pub candles: u64,
}

/// How far a Kafka partition's rows have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// The Kafka partition.
    pub partition: i32,
    /// Highest offset in `trades`.
    pub offset: i64,
    /// Newest event time in `trades`.
    pub event_time: EventTime,
}

#[derive(Row, Deserialize)]
struct ActivityRow {
    market: String,
    trades: u64,
    quote_volume: i128,
    last_price: i128,
}

#[derive(Row, Deserialize)]
struct CandleRow {
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

#[derive(Row, Deserialize)]
struct CountsRow {
    trades: u64,
    candle_versions: u64,
    candles: u64,
}

#[derive(Row, Deserialize)]
struct FreshnessRow {
    kafka_partition: i32,
    offset: i64,
    event_time: i64,
}

impl Queries {
    /// Asks `database` through `client`.
    pub fn new(client: &Client, database: &str) -> Self {
        Self {
            client: client.clone().with_database(database),
        }
    }

    /// The markets with the highest quote volume of `[from, to)` among those whose quote currency is `quote`, such as
    /// `KRW`, whose markets are `KRW-BTC` and its like: amounts of different currencies cannot be ranked against each other. Busiest
    /// first, equals by name, at most `limit`. The quote volume is the exact sum of price × volume (two `Decimal(38, 8)` make a
    /// `Decimal(38, 16)`), the last price that of the trade with the highest (event time, sequential id).
    ///
    /// All four arguments are bound (`{name: Type}` in the text, `param` beside it; times as `Int64` through
    /// `fromUnixTimestamp64Milli(…, 'UTC')`): pasted into the text, a currency with a quote in it would be a statement.
    ///
    /// # Errors
    /// [`OlapError::Query`], [`OlapError::Row`].
    pub async fn busiest(
        &self,
        quote: &str,
        from: EventTime,
        to: EventTime,
        limit: u32,
    ) -> Result<Vec<MarketActivity>, OlapError> {
        todo!("task 6: one statement, four bound parameters, exact sums")
    }

    /// The last `limit` candles of a market, each in its newest version, oldest first.
    ///
    /// # Errors
    /// [`OlapError::Query`], [`OlapError::Row`].
    pub async fn last_candles(&self, market: Market, interval: Interval, limit: u32) -> Result<Vec<Candle>, OlapError> {
        const WHAT: &str = "the last candles";
        // Asked of the table and not of the view: a condition on the view's columns reaches the table only through the
        // optimiser's good will, and here the whole point is to read one market's end of the order key.
        let rows = self
            .client
            .query_raw(
                "SELECT market, interval, start, open, high, low, close, volume, quote_volume, trades, kafka_partition, \
                 kafka_offset FROM candles WHERE interval = {interval: String} AND market = {market: String} \
                 ORDER BY interval DESC, market DESC, start DESC, kafka_offset DESC \
                 LIMIT 1 BY interval, market, start LIMIT {limit: UInt32}",
            )
            .param("interval", interval.name())
            .param("market", market.as_str())
            .param("limit", limit)
            .fetch_all::<CandleRow>()
            .await
            .map_err(query(WHAT))?;
        rows.iter().rev().map(|row| candle(row, WHAT)).collect()
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// [`OlapError::Query`].
    pub async fn counts(&self) -> Result<Counts, OlapError> {
        let row = self
            .client
            .query_raw(
                // A scalar subquery is Nullable for the case that it has no row; a count always has one.
                "SELECT assumeNotNull((SELECT count() FROM trades)) AS trades, \
                 assumeNotNull((SELECT count() FROM candles)) AS candle_versions, \
                 assumeNotNull((SELECT uniqExact(interval, market, start) FROM candles)) AS candles",
            )
            .fetch_one::<CountsRow>()
            .await
            .map_err(query("the counts"))?;
        Ok(Counts {
            trades: row.trades,
            candle_versions: row.candle_versions,
            candles: row.candles,
        })
    }

    /// How far each Kafka partition's trades have come, by partition.
    ///
    /// # Errors
    /// [`OlapError::Query`].
    pub async fn freshness(&self) -> Result<Vec<Freshness>, OlapError> {
        let rows = self
            .client
            .query_raw(
                "SELECT kafka_partition, max(kafka_offset) AS offset, max(event_time) AS event_time FROM trades \
                 GROUP BY kafka_partition ORDER BY kafka_partition",
            )
            .fetch_all::<FreshnessRow>()
            .await
            .map_err(query("the freshness"))?;
        Ok(rows
            .into_iter()
            .map(|row| Freshness {
                partition: row.kafka_partition,
                offset: row.offset,
                event_time: EventTime::from_millis(row.event_time),
            })
            .collect())
    }
}

fn query(what: &'static str) -> impl Fn(clickhouse::error::Error) -> OlapError {
    move |source| OlapError::Query { what, source }
}

fn bad<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> OlapError {
    move |why| OlapError::Row {
        what,
        why: why.to_string(),
    }
}

fn market(code: &str, what: &'static str) -> Result<Market, OlapError> {
    code.parse().map_err(|why| OlapError::Row {
        what,
        why: format!("market {code:?}: {why}"),
    })
}

fn activity(row: &ActivityRow, what: &'static str) -> Result<MarketActivity, OlapError> {
    Ok(MarketActivity {
        market: market(&row.market, what)?,
        trades: row.trades,
        quote_volume: Amount::from_units(row.quote_volume).map_err(bad(what))?,
        last_price: Decimal::from_units(row.last_price).map_err(bad(what))?,
    })
}

fn candle(row: &CandleRow, what: &'static str) -> Result<Candle, OlapError> {
    let interval = match row.interval {
        1 => Interval::S1,
        2 => Interval::M1,
        3 => Interval::M5,
        4 => Interval::M15,
        other => {
            return Err(OlapError::Row {
                what,
                why: format!("interval {other}"),
            });
        }
    };
    let decimal = |units| Decimal::from_units(units).map_err(bad(what));
    Ok(Candle {
        market: market(&row.market, what)?,
        interval,
        start: EventTime::from_millis(row.start),
        open: decimal(row.open)?,
        high: decimal(row.high)?,
        low: decimal(row.low)?,
        close: decimal(row.close)?,
        volume: decimal(row.volume)?,
        quote_volume: Amount::from_units(row.quote_volume).map_err(bad(what))?,
        trades: row.trades,
        version: Position {
            partition: row.kafka_partition,
            offset: row.kafka_offset,
        },
    })
}
