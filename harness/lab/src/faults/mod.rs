//! The faults of a run: a small registry by name, and what each does.

mod schedule;
mod strike;

pub use schedule::{Fault, Scheduled, in_order, list};
pub(crate) use strike::{Ctx, strike};
