//! What a run has made in servers that it does not own, so that it can be removed when the run ends.

use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
pub(crate) struct Made(Mutex<(Vec<String>, Vec<String>)>);

impl Made {
    fn lists(&self) -> MutexGuard<'_, (Vec<String>, Vec<String>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn topic(&self, name: &str) {
        self.lists().0.push(name.to_owned());
    }

    pub(crate) fn database(&self, name: &str) {
        self.lists().1.push(name.to_owned());
    }

    /// Topics and databases; nobody else removes them now.
    pub(crate) fn take(&self) -> (Vec<String>, Vec<String>) {
        std::mem::take(&mut *self.lists())
    }
}
