//! Writing the labs: only what differs, and nothing over somebody's work.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::found::Lab;
use super::skeleton::{MINE, Skeleton};
use crate::keep::files;
use crate::keep::git::Git;

/// What came of one lab.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) changed: Vec<PathBuf>,
    pub(crate) removed: Vec<PathBuf>,
}

/// Writes a lab into `to`, its folder in the checkout or in a copy of it.
///
/// # Errors
/// As [`Skeleton::make`]; the disk.
pub(crate) fn write(skeleton: &Skeleton, to: &Path) -> anyhow::Result<Written> {
    let mut written = Written::default();
    for (path, text) in &skeleton.files {
        let place = to.join(path);
        if path == Path::new(MINE) && place.exists() {
            continue;
        }
        if std::fs::read(&place).is_ok_and(|bytes| bytes == text.as_bytes()) {
            continue;
        }
        if let Some(folder) = place.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        std::fs::write(&place, text).with_context(|| format!("writing {}", place.display()))?;
        written.changed.push(path.clone());
    }
    for path in super::skeleton::sources(to)? {
        // Only sources: whatever else lies there was never generated.
        if path.extension().is_some_and(|kind| kind == "rs") && !skeleton.files.contains_key(&path) {
            std::fs::remove_file(to.join(&path))?;
            written.removed.push(path);
        }
    }
    Ok(written)
}

/// Files of a lab that are neither as committed nor as last generated: somebody's work.
///
/// # Errors
/// git cannot be asked.
pub(crate) fn somebodys(lab: &Lab, skeleton: &Skeleton) -> anyhow::Result<Vec<PathBuf>> {
    let folder = Path::new("labs").join(lab.manifest.folder());
    if !lab.root.join(&folder).exists() {
        return Ok(Vec::new());
    }
    let shown = folder.display().to_string();
    let asked = [
        "status",
        "--porcelain",
        "-z",
        "--untracked-files=all",
        "--no-renames",
        "--",
        &shown,
    ];
    let said = Git::open(&lab.root)?.ask(&asked)?;
    let marks = marks(lab);
    let last = std::fs::read_to_string(&marks).unwrap_or_default();
    let mut theirs = Vec::new();
    for entry in said.stdout.split(|byte| *byte == 0).filter(|entry| entry.len() > 3) {
        let path = PathBuf::from(std::ffi::OsStr::from_bytes(&entry[3..]));
        let below = path.strip_prefix(&folder).unwrap_or(&path).to_path_buf();
        if below == Path::new(MINE) {
            continue;
        }
        let bytes = match std::fs::read(lab.root.join(&path)) {
            Ok(bytes) => bytes,
            // Deleted: nothing of it can be lost.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        let as_generated = skeleton.files.get(&below).is_some_and(|text| text.as_bytes() == bytes);
        if !as_generated && !last.lines().any(|line| line == mark(&below, &bytes)) {
            theirs.push(path);
        }
    }
    Ok(theirs)
}

/// Remembers what was generated, so that the next time it is not taken for somebody's work before it is committed.
///
/// # Errors
/// The disk.
pub(crate) fn remember(lab: &Lab, skeleton: &Skeleton) -> anyhow::Result<()> {
    let marks = marks(lab);
    let lines: Vec<String> = skeleton
        .files
        .iter()
        .map(|(path, text)| mark(path, text.as_bytes()))
        .collect();
    if let Some(folder) = marks.parent() {
        std::fs::create_dir_all(folder)?;
    }
    Ok(files::replace(&marks, lines.join("\n").as_bytes())?)
}

fn marks(lab: &Lab) -> PathBuf {
    lab.root.join(".lab/generated").join(lab.manifest.folder())
}

fn mark(path: &Path, bytes: &[u8]) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("{:016x} {}", hasher.finish(), path.display())
}
