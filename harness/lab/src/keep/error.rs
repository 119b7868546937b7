//! Why something could not be kept, as a sentence that says what to do next.

use std::io;
use std::path::{Path, PathBuf};

/// Why something could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The system refused; `StorageFull` and `PermissionDenied` come with their cure.
    #[error("{doing} {}: {said}{}", path.display(), cure(said))]
    Io {
        /// What was tried, such as `cannot write`.
        doing: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said. Not as the error's source: its words stand in the sentence.
        said: io::Error,
    },
    /// Somebody else has held the checkout's lock for as long as one waits.
    #[error("another ./lab{who} is at work in {}; when it has ended, run this again", root.display())]
    Busy {
        /// ` (process 123)`, or nothing where the file does not say.
        who: String,
        /// The checkout.
        root: PathBuf,
    },
    /// A file of progress that cannot be read. It is left as it is.
    #[error(
        "{}, line {line}: {what}; it is left as it is: correct that line, or move the file away to begin this lab's \
         progress anew",
        path.display()
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// Something of the reader's is in the way; the sentence says what, and what to do.
    #[error("{0}")]
    Refused(String),
}

impl KeepError {
    /// Makes an error of what the system said.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |said| Self::Io { doing, path, said }
    }
}

fn cure(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; make room on that disk, then run this again",
        io::ErrorKind::PermissionDenied => "; look at who owns it: ls -ld",
        _ => "",
    }
}
