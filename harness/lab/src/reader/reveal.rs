//! The reference's way of doing a task: after its tests pass, or for who gives up.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};

use crate::keep::progress::{Progress, today};

use super::hints;
use super::standing::Standing;
use super::style::Style;

/// # Errors
/// Its tests do not pass and nobody gives up; the reference cannot be read.
pub(crate) fn reveal(standing: &Standing, number: u8, give_up: bool, style: Style) -> anyhow::Result<String> {
    let task = hints::task(standing, Some(number))?;
    let manifest = &standing.lab.manifest;
    let (folder, short) = (manifest.folder(), manifest.short());
    let (passed, before) = (standing.passed(number), standing.progress.task(number));
    if !passed && !give_up && before.revealed.is_none() {
        bail!(
            "task {number} of {folder} does not pass yet. Next: ./lab test {short}, or ./lab hint {short} {number}; \
             ./lab reveal {short} {number} --give-up shows it all the same, and remembers that"
        );
    }
    let functions = functions(standing, number)?;
    let mut out = format!(
        "{} task {number}: {}, as the reference does it\n",
        style.bold(&folder),
        task.title
    );
    for (path, line, text) in &functions {
        let _ = write!(
            out,
            "\n{}\n{text}\n",
            style.dim(&format!("solutions/{folder}/{}:{line}", path.display()))
        );
    }
    Progress::change(&standing.lab.root, &folder, |progress| {
        let task = progress.task_mut(number);
        task.revealed.get_or_insert_with(today);
        task.gave_up |= !passed && before.revealed.is_none();
    })?;
    let next = match passed {
        true if standing.next().is_some() => format!("./lab next {short}"),
        true => format!("git diff --no-index labs/{folder}/src solutions/{folder}/src   shows both side by side"),
        false => format!("write it in your own words, then ./lab test {short}"),
    };
    let _ = write!(out, "\nNext: {next}\n");
    Ok(out)
}

/// The functions with the task's spans: file, line, and text from its head to its closing brace, without the markers.
fn functions(standing: &Standing, number: u8) -> anyhow::Result<Vec<(PathBuf, usize, String)>> {
    let solution = standing.lab.solution();
    let mut found = Vec::new();
    for path in crate::labs::skeleton::sources(&solution)? {
        let text = fs::read_to_string(solution.join(&path)).with_context(|| format!("reading {}", path.display()))?;
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            if !line.trim().starts_with(&format!("// TASK {number}:")) {
                continue;
            }
            let head = lines[..at]
                .iter()
                .rposition(|line| line.contains("fn ") && !line.trim().starts_with("//"))
                .unwrap_or(at);
            let end = lines[at..]
                .iter()
                .position(|line| line.trim() == format!("// END TASK {number}"))
                .map_or(at, |more| at + more);
            let last = (end + 1).min(lines.len() - 1);
            let own = |line: &&&str| !line.trim().starts_with("// TASK ") && !line.trim().starts_with("// END TASK");
            let body: Vec<&str> = lines[head..=last].iter().filter(own).copied().collect();
            found.push((path.clone(), head + 1, body.join("\n")));
        }
    }
    Ok(found)
}
