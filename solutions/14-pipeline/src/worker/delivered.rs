//! What of a partition is in the tables, and what its committed range still stands for.

/// How far the rows of a partition are in the tables, beside the range that stands committed for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivered {
    /// Everything before this offset is in the tables; [`EARLIEST`](consumer::EARLIEST) when nothing was ever committed.
    pub(crate) acked: i64,
    /// The committed range ends here (inclusive), whoever prepared it; nothing when it is empty.
    prepared_to: Option<i64>,
}

impl Delivered {
    /// As a takeover finds it.
    pub(crate) fn taken_over(first: i64, prepared: Option<i64>) -> Self {
        Self {
            acked: first,
            prepared_to: prepared,
        }
    }

    /// A range up to `last` has been committed.
    pub(crate) fn prepare(&mut self, last: i64) {
        self.prepared_to = Some(last);
    }

    /// Everything up to `last` is in the tables.
    pub(crate) fn written(&mut self, last: i64) {
        self.acked = last + 1;
    }

    /// The offset at which the committed range may be emptied: only past its end. To empty it before says that none of its
    /// rows is in the tables, and a predecessor may have written them: the next owner would write them again.
    pub(crate) fn settled(&self) -> Option<i64> {
        (self.acked >= 0 && self.prepared_to.is_none_or(|last| self.acked > last)).then_some(self.acked)
    }
}
