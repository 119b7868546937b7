//! The labs: what each one's manifest says, how the reader's crate is made from the reference, how its tests are run.
//!
//! [`manifest`] reads a `lab.toml`, [`found`] finds the labs of the checkout; [`markers`], [`skeleton`] and [`generate`] write
//! `labs/NN-name` from `solutions/NN-name`; [`runner`] builds and runs tests, each in a process of its own.

pub(crate) mod check;
pub(crate) mod found;
pub(crate) mod generate;
pub(crate) mod manifest;
pub(crate) mod markers;
pub(crate) mod members;
mod readme;
pub(crate) mod runner;
pub(crate) mod skeleton;

pub(crate) use found::{Lab, Whose};
pub(crate) use manifest::{Layer, Task};
