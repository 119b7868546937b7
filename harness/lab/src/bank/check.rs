//! What of the bank does not fit: what it links to, its other language, the wording of its quizzes.

use std::collections::BTreeSet;
use std::path::Path;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{Bank, Question, Side, template};
use crate::labs::found;
use crate::labs::manifest::Manifest;
use crate::measuring::claims::Mistake;

/// A right option that is so many times as long as the longest wrong one, and some letters more, is found by its length.
const LONGER: f64 = 1.25;
const LETTERS_MORE: f64 = 8.0;

/// Words of an option that says nothing of its own.
const EMPTY_OPTIONS: [&str; 9] = [
    "none of the above",
    "all of the above",
    "both of the above",
    "none of these",
    "all of these",
    "위의 모두",
    "모두 정답",
    "정답 없음",
    "해당 없음",
];

/// All that is wrong with the bank of a checkout, by file and line. `guide` holds the ids of the guide's items, where there is a
/// list of them.
pub(crate) fn check(root: &Path, guide: Option<&BTreeSet<String>>) -> Vec<Mistake> {
    let bank = Bank::read(root);
    let mut mistakes = bank.broken;
    if bank.rubric.is_none() && !mistakes.iter().any(|mistake| mistake.file.ends_with(super::RUBRIC)) {
        let file = format!("{}/{}", super::FOLDER, super::RUBRIC);
        let what = format!("there is no rubric; `git checkout -- {file}` brings it back");
        mistakes.push(Mistake { file, line: 1, what });
    }
    // A manifest that is broken is told by its own gate.
    let labs = found::all(root).unwrap_or_default().into_iter();
    let manifests: Vec<Manifest> = labs.filter_map(|lab| Some(lab.ok()?.manifest)).collect();
    for question in &bank.questions {
        let told = [
            (question.place.links, links(question, &manifests, root)),
            (question.place.guide, guides(question, guide)),
            (question.place.en, wording(question, Side::English)),
            (question.place.ko, wording(question, Side::Korean)),
            (question.place.en, figures(question, &manifests)),
            (question.place.line, agreement(question)),
        ];
        for (line, wrongs) in told {
            mistakes.extend(wrongs.into_iter().map(|what| Mistake {
                file: question.place.file.clone(),
                line,
                what: format!("{}: {what}", question.id),
            }));
        }
    }
    mistakes.sort();
    mistakes
}

fn links(question: &Question, manifests: &[Manifest], root: &Path) -> Vec<String> {
    let (links, mut wrongs) = (&question.links, Vec::new());
    let lab = manifests.iter().find(|lab| lab.short() == question.chapter);
    let whose = format!("lab {}", question.chapter);
    if let Some(task) = links.task
        && lab.is_none_or(|lab| lab.task(task).is_none())
    {
        wrongs.push(format!("{whose} has no task {task}; link to one that its lab.toml has"));
    }
    if let Some(mutant) = &links.mutant
        && !lab.is_some_and(|lab| lab.mutants.iter().any(|each| each.name == *mutant))
    {
        wrongs.push(format!(
            "{whose} has no mutant {mutant}; link to one that its lab.toml has"
        ));
    }
    if let Some(experiment) = &links.experiment
        && !manifests
            .iter()
            .any(|lab| lab.experiments.iter().any(|each| each.id == *experiment))
    {
        wrongs.push(format!(
            "no lab.toml has an experiment {experiment}; link to one of those there are"
        ));
    }
    if let Some(page) = &links.page {
        wrongs.extend(lacks(page, root));
    }
    wrongs
}

/// What is missing of `05-acks.md#the-invariants`.
fn lacks(page: &str, root: &Path) -> Option<String> {
    let (file, anchor) = page
        .split_once('#')
        .map_or((page, None), |(file, anchor)| (file, Some(anchor)));
    let Ok(text) = std::fs::read_to_string(root.join("book/src").join(file)) else {
        return Some(format!("there is no page book/src/{file}; link to one that is there"));
    };
    let anchor = anchor?;
    match anchors(&text).contains(anchor) {
        true => None,
        false => Some(format!(
            "book/src/{file} has no heading #{anchor}; link to one that is there"
        )),
    }
}

/// The anchors of a page's headings as mdBook makes them, or as they are given: `## Loss {#loss}`.
fn anchors(page: &str) -> BTreeSet<String> {
    let (mut found, mut heading) = (BTreeSet::new(), None);
    for event in Parser::new_ext(page, Options::ENABLE_HEADING_ATTRIBUTES) {
        match (event, &mut heading) {
            (Event::Start(Tag::Heading { id, .. }), _) => heading = Some((id, String::new())),
            (Event::Text(words) | Event::Code(words), Some((_, text))) => text.push_str(&words),
            (Event::End(TagEnd::Heading(_)), Some((own, text))) => {
                let anchor = own.take().map_or_else(|| anchor_of(text), |own| own.to_string());
                let again = (1..).map(|nth| format!("{anchor}-{nth}"));
                let free = [anchor.clone()]
                    .into_iter()
                    .chain(again)
                    .find(|free| !found.contains(free));
                found.extend(free);
                heading = None;
            }
            _ => {}
        }
    }
    found
}

fn anchor_of(heading: &str) -> String {
    let kept = |c: char| match c {
        _ if c.is_alphanumeric() || c == '_' || c == '-' => Some(c),
        _ if c.is_whitespace() => Some('-'),
        _ => None,
    };
    heading.trim().to_lowercase().chars().filter_map(kept).collect()
}

fn guides(question: &Question, guide: Option<&BTreeSet<String>>) -> Vec<String> {
    let Some(known) = guide else { return Vec::new() };
    let unknown = question.guide.iter().filter(|id| !known.contains(*id));
    unknown
        .map(|id| format!("the guide has no item {id}; book/guide.toml has those there are"))
        .collect()
}

fn wording(question: &Question, side: Side) -> Vec<String> {
    let text = question.text(side);
    let mut wrongs = Vec::new();
    let options = [&text.right]
        .into_iter()
        .chain(text.wrong.iter().map(|wrong| &wrong.says));
    for option in options {
        let small = option.to_lowercase();
        if let Some(words) = EMPTY_OPTIONS.iter().find(|words| small.contains(*words)) {
            wrongs.push(format!(
                "{side} has an option with {words:?}, which tests nothing; say what is meant"
            ));
        }
    }
    let letters = |option: &str| option.chars().count() as f64;
    let longest = text.wrong.iter().map(|wrong| letters(&wrong.says)).fold(0.0, f64::max);
    if letters(&text.right) > LONGER * longest + LETTERS_MORE {
        wrongs.push(format!(
            "{side}: the right option is by far the longest and is found by that; make the options alike in length"
        ));
    }
    if text.ask.split(|c: char| !c.is_alphanumeric()).any(|word| word == "NOT") {
        wrongs.push(format!("{side} asks with NOT, which is read over; ask for what is so"));
    }
    wrongs
}

/// Both sides quote the same figures: one of them is looked at.
fn figures(question: &Question, manifests: &[Manifest]) -> Vec<String> {
    let mut wrongs = BTreeSet::new();
    let blanks: Vec<_> = question.en.templates().flat_map(template::blanks).collect();
    for name in blanks.iter().flat_map(template::Blank::figures) {
        let mut experiments = manifests.iter().flat_map(|lab| &lab.experiments);
        match experiments.find(|each| each.id == name.experiment) {
            None => {
                let what = format!(
                    "{{{{{name}}}}}: no lab.toml has an experiment {}; correct the blank",
                    name.experiment
                );
                wrongs.insert(what);
            }
            Some(experiment) if !experiment.metrics.contains_key(&name.metric) => {
                let metrics: Vec<&str> = experiment.metrics.keys().map(String::as_str).collect();
                wrongs.insert(format!(
                    "{{{{{name}}}}}: {} measures {}, and no {}; correct the blank",
                    experiment.id,
                    metrics.join(", "),
                    name.metric
                ));
            }
            Some(_) => {}
        }
    }
    wrongs.into_iter().collect()
}

fn agreement(question: &Question) -> Vec<String> {
    let cure = format!("then: ./lab questions synced {}", question.id);
    match (question.stale().as_slice(), &question.synced) {
        ([], _) => Vec::new(),
        (_, None) => vec![format!(
            "nobody has said yet that en and ko agree; compare them, {cure}"
        )],
        ([stale], _) => vec![format!(
            "{stale} is stale: {} has changed since the two agreed; bring {stale} up to it, {cure}",
            stale.other()
        )],
        _ => vec![format!(
            "en and ko have both changed since they agreed; compare them, {cure}"
        )],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_those_of_headings_as_mdbook_makes_them() {
        let page = "# `acks` and Loss?\n\n## The end\n\n```sh\n# a comment\n```\n\n## The end\n\n## Own {#mine}\n";
        let wanted = ["acks-and-loss", "mine", "the-end", "the-end-1"];
        assert_eq!(anchors(page), wanted.map(str::to_owned).into());
    }
}
