//! `start`: how many red tests to expect, and where to begin.

use std::process::ExitCode;

use crate::keep::progress::{Progress, today};
use crate::labs::found;
use crate::reader::standing::{Standing, task_text};
use crate::reader::style::{Style, paragraphs};
use crate::text::plural;
use crate::{cargo, out};

pub(crate) fn run(word: &str) -> anyhow::Result<ExitCode> {
    let root = cargo::root();
    let lab = found::find(&root, word)?;
    let folder = lab.manifest.folder();
    let begun = Progress::read(&root, &folder)?.started;
    Progress::change(&root, &folder, |progress| {
        progress.started.get_or_insert_with(today);
    })?;
    let standing = Standing::of(lab)?;
    let manifest = &standing.lab.manifest;
    let style = Style::of_output();
    out(&format!("{}: {}\n\n", style.bold(&folder), manifest.title));
    out(&paragraphs(&manifest.about, "  "));
    let left: usize = manifest
        .tasks
        .iter()
        .filter(|task| !standing.built(task.number))
        .map(|task| task.tests.len())
        .sum();
    let red = match left {
        0 if standing.done() == manifest.tasks.len() => "Every task passes.".to_owned(),
        0 => format!(
            "The body of every task is written; ./lab test {} says which tests pass.",
            manifest.short()
        ),
        _ => format!(
            "{left} of its tests are red now, and that is how it should be: each stands for something that you have not built{}.",
            if left == manifest.declared() { "" } else { " yet" },
        ),
    };
    out(&format!("\n{red} The tasks are in labs/{folder}/README.md.\n\n"));
    for task in &manifest.tasks {
        let sign = if standing.passed(task.number) {
            style.green("✓")
        } else {
            style.dim("·")
        };
        let red = match standing.built(task.number) {
            true => String::new(),
            false => format!("  ({})", plural(task.tests.len() as u64, "red test", "red tests")),
        };
        out(&format!("  {sign} {} {}{red}\n", task.number, task.title));
    }
    if let Some(begun) = begun {
        out(&format!(
            "\nBegun on {begun}; {} of {} tasks pass.\n",
            standing.done(),
            manifest.tasks.len()
        ));
    }
    out(&format!("\n{}", task_text(&standing)));
    Ok(ExitCode::SUCCESS)
}
