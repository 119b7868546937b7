//! One trade as six formats write it. The structs are those that a program would declare; the exchange's own names are used.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use apache_avro::Schema;
use exchange::{Exchange, ExchangeConfig, Rate, Source};
use market::{Side, Trade};
use serde::{Deserialize, Serialize};

use crate::run::one_thread;

const MARKETS: usize = 40;
const LIMIT: Duration = Duration::from_secs(60);

/// A struct of a trade whose price and volume are of one type, with the names that its JSON has.
macro_rules! record {
    ($(#[$about:meta])* $name:ident, $number:ty,
        [$market:literal, $price:literal, $volume:literal, $ask:literal, $traded:literal, $sent:literal, $id:literal]) => {
        $(#[$about])*
        #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
        pub(crate) struct $name {
            #[serde(rename = $market)]
            pub(crate) market: String,
            #[serde(rename = $price)]
            pub(crate) price: $number,
            #[serde(rename = $volume)]
            pub(crate) volume: $number,
            #[serde(rename = $ask)]
            pub(crate) ask: bool,
            #[serde(rename = $traded)]
            pub(crate) traded: i64,
            #[serde(rename = $sent)]
            pub(crate) sent: i64,
            #[serde(rename = $id)]
            pub(crate) id: i64,
        }

        impl From<&Trade> for $name {
            fn from(trade: &Trade) -> Self {
                Self {
                    market: trade.market.to_string(),
                    price: Number::of(trade.price),
                    volume: Number::of(trade.volume),
                    ask: trade.side == Side::Ask,
                    traded: trade.event_time.millis(),
                    sent: trade.sent_time.millis(),
                    id: trade.sequential_id as i64,
                }
            }
        }
    };
}

/// What a price can be held as.
trait Number {
    fn of(exact: market::Decimal) -> Self;
    fn same(&self, other: &Self) -> bool;
}

impl Number for f64 {
    fn of(exact: market::Decimal) -> Self {
        exact.to_f64()
    }

    /// To the last digit but one: serde_json reads doubles fast, and some of them not to the nearest.
    fn same(&self, other: &Self) -> bool {
        (self - other).abs() <= self.abs() * 4.0 * f64::EPSILON
    }
}

impl Number for String {
    fn of(exact: market::Decimal) -> Self {
        exact.to_string()
    }

    fn same(&self, other: &Self) -> bool {
        self == other
    }
}

/// Whether what was read is what was written.
pub(crate) trait Same {
    fn same(&self, other: &Self) -> bool;
}

macro_rules! same {
    ($($name:ident),*) => {
        $(impl Same for $name {
            fn same(&self, other: &Self) -> bool {
                let whole = |it: &Self| (it.market.clone(), it.ask, it.traded, it.sent, it.id);
                whole(self) == whole(other) && self.price.same(&other.price) && self.volume.same(&other.volume)
            }
        })*
    };
}

same!(Double, Text, ShortDouble, ShortText, DoubleMessage, TextMessage);

record!(
    /// As most programs hold it.
    Double, f64,
    ["code", "trade_price", "trade_volume", "is_ask", "trade_timestamp", "timestamp", "sequential_id"]
);
record!(
    /// Exact.
    Text, String,
    ["code", "trade_price", "trade_volume", "is_ask", "trade_timestamp", "timestamp", "sequential_id"]
);
record!(
    /// With the exchange's short names.
    ShortDouble, f64, ["cd", "tp", "tv", "ia", "ttms", "tms", "sid"]
);
record!(
    /// With short names, exact.
    ShortText, String, ["cd", "tp", "tv", "ia", "ttms", "tms", "sid"]
);

/// The same for Protobuf.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DoubleMessage {
    #[prost(string, tag = "1")]
    pub(crate) market: String,
    #[prost(double, tag = "2")]
    pub(crate) price: f64,
    #[prost(double, tag = "3")]
    pub(crate) volume: f64,
    #[prost(bool, tag = "4")]
    pub(crate) ask: bool,
    #[prost(int64, tag = "5")]
    pub(crate) traded: i64,
    #[prost(int64, tag = "6")]
    pub(crate) sent: i64,
    #[prost(int64, tag = "7")]
    pub(crate) id: i64,
}

/// The same for Protobuf, exact.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TextMessage {
    #[prost(string, tag = "1")]
    pub(crate) market: String,
    #[prost(string, tag = "2")]
    pub(crate) price: String,
    #[prost(string, tag = "3")]
    pub(crate) volume: String,
    #[prost(bool, tag = "4")]
    pub(crate) ask: bool,
    #[prost(int64, tag = "5")]
    pub(crate) traded: i64,
    #[prost(int64, tag = "6")]
    pub(crate) sent: i64,
    #[prost(int64, tag = "7")]
    pub(crate) id: i64,
}

impl From<&Trade> for DoubleMessage {
    fn from(trade: &Trade) -> Self {
        let Double {
            market,
            price,
            volume,
            ask,
            traded,
            sent,
            id,
        } = trade.into();
        Self {
            market,
            price,
            volume,
            ask,
            traded,
            sent,
            id,
        }
    }
}

impl From<&Trade> for TextMessage {
    fn from(trade: &Trade) -> Self {
        let Text {
            market,
            price,
            volume,
            ask,
            traded,
            sent,
            id,
        } = trade.into();
        Self {
            market,
            price,
            volume,
            ask,
            traded,
            sent,
            id,
        }
    }
}

/// What Avro needs beside the value: its schema, parsed once.
pub(crate) trait Described {
    fn schema() -> &'static Schema;
}

impl Described for Double {
    fn schema() -> &'static Schema {
        static SCHEMA: LazyLock<Schema> = LazyLock::new(|| schema("\"double\""));
        &SCHEMA
    }
}

impl Described for Text {
    fn schema() -> &'static Schema {
        static SCHEMA: LazyLock<Schema> = LazyLock::new(|| schema("\"string\""));
        &SCHEMA
    }
}

fn schema(number: &str) -> Schema {
    let text = format!(
        r#"{{"type": "record", "name": "trade", "fields": [
            {{"name": "code", "type": "string"}},
            {{"name": "trade_price", "type": {number}}},
            {{"name": "trade_volume", "type": {number}}},
            {{"name": "is_ask", "type": "boolean"}},
            {{"name": "trade_timestamp", "type": "long"}},
            {{"name": "timestamp", "type": "long"}},
            {{"name": "sequential_id", "type": "long"}}]}}"#
    );
    Schema::parse_str(&text).expect("the schema stands above")
}

/// The first `count` trades of the seeded exchange. It runs for a moment, and its journal is read.
pub(crate) fn trades(count: usize) -> anyhow::Result<Vec<Trade>> {
    let folder = tempfile::tempdir().context("a folder for the exchange's journal")?;
    let source = Source::Generate {
        seed: 5,
        markets: MARKETS,
        rate: Rate::PerSecond(count.max(20_000) as f64),
    };
    one_thread()?.block_on(async {
        let exchange = Exchange::start(ExchangeConfig::new(source, folder.path())).await?;
        exchange.begin();
        let started = Instant::now();
        while exchange.counters().executed < count as u64 {
            ensure!(started.elapsed() < LIMIT, "the exchange did not execute {count} trades");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        exchange.finish().await;
        anyhow::Ok(())
    })?;
    let mut trades = Vec::with_capacity(count);
    for entry in exchange::journal::Reader::open(folder.path())?.take(count) {
        trades.push(entry?.trade);
    }
    ensure!(
        trades.len() == count,
        "the exchange's journal holds {} of {count} trades",
        trades.len()
    );
    Ok(trades)
}
