//! `cargo +nightly fuzz run frame`: any bytes into every decoder of the wire.
#![no_main]

#[path = "../invariants.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| invariants::check(bytes));
