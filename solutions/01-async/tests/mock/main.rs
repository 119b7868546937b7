//! A feed against an exchange on this machine's loopback. One program and not one per file: each is linked anew at every save.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod connect;
mod handover;
mod liveness;
mod reconnect;
mod repair;
mod scripted;
mod shutdown;
