//! Keys, statements, plans, evidence, limits and blocks: all that needs no server.
#![allow(missing_docs)]

mod batch;
mod evidence;
mod key;
mod limits;
mod naive;
mod plan;
mod reader;
mod replacing;
mod rollup;
mod shape;
mod table;
