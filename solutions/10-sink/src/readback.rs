//! Which rows of a block a table already holds.

use std::collections::HashSet;
use std::fmt::Write;

use clickhouse::Row;
use clickhouse::query::Query;
use market::Candle;
use serde::Deserialize;

use crate::encode::interval;
use crate::server::{Failure, Server};
use crate::{Range, TradeRow};

/// What makes a row of `candles` this one: interval, market, start, partition, offset.
pub(crate) type CandleKey = (i8, String, i64, i32, i64);

#[derive(Row, Deserialize)]
struct PositionRow {
    kafka_partition: i32,
    kafka_offset: i64,
}

#[derive(Row, Deserialize)]
struct CandleRow {
    interval: i8,
    market: String,
    start: i64,
    kafka_partition: i32,
    kafka_offset: i64,
}

/// The key of a candle's row.
pub(crate) fn key(candle: &Candle) -> CandleKey {
    let version = candle.version;
    let market = candle.market.as_str().to_owned();
    (
        interval(candle.interval),
        market,
        candle.start.millis(),
        version.partition,
        version.offset,
    )
}

impl Server {
    /// The positions, within the ranges and times that the rows span, that `trades` holds. The time is a condition only to
    /// spare days: a record's time is its own, so whoever wrote its row wrote the same.
    pub(crate) async fn present_trades<'a>(
        &self,
        rows: impl Iterator<Item = &'a TradeRow> + Clone,
    ) -> Result<HashSet<(i32, i64)>, Failure> {
        let ranges = spans(rows.clone().map(|row| (row.position.partition, row.position.offset)));
        let times = rows.map(|row| row.trade.event_time.millis());
        let (Some(first), Some(last)) = (times.clone().min(), times.max()) else {
            return Ok(HashSet::new());
        };
        let sql = format!(
            "SELECT kafka_partition, kafka_offset FROM trades WHERE {} AND ({})",
            between("event_time"),
            condition(&ranges)
        );
        let query = bind(self.client.query_raw(&sql), &ranges)
            .param("first", first)
            .param("last", last);
        let rows = self.ask(query.fetch_all::<PositionRow>()).await?;
        Ok(rows
            .into_iter()
            .map(|row| (row.kafka_partition, row.kafka_offset))
            .collect())
    }

    /// The keys, within the ranges of versions and starts that the candles span, that `candles` holds.
    pub(crate) async fn present_candles<'a>(
        &self,
        candles: impl Iterator<Item = &'a Candle> + Clone,
    ) -> Result<HashSet<CandleKey>, Failure> {
        let ranges = spans(
            candles
                .clone()
                .map(|candle| (candle.version.partition, candle.version.offset)),
        );
        let starts = candles.map(|candle| candle.start.millis());
        let (Some(first), Some(last)) = (starts.clone().min(), starts.max()) else {
            return Ok(HashSet::new());
        };
        let sql = format!(
            "SELECT interval, market, start, kafka_partition, kafka_offset FROM candles WHERE {} AND ({})",
            between("start"),
            condition(&ranges)
        );
        let query = bind(self.client.query_raw(&sql), &ranges)
            .param("first", first)
            .param("last", last);
        let rows = self.ask(query.fetch_all::<CandleRow>()).await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                (
                    row.interval,
                    row.market,
                    row.start,
                    row.kafka_partition,
                    row.kafka_offset,
                )
            })
            .collect())
    }
}

/// The smallest range per partition that holds all of its offsets. Not the block's own ranges: a row outside them would be
/// written twice.
fn spans(positions: impl Iterator<Item = (i32, i64)>) -> Vec<Range> {
    let mut spans: Vec<Range> = Vec::new();
    for (partition, offset) in positions {
        match spans.iter_mut().rev().find(|span| span.partition == partition) {
            Some(span) => {
                span.first = span.first.min(offset);
                span.last = span.last.max(offset);
            }
            None => spans.push(Range {
                partition,
                first: offset,
                last: offset,
            }),
        }
    }
    spans
}

fn between(column: &str) -> String {
    format!(
        "{column} BETWEEN fromUnixTimestamp64Milli({{first: Int64}}, 'UTC') \
         AND fromUnixTimestamp64Milli({{last: Int64}}, 'UTC')"
    )
}

/// One `OR` per range, spelled out: a skip index is used for comparisons of columns with constants, not for a lambda over
/// arrays.
fn condition(ranges: &[Range]) -> String {
    let mut sql = String::new();
    for i in 0..ranges.len() {
        let or = if i == 0 { "" } else { " OR " };
        // Writing to a String does not fail.
        let _ = write!(
            sql,
            "{or}(kafka_partition = {{p{i}: Int32}} AND kafka_offset BETWEEN {{f{i}: Int64}} AND {{l{i}: Int64}})"
        );
    }
    sql
}

fn bind(query: Query, ranges: &[Range]) -> Query {
    ranges.iter().enumerate().fold(query, |query, (i, range)| {
        query
            .param(&format!("p{i}"), range.partition)
            .param(&format!("f{i}"), range.first)
            .param(&format!("l{i}"), range.last)
    })
}
