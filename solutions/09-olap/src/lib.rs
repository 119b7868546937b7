//! The tables: schemas, order keys, views, and the queries that a dashboard asks.
//!
//! [`schema()`] is what the pipeline runs on: plain MergeTree tables that only the sink writes. The rollups and the readers
//! build what the chapter compares with it; nothing there feeds a table that the auditor reads.

mod error;
mod queries;
mod reader;
mod rollup;
mod schema;

pub use error::OlapError;
pub use queries::{Counts, Freshness, MarketActivity, Queries};
pub use reader::{Reader, kafka_reader};
pub use rollup::{replacing_candles, trades_per_minute};
pub use schema::{create, schema};
