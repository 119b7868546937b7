//! Experiments: what there is, what was expected, what was measured, and what that says of the guide's claims.
//!
//! [`known`] reads it all; [`quoted`] is what a sentence quotes of it; [`digest`] says whether a record is still of the code that is there; [`claims`] reads `book/claims/`;
//! [`build`] and [`run`] take the figures, [`criterion`] reads those of criterion, [`told`] says in a terminal what came of it.

pub(crate) mod build;
pub(crate) mod claims;
mod criterion;
pub(crate) mod digest;
pub(crate) mod known;
pub(crate) mod number;
pub(crate) mod quoted;
pub(crate) mod run;
pub(crate) mod told;

pub(crate) use known::Known;
