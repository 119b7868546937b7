//! What a run has made in servers that it does not own, so that it can be removed when the run ends.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::host;

#[derive(Debug, Default)]
pub(crate) struct Made {
    lists: Mutex<(Vec<String>, Vec<String>)>,
    /// The socket of whoever removes it, if that is another process.
    host: Option<PathBuf>,
}

impl Made {
    /// Noted by the host that listens there.
    pub(crate) fn at_host(socket: &Path) -> Self {
        Self {
            host: Some(socket.to_path_buf()),
            ..Self::default()
        }
    }

    fn lists(&self) -> MutexGuard<'_, (Vec<String>, Vec<String>)> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn topic(&self, name: &str) {
        match &self.host {
            Some(socket) => host::note(socket, true, name),
            None => self.lists().0.push(name.to_owned()),
        }
    }

    pub(crate) fn database(&self, name: &str) {
        match &self.host {
            Some(socket) => host::note(socket, false, name),
            None => self.lists().1.push(name.to_owned()),
        }
    }

    /// Topics and databases; nobody else removes them now.
    pub(crate) fn take(&self) -> (Vec<String>, Vec<String>) {
        std::mem::take(&mut *self.lists())
    }
}
