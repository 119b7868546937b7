//! Files: what stands at a path, and putting something else there so that an interruption leaves the one or the other.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::KeepError;

/// What stands at a path. A link is what it says, not what it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing, or nothing that could be kept: a folder, a socket.
    Absent,
    File {
        bytes: Vec<u8>,
        /// Whether its owner may run it: all that git knows of a mode.
        runs: bool,
    },
    Link(PathBuf),
}

/// The files of a folder below the root whose names end so, in the order of their names; none where there is no such folder.
pub(crate) fn named(root: &Path, folder: &str, end: &str) -> Vec<String> {
    let entries = fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
    let mut files: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(end))
        .map(|name| format!("{folder}/{name}"))
        .collect();
    files.sort();
    files
}

impl State {
    /// What stands at `path`, from the root. What is behind a link is not of this checkout.
    pub(crate) fn at(root: &Path, path: &Path) -> Result<Self, KeepError> {
        if has_foreign_parent(root, path) {
            return Ok(Self::Absent);
        }
        Self::of(&root.join(path))
    }

    /// What stands there.
    pub(crate) fn of(path: &Path) -> Result<Self, KeepError> {
        let failed = || KeepError::io("cannot read", path);
        let found = match fs::symlink_metadata(path) {
            Ok(found) => found,
            Err(error) if is_nothing(&error) => return Ok(Self::Absent),
            Err(error) => return Err(failed()(error)),
        };
        if found.is_symlink() {
            return fs::read_link(path).map(Self::Link).map_err(failed());
        }
        if !found.is_file() {
            return Ok(Self::Absent);
        }
        Ok(Self::File {
            bytes: fs::read(path).map_err(failed())?,
            runs: found.permissions().mode() & 0o100 != 0,
        })
    }

    pub(crate) fn is_there(&self) -> bool {
        *self != Self::Absent
    }
}

fn is_nothing(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Whether anything stands there, a link that leads nowhere included.
pub(crate) fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Whether cargo has made this folder: all in it can be built again.
fn is_built(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "target") && path.join("CACHEDIR.TAG").is_file()
}

/// Everything below a folder, by path from it, folders included; without cargo's `target` at its top. Links are not
/// followed.
pub(crate) fn walk(folder: &Path) -> Result<BTreeMap<PathBuf, fs::Metadata>, KeepError> {
    let mut found = BTreeMap::new();
    let mut left = vec![PathBuf::new()];
    while let Some(below) = left.pop() {
        let place = folder.join(&below);
        let failed = || KeepError::io("cannot read", &place);
        for entry in fs::read_dir(&place).map_err(failed())? {
            let entry = entry.map_err(failed())?;
            let path = below.join(entry.file_name());
            if below.as_os_str().is_empty() && is_built(&entry.path()) {
                continue;
            }
            let about = entry.metadata().map_err(failed())?;
            if about.is_dir() {
                left.push(path.clone());
            }
            found.insert(path, about);
        }
    }
    Ok(found)
}

/// Changes to be made to the checkout's files: all are written beside first, so that a full disk changes nothing.
#[derive(Debug)]
pub(crate) struct Staged<'a> {
    root: &'a Path,
    place: PathBuf,
    /// Where to, from where; `None` removes.
    changes: Vec<(PathBuf, Option<PathBuf>)>,
}

impl<'a> Staged<'a> {
    /// Begins; the checkout's lock is held.
    pub(crate) fn new(root: &'a Path) -> Result<Self, KeepError> {
        let place = super::place(root)?.join("staged");
        remove(&place)?;
        fs::create_dir(&place).map_err(KeepError::io("cannot make", &place))?;
        Ok(Self {
            root,
            place,
            changes: Vec::new(),
        })
    }

    /// At `path` (from the root) shall stand this. What stands there already is not touched, so that cargo need not build.
    /// Returns whether there is something to do.
    pub(crate) fn put(&mut self, path: &Path, state: &State) -> Result<bool, KeepError> {
        if State::at(self.root, path)? == *state {
            return Ok(false);
        }
        let staged = self.place.join(self.changes.len().to_string());
        let failed = || KeepError::io("cannot write", &staged);
        match state {
            State::Absent => {
                self.changes.push((path.to_path_buf(), None));
                return Ok(true);
            }
            State::Link(to) => symlink(to, &staged).map_err(failed())?,
            State::File { bytes, runs } => write_new(&staged, bytes, *runs).map_err(failed())?,
        }
        self.changes.push((path.to_path_buf(), Some(staged)));
        Ok(true)
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Makes the changes, one after the other; each is there or is not.
    pub(crate) fn apply(self) -> Result<(), KeepError> {
        // What is removed first may stand where a folder has to be.
        let (gone, come): (Vec<_>, Vec<_>) = self.changes.iter().partition(|(_, from)| from.is_none());
        for (path, _) in gone {
            remove(&self.root.join(path))?;
            remove_empty(self.root, path);
        }
        for (path, from) in come {
            if let Some(from) = from {
                make_parents(self.root, path)?;
                move_to(from, &self.root.join(path))?;
            }
        }
        Ok(())
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        // What is not applied is of no use, and a full disk wants its room back.
        let _ = remove(&self.place);
    }
}

fn write_new(path: &Path, bytes: &[u8], runs: bool) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    let mode = file.metadata()?.permissions().mode();
    // Where it may be read it may be run, as git does.
    let mode = if runs {
        mode | (mode & 0o444) >> 2
    } else {
        mode & !0o111
    };
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()
}

/// Whether a parent of the path, below the root, is no folder: a link that leads elsewhere, or a file.
pub(crate) fn has_foreign_parent(root: &Path, path: &Path) -> bool {
    let parents = path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty());
    parents
        .filter_map(|parent| fs::symlink_metadata(root.join(parent)).ok())
        .any(|about| !about.is_dir())
}

/// Makes the folders above a path, real ones: a link or a file in the way goes (a backup has it).
fn make_parents(root: &Path, path: &Path) -> Result<(), KeepError> {
    let mut parents: Vec<_> = path
        .ancestors()
        .skip(1)
        .filter(|parent| !parent.as_os_str().is_empty())
        .collect();
    parents.reverse();
    for parent in parents {
        let folder = root.join(parent);
        match fs::symlink_metadata(&folder) {
            Ok(about) if about.is_dir() => continue,
            Ok(_) => fs::remove_file(&folder).map_err(KeepError::io("cannot replace", &folder))?,
            Err(_) => {}
        }
        fs::create_dir(&folder).map_err(KeepError::io("cannot make", &folder))?;
    }
    Ok(())
}

fn move_to(from: &Path, to: &Path) -> Result<(), KeepError> {
    let failed = || KeepError::io("cannot write", to);
    if fs::symlink_metadata(to).is_ok_and(|about| about.is_dir()) {
        remove(to)?;
    }
    match fs::rename(from, to) {
        // The lab's folder is on a disk of its own.
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {}
        moved => return moved.map_err(failed()),
    }
    let mut beside = to.as_os_str().to_owned();
    beside.push(".lab-new");
    let beside = PathBuf::from(beside);
    match State::of(from)? {
        State::File { bytes, runs } => write_new(&beside, &bytes, runs).map_err(failed())?,
        State::Link(leads) => symlink(leads, &beside).map_err(failed())?,
        State::Absent => return Ok(()),
    }
    fs::rename(&beside, to).map_err(failed())
}

/// Removes a file, a link or a whole folder; nothing there is fine.
pub(crate) fn remove(path: &Path) -> Result<(), KeepError> {
    let gone = match fs::symlink_metadata(path) {
        Err(error) if is_nothing(&error) => Ok(()),
        Err(error) => Err(error),
        Ok(about) if about.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    gone.map_err(KeepError::io("cannot remove", path))
}

/// Removes the folders above a path that are empty now, up to the lab's.
fn remove_empty(root: &Path, path: &Path) {
    for parent in path.ancestors().skip(1) {
        // `labs/05-acks` itself stays.
        if parent.components().count() <= 2 || fs::remove_dir(root.join(parent)).is_err() {
            break;
        }
    }
}

/// Replaces a file of `.lab/` by one with these bytes; its folder is made. The checkout's lock is held: the name of the
/// half-written file is always the same, so that one left behind is written over.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), KeepError> {
    let failed = || KeepError::io("cannot write", path);
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed())?;
    let mut half = path.as_os_str().to_owned();
    half.push(".new");
    let written = File::create(&half).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&half, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&half);
    }
    written.map_err(failed())?;
    sync_folder(folder);
    Ok(())
}

/// Has the names in a folder written to the disk. Some file systems cannot; the files themselves are there already.
pub(crate) fn sync_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}
