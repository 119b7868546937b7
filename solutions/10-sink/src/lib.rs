//! The sink: blocks into ClickHouse so that every row is there once, through any crash, freeze or takeover.
//!
//! What it relies on, and nothing more:
//! 1. **A claim.** A worker that takes over a partition writes a higher generation into `owners` ([`Sink::claim`]), then
//!    kills and waits out every insert that was guarded by an older one.
//! 2. **A guard.** Every insert asks, on the server, after its whole body has arrived, whether its claims are still the
//!    newest; if not, it throws before a row is written ([`Sink::write`]).
//! 3. **A read-back.** An insert whose outcome is unknown is never repeated blindly: the sink fences it off by a new
//!    attempt of its own claim, asks the table which rows it holds, and inserts the missing ones.
//!
//! And one thing of its caller: before a block is written, its ranges stand in Kafka (a synchronous group commit with the
//! range in the offset's metadata). Without them a new owner would cut its blocks elsewhere than the dead one did, and
//! could not tell from the tables which rows of a half-written block are missing.
//!
//! Not on deduplication tokens: they lose and double rows. Not on `FINAL`: a plain `SELECT` is exact.

mod block;
mod check;
mod config;
mod encode;
mod error;
mod insert;
mod owners;
mod patience;
mod readback;
mod server;
mod sink;
mod write;

pub use block::{Block, Range, TradeRow};
pub use config::{Compression, Hook, Point, SinkConfig};
pub use error::SinkError;
pub use sink::{Claim, Claims, Sink};
pub use write::Written;
