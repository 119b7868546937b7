//! On a real ClickHouse: that it takes the statements, and reads what the plan and the key say.
#![allow(clippy::unwrap_used, missing_docs)]

mod batch;
mod evidence;
mod queries;
mod reader;
mod replacing;
mod rollup;
mod schema;
mod session;
mod support;
