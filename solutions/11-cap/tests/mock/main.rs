//! Errors as a real client reports them, from a cluster in the process that fails on request. No server needed.

mod client;
mod doubts;
mod naive;
