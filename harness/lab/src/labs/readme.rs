//! What a generated lab says of itself: its README, and the head of the reader's own tests.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::found::Lab;
use super::markers::Span;
use crate::text::plural;

pub(super) fn text(lab: &Lab, spans: &[(PathBuf, Span)]) -> String {
    let manifest = &lab.manifest;
    let (folder, short) = (manifest.folder(), manifest.short());
    let mut out = String::new();
    let _ = write!(
        out,
        "<!-- Written by `./lab generate` from solutions/{folder}/lab.toml. -->\n# Lab {short}: {}\n\n{}\n\n\
         You write the bodies that say `todo!(\"task N: …\")`: {}. Until then {} tests are red, and that is how it should be; the \
         others are green, because they need nothing of yours.\n\n",
        manifest.title,
        manifest.about.trim(),
        plural(manifest.tasks.len() as u64, "task", "tasks"),
        manifest.declared(),
    );
    let up = match manifest.pipeline {
        true => format!("./lab up --mine {short}        # the whole pipeline on your crate\n"),
        false => String::new(),
    };
    let _ = write!(
        out,
        "```sh\n./lab start {short}            # how many red tests to expect, and where to begin\n\
         ./lab watch {short}            # runs the tests at each save; keys for hints and the rest\n\
         ./lab test {short}             # the same, once; `-- NAME` runs the tests with NAME in theirs\n\
         ./lab hint {short}             # three levels for the task that you are at; `{short} 3` for task 3\n\
         ./lab reveal {short} 3         # how the reference does task 3, once its tests pass\n\
         ./lab reset {short}            # back to the beginning; your code goes into a backup\n\
         {up}```\n\n\
         The tests are cargo's, too: `cargo test --release -p lab -p lab-{folder} --test {}` (lab beside it, so that what the lab command has built is not built again). With `--reference`, `./lab test {short}` \
         runs the solution instead of your code; each verdict says whose code ran.\n\n",
        first_program(lab),
    );
    if !manifest.read.is_empty() {
        // Tests stand once, in the solution.
        let place = |path: &str| match path.starts_with("src/") {
            true => path.to_owned(),
            false => format!("../../solutions/{folder}/{path}"),
        };
        let read: Vec<String> = manifest
            .read
            .iter()
            .map(|path| format!("[{path}]({})", place(path)))
            .collect();
        let _ = write!(out, "Read first: {}.\n\n", read.join(", "));
    }
    out.push_str("## The tasks\n\nIn this order: a task's tests need the tasks before it, and none after it.\n\n");
    for task in &manifest.tasks {
        let own: Vec<&(PathBuf, Span)> = spans.iter().filter(|(_, span)| span.task == task.number).collect();
        let lines: usize = own.iter().map(|(_, span)| span.missing).sum();
        let places: Vec<String> = own
            .chunk_by(|(one, _), (other, _)| one == other)
            .map(|of_a_file| {
                let names: Vec<String> = of_a_file
                    .iter()
                    .map(|(_, span)| format!("`{}`", span.function))
                    .collect();
                format!("{} in `{}`", names.join(", "), of_a_file[0].0.display())
            })
            .collect();
        let _ = write!(
            out,
            "### {}. {}\n\n{}\n\nWhere: {}. About {lines} lines; {}.\n\n",
            task.number,
            task.title,
            task.what.trim(),
            places.join("; "),
            plural(task.tests.len() as u64, "test", "tests"),
        );
        if let Some((question, _)) = &task.predict {
            let _ = write!(
                out,
                "**Before you write:** {} (`./lab test {short}` shows the answer when the task's tests pass.)\n\n",
                question.trim()
            );
        }
    }
    if let Some(bonus) = &manifest.bonus {
        let _ = write!(
            out,
            "## Bonus: a test of yours\n\n{} Write a test in `tests/mine.rs` that is green on your crate and red on that mistake; \
             `./lab test {short} --bonus` says whether it is, on the reference with and without the mistake.\n\n",
            bonus.what.trim()
        );
    }
    let _ = write!(
        out,
        "## Where things are\n\nThe tests stand in [solutions/{folder}/tests](../../solutions/{folder}/tests) (yours in \
         [tests/mine.rs](tests/mine.rs)), the benches in [solutions/{folder}/benches](../../solutions/{folder}/benches): `./lab \
         bench {short}`. Beside them is the reference itself, which you may want to leave closed. Afterwards: \
         [the discussion](../../solutions/{folder}/DISCUSSION.md).\n"
    );
    out
}

/// The file of the reader's own tests, as it is before there are any.
pub(super) fn mine(lab: &Lab) -> String {
    let (folder, short) = (lab.manifest.folder(), lab.manifest.short());
    let mut out = format!(
        "//! Tests of your own; neither `./lab update` nor `./lab generate` touches this file.\n//!\n//! `./lab test {short} -- mine::` runs them alone."
    );
    if lab.manifest.bonus.is_some() {
        let _ = write!(
            out,
            " `./lab test {short} --bonus` holds them against the mistake that the README tells of."
        );
    }
    out.push('\n');
    if lab.solution().join("tests/common/mod.rs").is_file() {
        let _ = write!(
            out,
            "//!\n//! What the lab's own tests share can be used here, too:\n//! ```ignore\n//! #[path = \
             \"../../../solutions/{folder}/tests/common/mod.rs\"]\n//! mod common;\n//! ```\n"
        );
    }
    out
}

/// One to name in an example: the first of the programs.
fn first_program(lab: &Lab) -> &str {
    lab.manifest
        .programs
        .first()
        .map_or("mine", |program| program.name.as_str())
}
