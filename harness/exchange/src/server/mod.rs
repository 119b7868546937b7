//! The exchange on the wire: one listener, REST and WebSocket, plain or TLS.

mod accept;
mod answer;
mod bad;
mod candles;
mod connection;
mod framer;
mod handshake;
mod limits;
mod refusal;
mod rest;
mod subscription;
mod ticks;
mod transport;
mod websocket;
mod writer;

pub(crate) use accept::accept;
pub(crate) use framer::{Face, Framer};
pub(crate) use subscription::Subscription;
pub(crate) use transport::Identity;

/// The format without a list around it.
pub(crate) fn simple_or_not(simple: bool) -> subscription::Format {
    subscription::Format { simple, list: false }
}
