//! The pipeline: every part composed, the program that runs one end of it, and the conformance checks.
//!
//! A trade's way: the exchange's socket → `feed` → `wire` → `placement` → `producer` → Kafka ([`ingest`]), then
//! `consumer` → `wire` → `windows` and `watermarks` → `sink` → ClickHouse ([`worker`]). The parts know only the words of
//! `market`; this crate is the one place where they meet.

pub mod cli;
pub mod conformance;
mod control;
mod dead;
mod fault;
pub mod ingest;
mod process;
mod tables;
pub mod worker;
