//! Tests of your own; neither `./lab update` nor `./lab generate` touches this file.
//!
//! `./lab test 11 -- mine::` runs them alone. `./lab test 11 --bonus` holds them against the mistake that the README tells of.
