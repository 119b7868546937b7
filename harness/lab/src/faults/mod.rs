//! The faults of a run: a small registry by name, and what each does.

mod schedule;

pub use schedule::{Fault, Scheduled, in_order, list};
