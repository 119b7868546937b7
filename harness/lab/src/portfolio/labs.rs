//! What was built: tasks, tests, hints, solutions shown, the bonus; as it was, and not better.

use crate::book::html::{escape, sentence};
use crate::keep::progress::HINTS;
use crate::reader::standing::Standing;

/// The labs that were begun, and the names of the others.
pub(super) fn section(standings: &[Standing]) -> String {
    let (begun, others): (Vec<&Standing>, Vec<&Standing>) =
        standings.iter().partition(|standing| !standing.progress.is_empty());
    if begun.is_empty() {
        return super::empty("labs", "Labs", "No lab was begun yet: <code>./lab start 05</code>.");
    }
    let mut out = String::from(
        "<section id=\"labs\">\n<h2>Labs</h2>\n\
         <p>A lab is a part of the pipeline with its hard places left out. A task is done when all of its tests pass. Each has three hints, \
         which come nearer to the code one by one, and the solution can be looked at.</p>\n",
    );
    for standing in begun {
        out.push_str(&one(standing));
    }
    if !others.is_empty() {
        let names: Vec<String> = others.iter().map(|each| escape(&each.lab.manifest.folder())).collect();
        out.push_str(&format!("<p class=\"none\">Not begun: {}.</p>\n", names.join(", ")));
    }
    out.push_str("</section>\n");
    out
}

fn one(standing: &Standing) -> String {
    let (manifest, progress) = (&standing.lab.manifest, &standing.progress);
    let mut said = vec![format!("{} of {} tasks done.", standing.done(), manifest.tasks.len())];
    if let Some(date) = progress.started {
        said.insert(0, format!("Begun {date}."));
    }
    if let Some(last) = &progress.last {
        let whose = match last.code.as_str() {
            "yours" => "own code",
            "reference" => "the reference's code",
            other => other,
        };
        said.push(format!(
            "Last run, {}: {} of the {} tests of all tasks passed, with {}; servers: {}.",
            last.date,
            last.passed,
            manifest.declared(),
            escape(whose),
            escape(&last.stack)
        ));
    }
    if manifest.bonus.is_some() {
        said.push(match progress.bonus {
            Some(date) => {
                format!("Bonus, {date}: a test of one's own finds a mistake that was planted in the reference.")
            }
            None => "The bonus, a test of one's own that finds a planted mistake, is open.".into(),
        });
    }
    let mut rows = String::new();
    for task in &manifest.tasks {
        let done = progress.task(task.number);
        let state = match done.passed {
            Some(date) if standing.built(task.number) => format!("<span class=\"good\">passed</span> {date}"),
            Some(_) => "passed, and put back since".into(),
            None => "open".into(),
        };
        let hints = match done.hints {
            0 => "none".into(),
            seen => format!("{seen} of {HINTS}"),
        };
        let solution = match (done.revealed, done.gave_up) {
            (Some(date), true) => format!("seen {date}, before the tests passed"),
            (Some(date), false) => format!("seen {date}, after"),
            (None, _) => "not seen".into(),
        };
        rows.push_str(&format!(
            "<tr><th scope=\"row\"><span class=\"number\">{}</span> {}</th><td data-label=\"Tests\">{state}</td>\
             <td data-label=\"Hints\">{hints}</td><td data-label=\"Solution\">{solution}</td></tr>\n",
            task.number,
            sentence(&task.title)
        ));
    }
    let table = match rows.is_empty() {
        true => String::new(),
        false => format!(
            "<table class=\"tasks\">\n<thead><tr><th scope=\"col\">Task</th><th scope=\"col\">Tests</th><th scope=\"col\">Hints</th>\
             <th scope=\"col\">Solution</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
        ),
    };
    format!(
        "<article class=\"lab\">\n<h3><span class=\"number\">{}</span> {}</h3>\n<p>{}</p>\n{table}</article>\n",
        escape(&manifest.short()),
        sentence(&manifest.title),
        said.join(" ")
    )
}
