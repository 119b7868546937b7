//! The wire: an exchange frame into a [`Trade`](market::Trade) without needless allocation, and a trade into a record.
//!
//! Two formats come in (DEFAULT and SIMPLE frames, and REST pages), two go into the topic and out again (JSON and
//! Protobuf, see [`market::record`]). No number passes through an `f64` anywhere.

mod escape;
mod frame;
mod interpret;
mod members;
mod protobuf;
mod record;
mod scan;

pub use frame::FrameDecoder;
pub use record::{decode, encode};
