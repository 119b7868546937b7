//! What must not be lost: the reader's files and progress, and whatever puts the workbook's files beside them.
//!
//! All of it stands in `.lab/` of the checkout, as plain text and plain copies, so that a reader who does not trust this
//! program can read and copy it without.

pub mod backup;
mod error;
#[cfg(test)]
mod fake;
pub(crate) mod files;
pub(crate) mod git;
pub mod lock;
pub mod progress;
pub mod reset;
pub mod shipped;
pub mod update;

use std::path::{Path, PathBuf};

pub use error::KeepError;
pub use lock::Lock;
pub use progress::{Progress, Task, Verdict};

/// The folder of a checkout that holds locks, progress and backups.
pub(crate) const PLACE: &str = ".lab";

/// `.lab/` of the checkout, made if it is not there, and ignored by git even if the root's `.gitignore` does not say so.
///
/// # Errors
/// It cannot be made.
pub fn place(root: &Path) -> Result<PathBuf, KeepError> {
    let place = root.join(PLACE);
    if !place.is_dir() {
        std::fs::create_dir_all(&place).map_err(KeepError::io("cannot make", &place))?;
    }
    let ignored = std::fs::read_to_string(root.join(".gitignore")).unwrap_or_default();
    let known = ["/.lab/", "/.lab", ".lab/", ".lab"];
    let own = place.join(".gitignore");
    if !ignored.lines().any(|line| known.contains(&line.trim())) && !own.exists() {
        std::fs::write(&own, "*\n").map_err(KeepError::io("cannot write", &own))?;
    }
    Ok(place)
}
