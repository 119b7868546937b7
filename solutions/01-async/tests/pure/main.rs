//! What needs neither a socket nor a clock that runs. One program and not one per file: each is linked anew at every save.
#![allow(clippy::unwrap_used)]

mod backoff;
mod gaps;
mod history;
mod naive;
mod pulse;
mod settings;
mod subscription;
