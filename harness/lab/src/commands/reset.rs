//! `reset`: a lab back to what the workbook ships, after a backup.

use std::process::ExitCode;

use crate::keep::reset;
use crate::labs::Lab;
use crate::labs::skeleton::Skeleton;
use crate::{cargo, note, out, text};

pub(crate) fn run(lab: &str, all: bool) -> anyhow::Result<ExitCode> {
    let root = cargo::root();
    // What the reference makes, if it can be read: the reader may have committed his own.
    let made = |folder: &str| {
        let lab = Lab::read(&root, folder).ok()?;
        let files = Skeleton::make(&lab).ok()?.files;
        Some(
            files
                .into_iter()
                .map(|(path, text)| (path, text.into_bytes()))
                .collect(),
        )
    };
    let done = reset::reset(&root, lab, all, &made, &mut |backup| {
        note(&format!("all that was there is in {}", backup.display()));
    })?;
    out(&said(&done));
    Ok(ExitCode::SUCCESS)
}

fn said(done: &reset::Reset) -> String {
    let folder = &done.folder;
    let number = folder.split('-').next().unwrap_or(folder);
    let mut said = if done.changed.is_empty() {
        format!("labs/{folder} is what the workbook ships: nothing was changed\n")
    } else {
        let files = text::plural(done.changed.len() as u64, "file", "files");
        format!("labs/{folder} is what the workbook ships again: {files} restored or removed\n")
    };
    if done.mine_stays {
        said += "tests/mine.rs is as you had it; with --all it goes too\n";
    }
    if done.forgotten > 0 {
        let tasks = text::plural(done.forgotten as u64, "task", "tasks");
        said += &format!("{tasks} that had passed: forgotten; hints seen and solutions shown are not\n");
    }
    if let Some(error) = &done.unforgotten {
        said += &format!("what had passed is not forgotten: {error}\n");
    }
    if let Some(backup) = &done.backup {
        // One that the backup has, if there is one: what was deleted before is in none.
        let inside = |path: &std::path::Path| {
            path.strip_prefix("labs")
                .ok()?
                .strip_prefix(folder)
                .ok()
                .map(|path| path.to_path_buf())
        };
        let root = cargo::root();
        let one = done.changed.iter().find_map(|path| {
            let below = inside(path)?;
            root.join(backup).join(&below).is_file().then_some((path, below))
        });
        said += &format!("backup: {}\n", backup.display());
        if let Some((path, below)) = one {
            let (from, to) = (quoted(&backup.join(below)), quoted(path));
            said += &format!("one file back: cp {from} {to}\n");
        }
    }
    said + &format!("Next: ./lab test {number}\n")
}

/// A path as a shell takes it.
fn quoted(path: &std::path::Path) -> String {
    let shown = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if shown.chars().all(plain) {
        shown
    } else {
        format!("'{}'", shown.replace('\'', "'\\''"))
    }
}
