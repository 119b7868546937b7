//! Hints: three levels for a task, each nearer to the code, counted.

use std::fmt::Write as _;

use crate::keep::progress::{HINTS, Progress};
use crate::labs::Task;

use super::standing::Standing;
use super::style::{Style, paragraphs};

/// The task that a number means, or the one that is to be built now.
///
/// # Errors
/// No such task, or none is left.
pub(crate) fn task(standing: &Standing, number: Option<u8>) -> anyhow::Result<&Task> {
    let manifest = &standing.lab.manifest;
    let short = manifest.short();
    match number {
        Some(number) => manifest.task(number).ok_or_else(|| {
            anyhow::anyhow!(
                "lab {short} has tasks 1 to {}, and no {number}. Next: ./lab status {short}",
                manifest.tasks.len()
            )
        }),
        None => standing.next().ok_or_else(|| {
            anyhow::anyhow!("all tasks of lab {short} pass; ./lab hint {short} 1 shows a task's hints all the same")
        }),
    }
}

/// Shows the next level and counts it. `again` shows those seen so far, and on a task that passes all are shown; nothing is counted
/// then.
///
/// # Errors
/// The progress cannot be written.
pub(crate) fn hint(standing: &Standing, number: Option<u8>, again: bool, style: Style) -> anyhow::Result<String> {
    let task = task(standing, number)?;
    let manifest = &standing.lab.manifest;
    let (folder, short) = (manifest.folder(), manifest.short());
    let seen = standing.progress.task(task.number).hints.min(HINTS);
    let passed = standing.passed(task.number);
    let shown = match (passed, again) {
        (true, _) => HINTS,
        (false, true) => seen,
        (false, false) => (seen + 1).min(HINTS),
    };
    let mut out = format!("{} task {}: {}\n", style.bold(&folder), task.number, task.title);
    if shown == 0 {
        let _ = writeln!(
            out,
            "\nNo hint of this task was asked for yet. Next: ./lab hint {short} {}",
            task.number
        );
        return Ok(out);
    }
    // What was read is not printed again unasked.
    let from = if passed || again { 1 } else { shown };
    for level in from..=shown {
        let text = task.hints[usize::from(level - 1)].trim();
        let head = format!("hint {level}/{HINTS}");
        let head = if level == shown {
            style.bold(&head)
        } else {
            style.dim(&head)
        };
        let _ = write!(out, "\n{head}\n{}", paragraphs(text, "  "));
    }
    if !passed && shown > seen {
        Progress::change(&standing.lab.root, &folder, |progress| {
            // Another ./lab hint may have shown more meanwhile.
            let hints = &mut progress.task_mut(task.number).hints;
            *hints = (*hints).max(shown);
        })?;
    }
    let next = match (passed, shown < HINTS) {
        (true, _) => format!("./lab reveal {short} {}   how the reference does it", task.number),
        (false, true) => format!(
            "try it. When you are stuck again: ./lab hint {short} {} shows hint {} of {HINTS}",
            task.number,
            shown + 1
        ),
        (false, false) => format!(
            "./lab reveal {short} {} --give-up   shows the reference, and remembers that",
            task.number
        ),
    };
    let _ = write!(out, "\nNext: {next}\n");
    Ok(out)
}
