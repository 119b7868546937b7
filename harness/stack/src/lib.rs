//! The servers a lab talks to, Kafka and ClickHouse, and how to hurt them.
//!
//! One handle, [`Stack`], over several [`Provider`]s. A test takes [`Stack::shared`], which is one for a whole test run where
//! a [`Host`] is open, and names its topics and databases with [`unique`]; one that hurts servers takes [`Stack::own`]. A run
//! takes [`Stack::start`] and ends it with [`Stack::stop`].

mod clickhouse;
mod client;
mod containers;
mod engine;
mod error;
mod external;
mod host;
mod kafka;
mod local;
mod log;
mod made;
mod ports;
pub mod provision;
mod ready;
mod rename;
mod rundir;
mod server;
mod settings;
mod spec;
mod stack;

pub use clickhouse::ClickHouse;
pub use client::clickhouse_client;
pub use engine::images::{Images, ensure_images};
pub use error::StackError;
pub use host::Host;
pub use kafka::{Kafka, Placed};
pub use local::replicas::Replicas;
pub use rename::RenameTrap;
pub use server::Server;
pub use spec::{Provider, Sizing, StackSpec, UnknownProvider};
pub use stack::{Ending, Stack, unique};

pub(crate) use settings::kafka::kafka_uuid;
