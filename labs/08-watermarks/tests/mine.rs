//! Tests of your own; neither `./lab update` nor `./lab generate` touches this file.
//!
//! `./lab test 08 -- mine::` runs them alone. `./lab test 08 --bonus` holds them against the mistake that the README tells of.
//!
//! What the lab's own tests share can be used here, too:
//! ```ignore
//! #[path = "../../../solutions/08-watermarks/tests/common/mod.rs"]
//! mod common;
//! ```
