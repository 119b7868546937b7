//! A backup of a lab: every file, byte for byte, under a dated name that no later one takes.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::files::State;
use super::{KeepError, Lock, files};

/// Copies all of `labs/FOLDER` but cargo's `target` to `.lab/backups/FOLDER-YYYY-MM-DD-HHMMSS[-n]` and returns that place, from
/// the root. It has that name only when it is complete, on the disk, and found to be equal in names, kinds, modes and
/// sizes. Without a folder there is nothing to back up.
///
/// # Errors
/// Something cannot be read or written, or was changed meanwhile; no backup is left then, and nothing else was changed.
pub fn make(_lock: &Lock, root: &Path, folder: &str) -> Result<Option<PathBuf>, KeepError> {
    let from = root.join("labs").join(folder);
    if !files::is_there(&from) {
        return Ok(None);
    }
    refuse_link(&from)?;
    let below = Path::new(super::PLACE).join("backups");
    let place = super::place(root)?.join("backups");
    fs::create_dir_all(&place).map_err(KeepError::io("cannot make", &place))?;
    // Under the lock there is one at a time: what is here was left by one that was interrupted.
    let half = place.join(".unfinished");
    files::remove(&half)?;
    if let Err(error) = copy(&from, &half) {
        let _ = files::remove(&half);
        return Err(error);
    }
    let moment = jiff::Zoned::now().strftime("%Y-%m-%d-%H%M%S").to_string();
    let name = (1..)
        .map(|n| match n {
            1 => format!("{folder}-{moment}"),
            n => format!("{folder}-{moment}-{n}"),
        })
        .find(|name| !files::is_there(&place.join(name)))
        .unwrap_or(moment);
    let to = place.join(&name);
    fs::rename(&half, &to).map_err(KeepError::io("cannot write", &to))?;
    files::sync_folder(&place);
    Ok(Some(below.join(name)))
}

/// A lab that is a link stands elsewhere: a backup of it would be a link, and what is put into it would be put elsewhere.
pub(crate) fn refuse_link(lab: &Path) -> Result<(), KeepError> {
    for place in [lab, lab.parent().unwrap_or(lab)] {
        if fs::symlink_metadata(place).is_ok_and(|about| !about.is_dir()) {
            return Err(KeepError::Refused(format!(
                "{} is no folder but a link or a file, and nothing was changed; put the folder itself there, then run \
                 this again",
                place.display()
            )));
        }
    }
    Ok(())
}

/// Whether the backup holds these files (from the root) as they stand now: an editor may have saved one since.
pub(crate) fn holds(root: &Path, folder: &str, backup: &Path, paths: &[PathBuf]) -> Result<(), KeepError> {
    for path in paths {
        let below = path.strip_prefix(super::shipped::lab(folder)).unwrap_or(path);
        if State::at(root, path)? != State::at(root, &backup.join(below))? {
            return Err(KeepError::Refused(format!(
                "{} was changed after it was copied to {}, and nothing else was changed; when your editor is still, run \
                 this again",
                path.display(),
                backup.display()
            )));
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), KeepError> {
    fs::create_dir(to).map_err(KeepError::io("cannot make", to))?;
    let found = files::walk(from)?;
    for (path, about) in &found {
        let (source, target) = (from.join(path), to.join(path));
        let failed = || KeepError::io("cannot write", &target);
        if about.is_dir() {
            fs::create_dir(&target).map_err(failed())?;
        } else if about.is_symlink() {
            let leads = fs::read_link(&source).map_err(KeepError::io("cannot read", &source))?;
            symlink(leads, &target).map_err(failed())?;
        } else if about.is_file() {
            File::open(&source).map_err(KeepError::io("cannot read", &source))?;
            // With its mode.
            fs::copy(&source, &target).map_err(failed())?;
            File::open(&target).and_then(|file| file.sync_all()).map_err(failed())?;
        }
        // Sockets and pipes hold nothing that could be kept.
    }
    // A folder's mode last: one that is read-only takes no files.
    for (path, about) in found.iter().rev().filter(|(_, about)| about.is_dir()) {
        let target = to.join(path);
        fs::set_permissions(&target, about.permissions()).map_err(KeepError::io("cannot write", &target))?;
        files::sync_folder(&target);
    }
    verify(from, to)
}

/// Whether the backup is what stands there now, and not what stood there when the copying began.
fn verify(from: &Path, to: &Path) -> Result<(), KeepError> {
    let listed = |place: &Path| -> Result<Vec<_>, KeepError> {
        let kept = files::walk(place)?.into_iter().filter(|(_, about)| {
            let kind = about.file_type();
            kind.is_dir() || kind.is_file() || kind.is_symlink()
        });
        Ok(kept
            .map(|(path, about)| {
                let size = if about.is_dir() { 0 } else { about.len() };
                let mode = if about.is_symlink() {
                    None
                } else {
                    Some(about.permissions())
                };
                (path, about.file_type(), size, mode)
            })
            .collect())
    };
    if listed(from)? == listed(to)? {
        return Ok(());
    }
    Err(KeepError::Refused(format!(
        "{} was changed while it was copied, and nothing else was changed; when your editor is still, run this again",
        from.display()
    )))
}
