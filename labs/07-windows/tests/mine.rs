//! Tests of your own; neither `./lab update` nor `./lab generate` touches this file.
//!
//! `./lab test 07 -- mine::` runs them alone. `./lab test 07 --bonus` holds them against the mistake that the README tells of.
