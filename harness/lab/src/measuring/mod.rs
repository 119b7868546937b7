//! Experiments: what there is, what was expected, what was measured, and what that says of the guide's claims.
//!
//! [`known`] reads it all; [`digest`] says whether a record is still of the code that is there; [`claims`] reads `book/claims.toml`.

pub(crate) mod claims;
pub(crate) mod digest;
pub(crate) mod known;
pub(crate) mod number;

pub(crate) use known::Known;
