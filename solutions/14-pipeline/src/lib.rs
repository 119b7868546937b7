//! The pipeline: every part composed, the program that runs one end of it, and the conformance checks.
//!
//! A trade's way: the exchange's socket → `feed` → `wire` → `placement` → `producer` → Kafka ([`ingest`]), then
//! `consumer` → `wire` → `windows` and `watermarks` → `sink` → ClickHouse ([`worker`]). The parts know only the words of
//! `market`; this crate is the one place where they meet. Those of which there is a lab can be the reader's: see `parts`.

pub mod cli;
pub mod conformance;
mod control;
mod dead;
mod fault;
pub mod ingest;
mod parts;
mod process;
mod tables;
pub mod worker;
