//! Where a reader is in a lab: which tasks are built, passed, next. Reads files, builds nothing.

use std::fs;
use std::path::{Path, PathBuf};

use crate::keep::progress::Progress;
use crate::labs::{Lab, Task};

use super::style::paragraphs;

/// A `todo!` that is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Todo {
    pub(crate) task: u8,
    /// Below the lab's folder.
    pub(crate) path: PathBuf,
    /// From 1.
    pub(crate) line: usize,
}

impl Todo {
    /// `labs/05-acks/src/link.rs:88`.
    pub(crate) fn place(&self, lab: &Lab) -> String {
        format!("labs/{}/{}:{}", lab.manifest.folder(), self.path.display(), self.line)
    }
}

/// A lab as the reader has it.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) lab: Lab,
    pub(crate) progress: Progress,
    pub(crate) todos: Vec<Todo>,
}

impl Standing {
    /// # Errors
    /// The progress cannot be read.
    pub(crate) fn of(lab: Lab) -> anyhow::Result<Self> {
        let progress = Progress::read(&lab.root, &lab.manifest.folder())?;
        let todos = todos(&lab.mine());
        Ok(Self { lab, progress, todos })
    }

    /// Whether nothing of a task is left to be written, as far as the source tells.
    pub(crate) fn built(&self, task: u8) -> bool {
        !self.todos.iter().any(|todo| todo.task == task)
    }

    /// Whether a task's tests passed when last run, and it is still there: what was put back since is to be built again.
    pub(crate) fn passed(&self, task: u8) -> bool {
        self.built(task) && self.progress.task(task).passed.is_some()
    }

    /// How many tasks' tests pass.
    pub(crate) fn done(&self) -> usize {
        self.lab
            .manifest
            .tasks
            .iter()
            .filter(|task| self.passed(task.number))
            .count()
    }

    /// The task that is to be built now.
    pub(crate) fn next(&self) -> Option<&Task> {
        self.lab.manifest.tasks.iter().find(|task| !self.passed(task.number))
    }

    /// Where a task is to be built: its `todo!`s, or nothing if they are gone.
    pub(crate) fn places(&self, task: u8) -> Vec<String> {
        let own = self.todos.iter().filter(|todo| todo.task == task);
        own.map(|todo| todo.place(&self.lab)).collect()
    }

    /// Whether the lab's own test of the reader is still to be written.
    pub(crate) fn bonus_open(&self) -> bool {
        self.lab.manifest.bonus.is_some() && self.progress.bonus.is_none()
    }
}

/// The lab to go on with: one that was begun before one that was not, and its tasks before its bonus.
pub(crate) fn open(standings: &[Standing]) -> Option<&Standing> {
    let rank = |standing: &&Standing| {
        let begun = standing.progress.started.is_some();
        match (begun, standing.next().is_some(), standing.bonus_open()) {
            (true, true, _) => Some(0),
            (true, false, true) => Some(1),
            (false, true, _) => Some(2),
            _ => None,
        }
    };
    let open = standings
        .iter()
        .filter_map(|standing| Some((rank(&standing)?, standing)));
    // The first of the best.
    open.min_by_key(|(rank, _)| *rank).map(|(_, standing)| standing)
}

/// What to build now, in words.
pub(crate) fn task_text(standing: &Standing) -> String {
    let manifest = &standing.lab.manifest;
    let (folder, short) = (manifest.folder(), manifest.short());
    let Some(task) = standing.next() else {
        return match standing.bonus_open() {
            true => format!(
                "{folder}: every task passes. Bonus: a test of your own, see labs/{folder}/README.md\nNext: ./lab test {short} --bonus\n"
            ),
            false => format!("{folder}: every task passes. Next: {}\n", manifest.at_the_end()),
        };
    };
    let mut out = format!(
        "{folder}, task {} of {}: {}\n\n",
        task.number,
        manifest.tasks.len(),
        task.title
    );
    out.push_str(&paragraphs(&task.what, "  "));
    let places = standing.places(task.number);
    if !places.is_empty() {
        out.push_str("\nWhere:\n");
        for place in places {
            out.push_str(&format!("  {place}\n"));
        }
    }
    if let Some((question, _)) = &task.predict {
        out.push_str(&format!("\nBefore you write:\n{}", paragraphs(question, "  ")));
    }
    out.push_str(&format!(
        "\nTests: {}. Next: ./lab watch {short}, and ./lab hint {short} when you are stuck\n",
        task.tests.len()
    ));
    out
}

/// The `todo!("task N: …")` below a lab's `src`.
fn todos(lab: &Path) -> Vec<Todo> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(lab.join(&folder)).into_iter().flatten().flatten() {
            let path = folder.join(entry.file_name());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = fs::read_to_string(lab.join(&path)).unwrap_or_default();
                found.extend(in_text(&text).into_iter().map(|(task, line)| Todo {
                    task,
                    path: path.clone(),
                    line,
                }));
            }
        }
    }
    found.sort_by(|a, b| (a.task, &a.path, a.line).cmp(&(b.task, &b.path, b.line)));
    found
}

/// Tasks and lines of the `todo!`s of a source; one in a comment is none.
fn in_text(text: &str) -> Vec<(u8, usize)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("todo!(") {
        let line_start = text[..at].rfind('\n').map_or(0, |at| at + 1);
        if text[line_start..at].contains("//") {
            continue;
        }
        let Some(rest) = text[at + "todo!(".len()..].trim_start().strip_prefix("\"task ") else {
            continue;
        };
        if let Some(task) = rest.split(':').next().and_then(|number| number.parse().ok()) {
            found.push((task, text[..at].matches('\n').count() + 1));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_todo_is_found_however_it_is_broken_into_lines_and_not_in_a_comment() {
        let text = "fn a() {\n    todo!(\"task 2: x\")\n}\n// todo!(\"task 3: y\")\nfn b() {\n    todo!(\n        \"task 4: z\"\n    )\n}\nfn c() { todo!() }\n";
        assert_eq!(in_text(text), [(2, 2), (4, 6)]);
    }
}
