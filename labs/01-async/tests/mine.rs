//! Tests of your own; neither `./lab update` nor `./lab generate` touches this file.
//!
//! `./lab test 01 -- mine::` runs them alone. `./lab test 01 --bonus` holds them against the mistake that the README tells of.
//!
//! What the lab's own tests share can be used here, too:
//! ```ignore
//! #[path = "../../../solutions/01-async/tests/common/mod.rs"]
//! mod common;
//! ```
