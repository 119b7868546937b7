//! The tables: schemas, order keys, views, and the queries that a dashboard asks.
//!
//! [`schema()`] is what the pipeline runs on: plain MergeTree tables that only the sink writes, in the order that [`order_key`] finds for
//! the queries. Rollups, replacing tables and readers build what the chapter compares with it; nothing there feeds a table that the
//! auditor reads. [`Plan`] and [`Evidence`] say what a query read, by the server's own word.

mod batch;
mod error;
mod evidence;
mod key;
mod name;
mod plan;
mod queries;
mod reader;
mod replacing;
mod rollup;
mod schema;
mod session;
mod table;

pub use batch::{Batcher, Bounds, Cut, too_many_parts};
pub use error::OlapError;
pub use evidence::{Entry, Evidence};
pub use key::{Access, COLUMNS, Distinct, order_key, same, share_read};
pub use plan::{IndexUse, Plan, TableRead};
pub use queries::{Counts, Freshness, MarketActivity, Queries};
pub use reader::{Reader, kafka_reader};
pub use replacing::{Newest, newest, replacing, replacing_candles};
pub use rollup::{Fold, Measure, Rollup, trades_per_minute};
pub use schema::{CANDLES_ACCESSES, DISTINCT, TRADES_ACCESSES, candles, create, schema, trades};
pub use session::Limits;
pub use table::{Engine, Keep, Partition, Projection, SkipIndex, Stored, Table};
