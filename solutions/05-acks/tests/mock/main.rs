//! The producer and bare clients against a cluster in the process that fails on request. No server needed.

#[path = "../common/mod.rs"]
mod common;

mod naive;
mod queue;
mod reports;
mod settings;
mod transactions;
mod waiting;
