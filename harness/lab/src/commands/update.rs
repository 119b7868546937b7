//! `update`: brings a newer workbook and keeps what the reader wrote.

use std::process::ExitCode;

use crate::keep::update::{self, Updated};
use crate::{cargo, note, out, text};

/// How many commits are shown.
const SHOWN: usize = 10;

/// Whether one was interrupted, and its end is still to come.
pub(super) fn is_half_way() -> bool {
    update::is_half_way(&cargo::root())
}

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let root = cargo::root();
    if update::is_half_way(&root) {
        note("an update was interrupted; it goes on now");
    }
    let done = update::update(&root, &mut |backup| {
        note(&format!("backed up: {}", backup.display()));
    })?;
    out(&said(&done));
    Ok(ExitCode::SUCCESS)
}

fn said(done: &Updated) -> String {
    if done.commits.is_empty() {
        return "there is no newer workbook: nothing was changed\n".into();
    }
    let mut said = format!(
        "{} brought:\n",
        text::plural(done.commits.len() as u64, "commit", "commits")
    );
    for commit in done.commits.iter().take(SHOWN) {
        // A commit's words are somebody's: no control characters to this terminal.
        said += &format!("  {}\n", commit.replace(char::is_control, " "));
    }
    if done.commits.len() > SHOWN {
        said += &format!("  and {} more\n", done.commits.len() - SHOWN);
    }
    if done.labs.is_empty() {
        said += "you had edited no lab\n";
    }
    for lab in &done.labs {
        said += &format!("labs/{}: {}\n", lab.folder, became(lab));
        for note in &lab.notes {
            said += &format!("  {note}\n");
        }
        for backup in std::iter::once(&lab.backup).chain(&lab.later) {
            if !backup.as_os_str().is_empty() {
                said += &format!("  backup: {}\n", backup.display());
            }
        }
        if !lab.later.is_empty() {
            said += "  what you wrote there while the update was interrupted is in the last of these only\n";
        }
    }
    for folder in &done.tests_changed {
        said += &format!("labs/{folder}: its tests are others now, so its tasks are to pass again\n");
    }
    for note in &done.notes {
        said += &format!("{note}\n");
    }
    let conflicts: Vec<_> = done.labs.iter().flat_map(|lab| &lab.conflicts).collect();
    let next = done.labs.iter().find(|lab| !lab.conflicts.is_empty());
    let next = next.or(done.labs.first()).map(|lab| lab.folder.as_str());
    let next = next.or(done.tests_changed.first().map(String::as_str));
    let number = next.map(|folder| folder.split('-').next().unwrap_or(folder));
    if !conflicts.is_empty() {
        said += "conflicts:\n";
        for conflict in &conflicts {
            said += &format!("  {conflict}\n");
        }
        let number = number.unwrap_or_default();
        said += &format!(
            "Between <<<<<<< and ||||||| is what you wrote, then up to ======= what the workbook had there before, then up to \
             >>>>>>> what it has now. Make of the three what is right, and remove the four marker lines. Then run ./lab test \
             {number}.\n"
        );
    }
    match number {
        Some(number) => said + &format!("Next: ./lab test {number}\n"),
        None => said + "Next: ./lab test\n",
    }
}

/// What became of a lab, in a line.
fn became(lab: &update::Edited) -> String {
    match (lab.conflicts.len() as u64, lab.merged as u64) {
        (0, 0) => "as you had it".into(),
        (0, merged) => format!(
            "{} with your changes and the workbook's",
            text::plural(merged, "file", "files")
        ),
        (conflicts, merged) => format!(
            "{} for you to settle, {} merged without",
            text::plural(conflicts, "conflict", "conflicts"),
            text::plural(merged, "file", "files")
        ),
    }
}
