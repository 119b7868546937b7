//! `status`: what was done in each lab: tasks, hints, what was revealed, the last verdict.

use std::process::ExitCode;

use crate::keep::progress::HINTS;
use crate::labs::found;
use crate::reader::standing::Standing;
use crate::reader::style::Style;
use crate::{cargo, note, out};

pub(crate) fn run(word: Option<&str>) -> anyhow::Result<ExitCode> {
    let root = cargo::root();
    let standings: Vec<Standing> = match word {
        Some(word) => vec![Standing::of(found::find(&root, word)?)?],
        None => {
            let mut all = Vec::new();
            for lab in found::all(&root)? {
                match lab {
                    Ok(lab) => match Standing::of(lab) {
                        Ok(standing) => all.push(standing),
                        Err(error) => note(&format!("lab: {error:#}")),
                    },
                    Err(error) => note(&format!("lab: {error}")),
                }
            }
            all
        }
    };
    let style = Style::of_output();
    for standing in &standings {
        show(standing, style);
    }
    out("Next: ./lab next\n");
    Ok(ExitCode::SUCCESS)
}

fn show(standing: &Standing, style: Style) {
    let (manifest, progress) = (&standing.lab.manifest, &standing.progress);
    let begun = progress
        .started
        .map_or("not begun".to_owned(), |date| format!("begun on {date}"));
    out(&format!(
        "{}  {begun}, {} of {} tasks pass\n",
        style.bold(&manifest.folder()),
        standing.done(),
        manifest.tasks.len()
    ));
    for task in &manifest.tasks {
        let done = progress.task(task.number);
        let state = match (done.passed, standing.built(task.number)) {
            (Some(date), _) => style.green(&format!("passed {date}")),
            (None, true) => "written, not passed".to_owned(),
            (None, false) => style.dim("not built"),
        };
        let mut more = String::new();
        if done.hints > 0 {
            more.push_str(&format!("  hints {}/{HINTS}", done.hints));
        }
        if let Some(date) = done.revealed {
            more.push_str(&format!(
                "  revealed {date}{}",
                if done.gave_up { ", given up" } else { "" }
            ));
        }
        out(&format!("  {} {}: {state}{more}\n", task.number, task.title));
    }
    if manifest.bonus.is_some() {
        let bonus = progress
            .bonus
            .map_or_else(|| style.dim("open"), |date| style.green(&format!("won {date}")));
        out(&format!("  bonus: {bonus}\n"));
    }
    if let Some(last) = &progress.last {
        out(&format!(
            "  last run {}: {} of the {} tests of the tasks passed; code: {}; servers: {}\n",
            last.date,
            last.passed,
            manifest.declared(),
            last.code,
            last.stack
        ));
    }
    out("\n");
}
