//! The producer: acknowledged, idempotent, batched, and bounded with backpressure to its caller.
//!
//! [`Producer`] is what the ingest holds: records go in with an explicit partition, in order, and when the queue is full the
//! caller waits; nothing is dropped to make room. [`Transactional`] writes records that become visible all at once or never.

mod config;
mod delivery;
mod error;
mod link;
mod producer;
mod tail;
mod transactional;
mod watch;

pub use config::{Acks, Compression, ProducerConfig};
pub use delivery::{Failure, Stats};
pub use error::{ConfigError, FlushError, MetadataError, SendError, TransactionError, TrySendError};
pub use link::Headers;
pub use producer::Producer;
pub use transactional::{Offset, Transactional};
