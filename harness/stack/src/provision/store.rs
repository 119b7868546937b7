//! Folders that are either whole or not there: filled aside, summed, flushed, and moved into place in one step.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::versions::Artifact;
use crate::error::StackError;

/// The file that makes a folder a whole one. It is written last, before the folder moves into place.
pub(crate) const MANIFEST: &str = "whole.toml";

/// What a whole folder holds.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// What it was made from; a folder with another key is made anew.
    key: String,
    files: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
struct Entry {
    path: String,
    size: u64,
    sha256: String,
}

/// What is there at a folder's place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Every file has its size.
    Whole,
    /// Nothing usable; why, for a person.
    Not(String),
}

/// Compares names and sizes only, never contents: this runs at every start, and reading a gigabyte takes seconds.
pub(crate) fn quick_check(folder: &Path, key: &str) -> Condition {
    let text = match fs::read_to_string(folder.join(MANIFEST)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Condition::Not("not fetched yet".into()),
        Err(error) => return Condition::Not(format!("its {MANIFEST} cannot be read: {error}")),
    };
    let manifest: Manifest = match toml::from_str(&text) {
        Ok(manifest) => manifest,
        Err(_) => return Condition::Not(format!("its {MANIFEST} is damaged")),
    };
    if manifest.key != key {
        return Condition::Not("of another version".into());
    }
    for entry in &manifest.files {
        match fs::metadata(folder.join(&entry.path)) {
            Ok(found) if found.len() == entry.size => {}
            Ok(found) => return Condition::Not(format!("{} has {} of {} bytes", entry.path, found.len(), entry.size)),
            Err(_) => return Condition::Not(format!("{} is missing", entry.path)),
        }
    }
    Condition::Whole
}

/// Reads every file and compares its sum. Seconds for the engine.
pub(crate) fn deep_check(folder: &Path, key: &str) -> Result<Condition, StackError> {
    let quick = quick_check(folder, key);
    if quick != Condition::Whole {
        return Ok(quick);
    }
    let path = folder.join(MANIFEST);
    let text = fs::read_to_string(&path).map_err(StackError::io("reading", &path))?;
    let manifest: Manifest = toml::from_str(&text).map_err(|error| StackError::prepare("reading a manifest", error))?;
    for entry in &manifest.files {
        let path = folder.join(&entry.path);
        if sum(&path)?.1 != entry.sha256 {
            return Ok(Condition::Not(format!("the contents of {} have changed", entry.path)));
        }
    }
    Ok(Condition::Whole)
}

/// Checks one fetched file against the versions file. A wrong one is put aside under `rejected`, because the next
/// question is always what it was.
pub(crate) fn accept(file: &Path, expected: &Artifact, rejected: &Path) -> Result<(), StackError> {
    let found = match fs::metadata(file) {
        Ok(metadata) if metadata.len() != expected.size => format!("{} bytes", metadata.len()),
        Ok(_) => {
            let (_, sha256) = sum(file)?;
            if sha256 == expected.sha256 {
                return Ok(());
            }
            format!("sha256 {sha256}")
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => "no such file".into(),
        Err(error) => return Err(StackError::io("reading", file)(error)),
    };
    let kept = rejected.join(&expected.name);
    fs::create_dir_all(rejected).map_err(StackError::io("creating", rejected))?;
    if file.exists() {
        fs::rename(file, &kept).map_err(StackError::io("putting aside", file))?;
    }
    let expected_text = format!("{} bytes, sha256 {}", expected.size, expected.sha256);
    Err(StackError::Checksum {
        what: expected.name.clone(),
        expected: expected_text,
        found,
        kept,
    })
}

/// Size and sha256 of a file.
pub(crate) fn sum(file: &Path) -> Result<(u64, String), StackError> {
    let mut input = File::open(file).map_err(StackError::io("reading", file))?;
    let mut summing = Summing::new(io::sink());
    let mut buffer = vec![0; 1 << 20];
    loop {
        match input.read(&mut buffer).map_err(StackError::io("reading", file))? {
            0 => break,
            n => summing
                .write_all(&buffer[..n])
                .map_err(StackError::io("reading", file))?,
        }
    }
    Ok(summing.done())
}

/// Sums what passes through.
pub(crate) struct Summing<W> {
    inner: W,
    hash: Sha256,
    size: u64,
}

impl<W: Write> Summing<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            size: 0,
        }
    }

    pub(crate) fn done(self) -> (u64, String) {
        (self.size, hex(&self.hash.finalize()))
    }
}

impl<W: Write> Write for Summing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// A short name for whatever `parts` say.
pub(crate) fn key_of<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex(&hash.finalize()[..8])
}

/// Makes the filled folder `staged` the one at `target`: manifest, flush, rename. `sums` holds the sums already known,
/// so that nothing large is read twice.
pub(crate) fn install(
    staged: &Path,
    target: &Path,
    key: &str,
    sums: &[(String, u64, String)],
) -> Result<(), StackError> {
    let mut files = Vec::new();
    for path in walk(staged).map_err(StackError::io("reading", staged))? {
        let name = relative(staged, &path);
        let (size, sha256) = match sums.iter().find(|(known, ..)| *known == name) {
            Some((_, size, sha256)) => (*size, sha256.clone()),
            None => sum(&path)?,
        };
        files.push(Entry {
            path: name,
            size,
            sha256,
        });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let manifest = toml::to_string(&Manifest {
        key: key.to_owned(),
        files,
    })
    .map_err(|error| StackError::prepare("writing a manifest", error))?;
    let path = staged.join(MANIFEST);
    fs::write(&path, manifest).map_err(StackError::io("writing", &path))?;
    flush(staged).map_err(StackError::io("flushing", staged))?;

    // A folder cannot be renamed onto a full one. Nobody else looks: the caller holds the lock.
    if target.exists() {
        fs::remove_dir_all(target).map_err(StackError::io("removing", target))?;
    }
    fs::rename(staged, target).map_err(StackError::io("moving into place", target))?;
    let parent = target.parent().unwrap_or(Path::new("/"));
    File::open(parent)
        .and_then(|folder| folder.sync_all())
        .map_err(StackError::io("flushing", parent))
}

fn relative(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let names: Vec<_> = below
        .components()
        .map(Component::as_os_str)
        .map(|name| name.to_string_lossy())
        .collect();
    names.join("/")
}

/// Every file below `folder`.
pub(crate) fn walk(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files.extend(walk(&entry.path())?);
        } else {
            files.push(entry.path());
        }
    }
    Ok(files)
}

fn flush(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            flush(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(name: &str, contents: &[u8]) -> Artifact {
        let sha256 = hex(&Sha256::digest(contents));
        Artifact {
            name: name.into(),
            size: contents.len() as u64,
            sha256,
        }
    }

    #[test]
    fn a_truncated_download_is_refused_and_put_aside() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let file = home.path().join("a.jar");
        fs::write(&file, b"half of i").expect("writing");
        let error = accept(&file, &artifact("a.jar", b"half of it"), &home.path().join("rejected"));
        let Err(StackError::Checksum { kept, found, .. }) = error else {
            panic!("store::accept said {error:?}")
        };
        assert_eq!(found, "9 bytes");
        assert!(
            kept.exists() && !file.exists(),
            "the wrong file must be moved to {}",
            kept.display()
        );
    }

    #[test]
    fn a_download_of_the_right_size_with_other_bytes_is_refused() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let file = home.path().join("a.jar");
        fs::write(&file, b"HALF OF IT").expect("writing");
        let error = accept(&file, &artifact("a.jar", b"half of it"), &home.path().join("rejected"));
        assert!(
            matches!(error, Err(StackError::Checksum { .. })),
            "store::accept said {error:?}"
        );
    }

    #[test]
    fn a_missing_file_is_refused() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let error = accept(
            &home.path().join("a.jar"),
            &artifact("a.jar", b"x"),
            &home.path().join("rejected"),
        );
        assert!(
            matches!(error, Err(StackError::Checksum { .. })),
            "store::accept said {error:?}"
        );
    }

    #[test]
    fn a_folder_is_whole_only_after_it_was_installed_and_while_its_files_have_their_sizes() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let (staged, target) = (home.path().join("staged"), home.path().join("kafka"));
        fs::create_dir_all(staged.join("libs")).expect("creating");
        fs::write(staged.join("libs/a.jar"), b"contents").expect("writing");
        assert_ne!(
            quick_check(&staged, "k"),
            Condition::Whole,
            "no manifest yet: interrupted before the end"
        );
        install(&staged, &target, "k", &[]).expect("installing");
        assert_eq!(quick_check(&target, "k"), Condition::Whole);
        assert_eq!(deep_check(&target, "k").expect("reading"), Condition::Whole);
        assert_ne!(quick_check(&target, "another version"), Condition::Whole);

        fs::write(target.join("libs/a.jar"), b"CONTENTS").expect("writing");
        assert_eq!(
            quick_check(&target, "k"),
            Condition::Whole,
            "the quick check reads no contents"
        );
        assert_ne!(
            deep_check(&target, "k").expect("reading"),
            Condition::Whole,
            "the deep check must"
        );
        fs::write(target.join("libs/a.jar"), b"cont").expect("writing");
        assert_ne!(quick_check(&target, "k"), Condition::Whole, "a truncated file");
        fs::remove_file(target.join("libs/a.jar")).expect("removing");
        assert_ne!(quick_check(&target, "k"), Condition::Whole, "a missing file");
    }

    #[test]
    fn installing_replaces_what_was_there() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let target = home.path().join("kafka");
        for version in ["1", "2"] {
            let staged = home.path().join("staged");
            fs::create_dir_all(&staged).expect("creating");
            fs::write(staged.join(version), version).expect("writing");
            install(&staged, &target, version, &[]).expect("installing");
        }
        assert_eq!(quick_check(&target, "2"), Condition::Whole);
        assert!(
            !target.join("1").exists(),
            "a file of the version before is still there"
        );
    }
}
