//! The servers a lab talks to, Kafka and ClickHouse, and how to hurt them.
//!
//! One handle, [`Stack`], over several [`Provider`]s. A test takes [`Stack::shared`] and names its topics and databases
//! with [`unique`]; a run takes [`Stack::start`] and ends it with [`Stack::stop`].

mod clickhouse;
mod client;
mod error;
mod kafka;
mod local;
pub mod provision;
mod ready;
mod rename;
mod server;
mod spec;
mod stack;

pub use clickhouse::ClickHouse;
pub use client::clickhouse_client;
pub use error::StackError;
pub use kafka::{Kafka, Placed};
pub use rename::RenameTrap;
pub use server::Server;
pub use spec::{Provider, Sizing, StackSpec, UnknownProvider};
pub use stack::{Stack, unique};
