//! What an interview asks before it comes to streams: how the cost of an operation grows, and what a record is as bytes.

pub(crate) mod evolution;
pub(crate) mod formats;
pub(crate) mod lookup;
pub(crate) mod numbers;
mod records;
pub(crate) mod steps;
