//! Tests of your own; neither `./lab update` nor `./lab generate` touches this file.
//!
//! `./lab test 05 -- mine::` runs them alone. `./lab test 05 --bonus` holds them against the mistake that the README tells of.
//!
//! What the lab's own tests share can be used here, too:
//! ```ignore
//! #[path = "../../../solutions/05-acks/tests/common/mod.rs"]
//! mod common;
//! ```
