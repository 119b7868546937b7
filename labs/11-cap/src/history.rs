//! What clients did to a register, as an observer with one clock wrote it down.

use crate::Version;

/// What an operation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Wrote this value. No two writes of a history write the same one.
    Write(Version),
    /// Read this value; 0 is what the register holds before the first write.
    Read(Version),
}

/// One operation of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Whose.
    pub client: usize,
    /// What it did.
    pub action: Action,
    /// When it began.
    pub call: u64,
    /// When its answer came. `None`: none came, and it may take effect at any time after its call, or never.
    pub end: Option<u64>,
}

impl Operation {
    /// Whether it was over before `other` began.
    pub fn precedes(&self, other: &Self) -> bool {
        self.end.is_some_and(|end| end < other.call)
    }
}

/// How many reads returned something older than a write that was over before they began. For histories of one writer, whose values grow.
pub fn stale_reads(history: &[Operation]) -> usize {
    let stale = |read: &&Operation| {
        let Action::Read(found) = read.action else { return false };
        let newer = |write: &&Operation| matches!(write.action, Action::Write(value) if value > found);
        history.iter().filter(newer).any(|write| write.precedes(read))
    };
    history.iter().filter(stale).count()
}
