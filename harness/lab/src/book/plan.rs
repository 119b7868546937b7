//! `{{#plan}}`: how long each chapter takes and what its experiments cost, from the manifests, the pages and the bank.

use std::path::Path;

use crate::labs::Lab;
use crate::measuring::Known;

use super::html::{escape, sentence};

/// Words a minute of a reader who thinks about what is read, in a language that need not be the first one.
const WORDS: usize = 150;
/// Minutes for a task, tests and hints included: 10 to 40 lines that somebody has not written before.
const TASK: usize = 40;
/// A question is answered, scored, and answered again.
const TIMES: usize = 2;

/// Hours per chapter, then minutes and disk per experiment. `questions` gives the minutes of the bank's for a chapter.
pub(super) fn tables(root: &Path, known: &Known, questions: &dyn Fn(&str) -> usize) -> String {
    let mut out = wrapped(
        "Hours per chapter",
        "<tr><th scope=\"col\">Chapter</th><th scope=\"col\">Read</th><th scope=\"col\">Build</th><th scope=\"col\">Measure</th><th scope=\"col\">Rehearse</th><th scope=\"col\">In all</th></tr>",
        &known
            .labs
            .iter()
            .map(|lab| chapter(root, lab, questions))
            .collect::<String>(),
    );
    let experiments: String = known
        .experiments()
        .map(|(lab, each)| {
            format!(
                "<tr><td>{} · {}</td><td>{} min</td><td>{} s</td><td>{}</td><td>{}</td></tr>\n",
                lab.manifest.short(),
                sentence(&each.title),
                each.minutes.ceil(),
                each.quick_seconds.ceil(),
                crate::text::bytes(each.disk_mb * 1_000_000),
                match each.brokers.as_slice() {
                    [] => "none".to_owned(),
                    counts => counts.iter().map(u8::to_string).collect::<Vec<_>>().join(" and "),
                }
            )
        })
        .collect();
    if !experiments.is_empty() {
        out.push('\n');
        out.push_str(&wrapped(
            "Experiments",
            "<tr><th scope=\"col\">Experiment</th><th scope=\"col\">Full</th><th scope=\"col\">--quick</th><th scope=\"col\">Disk</th><th scope=\"col\">Brokers</th></tr>",
            &experiments,
        ));
    }
    out
}

fn wrapped(name: &str, head: &str, rows: &str) -> String {
    format!(
        "<div class=\"table-wrapper\" role=\"region\" aria-label=\"{}\" tabindex=\"0\">\n<table class=\"plan\">\n<thead>{head}</thead>\n<tbody>\n{rows}</tbody>\n</table>\n</div>",
        escape(name)
    )
}

fn chapter(root: &Path, lab: &Lab, questions: &dyn Fn(&str) -> usize) -> String {
    let manifest = &lab.manifest;
    let page = format!("{}.md", manifest.folder());
    let text = std::fs::read_to_string(root.join(super::PAGES).join(&page)).unwrap_or_default();
    let read = text.split_whitespace().count().div_ceil(WORDS);
    let build = manifest.tasks.len() * TASK;
    let measure = manifest.experiments.iter().map(|each| each.minutes).sum::<f64>().ceil() as usize;
    let rehearse = questions(&manifest.short()) * TIMES;
    let name = escape(&manifest.title);
    let name = match text.is_empty() {
        true => format!("{} {name}", manifest.short()),
        false => format!("<a href=\"{}.html\">{} {name}</a>", manifest.folder(), manifest.short()),
    };
    format!(
        "<tr><td>{name}</td><td>{}</td><td>{} ({} tasks)</td><td>{}</td><td>{}</td><td><strong>{}</strong></td></tr>\n",
        hours(read),
        hours(build),
        manifest.tasks.len(),
        hours(measure),
        hours(rehearse),
        hours(read + build + measure + rehearse)
    )
}

/// To the half hour from an hour on; below it, to five minutes.
fn hours(minutes: usize) -> String {
    match minutes {
        0 => "–".into(),
        1..55 => format!("{} min", minutes.div_ceil(5) * 5),
        _ => {
            let halves = (minutes as f64 / 30.0).round() / 2.0;
            format!("{halves} h")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_coarse_as_they_are_sure() {
        let shown: Vec<String> = [0, 3, 52, 58, 100, 400].into_iter().map(hours).collect();
        assert_eq!(shown, ["–", "5 min", "55 min", "1 h", "1.5 h", "6.5 h"]);
    }
}
