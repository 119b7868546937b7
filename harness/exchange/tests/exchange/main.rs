//! The exchange as a client meets it: real sockets, real files.

#![allow(clippy::unwrap_used)] // a test that cannot go on should say where

mod capture;
mod client;
mod faults;
mod journal;
mod limits;
mod pace;
mod protocol;
mod rest;
