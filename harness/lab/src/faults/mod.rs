//! The faults of a run: a small registry by name, what each does, and how they are drawn at random.

mod draw;
mod schedule;
mod strike;

pub(crate) use draw::Draw;
pub use schedule::{Fault, Scheduled, in_order, list};
pub(crate) use strike::{Ctx, Turns, strike};
