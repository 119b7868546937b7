//! `{{#tasks 05}}`: what there is to build in a chapter's lab, with how many tests wait for each task and its question before coding.

use measure::Experiment;

use super::html::{escape, markdown, sentence};
use crate::labs::Lab;
use crate::measuring::Known;

/// # Errors
/// No lab has that number.
pub(super) fn table(known: &Known, chapter: &str) -> Result<String, String> {
    let lab = known
        .labs
        .iter()
        .find(|lab| lab.manifest.short() == chapter)
        .ok_or_else(|| format!("no lab has the number {chapter:?}; write one such as 05"))?;
    Ok(of(lab))
}

fn of(lab: &Lab) -> String {
    let manifest = &lab.manifest;
    let rows: String = manifest
        .tasks
        .iter()
        .map(|task| {
            let question = task.predict.as_ref().map_or_else(String::new, |(question, answer)| {
                format!(
                    "<details><summary>Before you build it: {}</summary>\n{}\n</details>",
                    sentence(question),
                    markdown(answer)
                )
            });
            format!(
                "<tr><td>{}</td><td><strong>{}</strong>{question}</td><td>{}</td></tr>\n",
                task.number,
                sentence(&task.title),
                task.tests.len()
            )
        })
        .collect();
    format!(
        "<div class=\"table-wrapper\" role=\"region\" aria-label=\"Tasks of lab {}\" tabindex=\"0\">\n<table class=\"tasks\">\n<thead><tr><th scope=\"col\">Task</th>\
         <th scope=\"col\">What you build</th><th scope=\"col\">Red tests</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n</div>",
        escape(&manifest.short())
    )
}

/// `{{#predictions 05}}`: what a reader is asked before measuring.
///
/// # Errors
/// No lab has that number.
pub(super) fn predictions(known: &Known, chapter: &str) -> Result<String, String> {
    let of_chapter = |(lab, _): &(&Lab, &Experiment)| lab.manifest.short() == chapter;
    let items: String = known
        .experiments()
        .filter(of_chapter)
        .map(|(_, experiment)| format!("<li>{}</li>\n", sentence(&experiment.predict.question)))
        .collect();
    match items.is_empty() {
        true => Err(format!(
            "no lab with experiments has the number {chapter:?}; write one such as 05"
        )),
        false => Ok(format!("<ol class=\"predictions\">\n{items}</ol>")),
    }
}
