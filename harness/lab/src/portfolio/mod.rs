//! The portfolio: what a reader has built, expected, measured and rehearsed, as one page of HTML that needs nothing beside it.
//!
//! It is shown to somebody who does not know the workbook. So it says of every number under which conditions it holds, and of
//! what was not done that it was not. Nothing in it is drawn anew: experiments and charts are the book's own.

mod calibration;
mod experiments;
mod labs;
mod rehearsed;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use measure::Machine;

use crate::bank::Bank;
use crate::book::html::escape;
use crate::measuring::Known;
use crate::reader::standing::Standing;
use crate::rehearse::review::Review;

/// What stands in every portfolio, and in no other file: by it one is known that may be replaced.
pub(crate) const MARK: &str = "<meta name=\"generator\" content=\"tickbook portfolio\">";

const CHARTS: &str = include_str!("../../../../book/theme/chart.css");
const STYLE: &str = include_str!("portfolio.css");

/// Who shows it, when, and of which code.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// Left out where there is none.
    pub(crate) name: Option<String>,
    pub(crate) date: Date,
    pub(crate) machine: Machine,
    /// `2b1d343 with changes`.
    pub(crate) revision: String,
    /// Whether labs/ holds what no commit does; `None` without git.
    pub(crate) labs_changed: Option<bool>,
}

/// What a portfolio is made of.
pub(crate) struct Facts {
    pub(crate) head: Head,
    pub(crate) standings: Vec<Standing>,
    pub(crate) known: Known,
    pub(crate) bank: Bank,
    pub(crate) reviews: Vec<Review>,
}

impl Facts {
    /// Whether there is nothing to show yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.standings.iter().all(|standing| standing.progress.is_empty())
            && experiments::measured(&self.known).next().is_none()
            && self.known.predictions.is_empty()
            && self.reviews.is_empty()
    }
}

/// The page. The same facts give the same bytes.
pub(crate) fn page(facts: &Facts) -> String {
    let counted = calibration::counted(&facts.known);
    let begin = match facts.is_empty() {
        true => first(),
        false => glance(facts, &counted),
    };
    let sections = [
        head(&facts.head),
        begin,
        labs::section(&facts.standings),
        // Before the experiments, which are many pages.
        calibration::section(&facts.known, &counted),
        experiments::section(&facts.known),
        rehearsed::section(&facts.bank, &facts.reviews),
        experiments::again(&facts.known),
    ];
    let title = match &facts.head.name {
        Some(name) => format!("Tickbook: the work of {}", escape(name)),
        None => "Tickbook: a portfolio".into(),
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n{MARK}\n\
         <title>{title}</title>\n<style>\n{CHARTS}{STYLE}</style>\n</head>\n<body>\n<main>\n{}</main>\n</body>\n</html>\n",
        sections.concat()
    )
}

fn head(head: &Head) -> String {
    let name = head.name.as_deref();
    let name = name.map_or(String::new(), |name| {
        format!("<p class=\"reader\">{}</p>\n", escape(name))
    });
    let code = match head.labs_changed {
        Some(true) => "; the code in <code>labs/</code> has changes that no commit holds",
        Some(false) => "; the code in <code>labs/</code> is as that revision has it",
        None => "",
    };
    format!(
        "<header class=\"head\">\n<p class=\"kicker\">Tickbook</p>\n<h1>Built, predicted, measured</h1>\n{name}\
         <p>Tickbook is a workbook on one streaming pipeline: trades of the Upbit exchange come over a WebSocket into Kafka and through \
         event-time windows into ClickHouse. Whoever works through it builds parts of the pipeline against tests, writes a number down \
         before each experiment, measures it, and rehearses what an interviewer would ask.</p>\n\
         <dl class=\"facts\">\n<div><dt>Date</dt><dd>{}</dd></div>\n<div><dt>Machine</dt><dd>{}</dd></div>\n\
         <div><dt>Workbook</dt><dd>revision {}{code}</dd></div>\n</dl>\n\
         <nav aria-label=\"Sections\"><a href=\"#labs\">Labs</a> <a href=\"#calibration\">Calibration</a> \
         <a href=\"#experiments\">Experiments</a> <a href=\"#rehearsal\">Rehearsal</a> <a href=\"#again\">To measure it again</a></nav>\n</header>\n",
        head.date,
        escape(&head.machine.to_string()),
        escape(&head.revision),
    )
}

/// What to do where nothing was done.
fn first() -> String {
    "<section class=\"first\">\n<h2>Nothing to show yet</h2>\n<ol>\n\
     <li><code>./lab start 05</code> begins a lab, <code>./lab watch 05</code> runs its tests at each save.</li>\n\
     <li><code>./lab predict 05</code> asks for a number before each experiment.</li>\n\
     <li><code>./lab bench 05 --quick</code> measures each within a minute, <code>./lab bench 05</code> in full.</li>\n\
     <li><code>./lab rehearse --chapter 05</code> asks what an interviewer would.</li>\n\
     <li><code>./lab portfolio</code> writes this page again.</li>\n</ol>\n</section>\n"
        .into()
}

/// Four counts, each of how many there are.
fn glance(facts: &Facts, counted: &[calibration::Counted<'_>]) -> String {
    let tasks: usize = facts
        .standings
        .iter()
        .map(|standing| standing.lab.manifest.tasks.len())
        .sum();
    let done: usize = facts.standings.iter().map(Standing::done).sum();
    let hits = counted.iter().filter(|one| one.outcome.hit()).count();
    let last = rehearsed::last(&facts.reviews);
    let known = last.iter().filter(|(id, _)| facts.bank.question(id).is_some()).count();
    let counts = [
        ("Tasks whose tests pass", done, tasks),
        (
            "Experiments measured",
            experiments::measured(&facts.known).count(),
            facts.known.experiments().count(),
        ),
        ("Predictions inside their interval", hits, counted.len()),
        ("Questions rehearsed", known, facts.bank.questions.len()),
    ];
    let one = |(word, some, all): (&str, usize, usize)| {
        format!("<div><dt>{word}</dt><dd>{some} <span class=\"of\">of {all}</span></dd></div>\n")
    };
    format!("<dl class=\"glance\">\n{}</dl>\n", counts.map(one).concat())
}

/// A section that has nothing to show yet, and what would change that.
fn empty(id: &str, title: &str, says: &str) -> String {
    format!("<section id=\"{id}\">\n<h2>{title}</h2>\n<p class=\"none\">{says}</p>\n</section>\n")
}
