//! Whether a history of a register is linearizable, and if not, the few operations that show it.
//!
//! Linearizable (Herlihy and Wing 1990): every operation seems to happen at one moment between its call and its answer. The search is that
//! of Wing and Gong (1993): of those operations that may come next, try each. Lowe (2017) added the memory that makes it bearable: the same set of
//! operations with the same value has been tried before, in whatever order it came about. The problem is NP-complete (Gibbons and Korach 1997); histories of few
//! clients are not.

use std::collections::HashSet;
use std::fmt;

use crate::{Action, Operation, Version};

/// What kind of anomaly a counterexample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anomaly {
    /// A read returned what nobody had begun to write by then.
    FromNowhere,
    /// A read returned something older than a write that was over before.
    Stale,
    /// A read returned something older than an earlier read.
    Inversion,
    /// Another one.
    Other,
}

/// Operations of a history that have no order which explains them; none of them can be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterexample {
    /// By their calls.
    pub operations: Vec<Operation>,
}

/// Checks a history of a register that holds 0 at first. No two writes may write the same value, and none 0; times are those of one clock, and an
/// operation that begins when another ends may have been at the same time.
///
/// # Errors
/// A [`Counterexample`], as small as leaving out makes it.
pub fn check(history: &[Operation]) -> Result<(), Counterexample> {
    let sorted = of_interest(history);
    match linearizable(&sorted) {
        true => Ok(()),
        false => Err(Counterexample {
            operations: shrink(sorted),
        }),
    }
}

/// By their calls, without the writes of unknown outcome that nobody read: they may as well never have happened. Each of them would double
/// the number of sets that the search visits.
fn of_interest(history: &[Operation]) -> Vec<Operation> {
    let read: HashSet<Version> = history.iter().filter_map(value_read).collect();
    let wanted = |operation: &&Operation| match operation.action {
        Action::Write(value) => operation.end.is_some() || read.contains(&value),
        Action::Read(_) => operation.end.is_some(),
    };
    let mut sorted: Vec<Operation> = history.iter().filter(wanted).copied().collect();
    sorted.sort_by_key(|operation| operation.call);
    sorted
}

fn value_read(operation: &Operation) -> Option<Version> {
    match operation.action {
        Action::Read(value) => Some(value),
        Action::Write(_) => None,
    }
}

/// A set of operations, a bit for each.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Set(Box<[u64]>);

impl Set {
    fn empty(operations: usize) -> Self {
        Self(vec![0; operations.div_ceil(64)].into())
    }

    fn has(&self, at: usize) -> bool {
        self.0[at / 64] & (1 << (at % 64)) != 0
    }

    fn with(&self, at: usize) -> Self {
        let mut more = self.clone();
        more.0[at / 64] |= 1 << (at % 64);
        more
    }
}

/// Whether there is an order. The operations come sorted by their calls.
///
/// A state of the search is the set of operations that have happened, and the value that the register then holds: at first nothing, and 0. In a state, those
/// operations may be next that have not happened and whose call is not after the end of any other one that has not happened. A write always may, and changes the value; a
/// read only if the value is its own. A state that was seen before is not tried again. There is an order when a state is reached in which all operations that have
/// an end have happened; those without one need not.
fn linearizable(sorted: &[Operation]) -> bool {
    todo!("task 7: search for an order, and remember what was tried")
}

/// The history without what can be left out, one operation at a time, until nothing can: what is left is still not linearizable. A write goes only
/// together with the reads of its value: they alone would be from nowhere, and the counterexample another one.
fn shrink(mut sorted: Vec<Operation>) -> Vec<Operation> {
    todo!("task 7: leave out what is not needed for the contradiction")
}

impl Counterexample {
    /// What it shows.
    pub fn anomaly(&self) -> Anomaly {
        let all = &self.operations;
        let reads = || all.iter().filter(|operation| value_read(operation).is_some());
        let write_of = |read: &Operation| {
            let value = value_read(read).unwrap_or(0);
            all.iter().find(|write| write.action == Action::Write(value))
        };
        let from_nowhere = |read: &&Operation| match write_of(read) {
            Some(write) => read.precedes(write),
            None => value_read(read) != Some(0),
        };
        // Older: its write was over before the newer one's began, or it is what was there at first.
        let older = |read: &Operation, newer: &Operation| match write_of(read) {
            Some(write) => write != newer && write.precedes(newer),
            None => true,
        };
        let stale = |read: &&Operation| {
            let mut writes = all.iter().filter(|write| matches!(write.action, Action::Write(_)));
            writes.any(|write| write.precedes(read) && older(read, write))
        };
        let inverted = |read: &&Operation| {
            let mut earlier = reads().filter(|earlier| earlier.precedes(read));
            earlier.any(|earlier| write_of(earlier).is_some_and(|newer| older(read, newer)))
        };
        if reads().any(|read| from_nowhere(&read)) {
            Anomaly::FromNowhere
        } else if reads().any(|read| stale(&read)) {
            Anomaly::Stale
        } else if reads().any(|read| inverted(&read)) {
            Anomaly::Inversion
        } else {
            Anomaly::Other
        }
    }
}

impl fmt::Display for Counterexample {
    /// An operation in a line: `client 2 read 1, 15 to 18`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.anomaly() {
            Anomaly::FromNowhere => "a read of what nobody wrote",
            Anomaly::Stale => "a read older than a finished write",
            Anomaly::Inversion => "a read older than an earlier read",
            Anomaly::Other => "no order explains these",
        };
        write!(f, "{what}:")?;
        for Operation {
            client,
            action,
            call,
            end,
        } in &self.operations
        {
            match action {
                Action::Write(value) => write!(f, "\nclient {client} wrote {value}, {call} to ")?,
                Action::Read(value) => write!(f, "\nclient {client} read {value}, {call} to ")?,
            }
            match end {
                Some(end) => write!(f, "{end}")?,
                None => write!(f, "no answer")?,
            }
        }
        Ok(())
    }
}
