//! What was rehearsed: how many questions, how the last answer of each was scored, and which they are.

use std::collections::BTreeMap;

use crate::bank::Bank;
use crate::book::html::{escape, sentence};
use crate::rehearse::review::Review;
use crate::text::plural;

/// The bands of a score.
const BANDS: std::ops::RangeInclusive<u8> = 1..=4;

/// A review's scores; what is no band is none.
fn valid(review: &Review) -> impl Iterator<Item = u32> {
    let scores = review.scores.values().filter(|score| BANDS.contains(score));
    scores.map(|score| u32::from(*score))
}

/// By question, how often it was answered and the last review of it.
pub(super) fn last(reviews: &[Review]) -> BTreeMap<&str, (usize, &Review)> {
    let mut ordered: Vec<&Review> = reviews.iter().collect();
    // Files of two checkouts may have been put together; of one day the order of the file stays.
    ordered.sort_by_key(|review| review.day);
    let mut last = BTreeMap::new();
    for review in ordered {
        let entry = last.entry(review.question.as_str()).or_insert((0, review));
        *entry = (entry.0 + 1, review);
    }
    last
}

pub(super) fn section(bank: &Bank, reviews: &[Review]) -> String {
    let days = reviews.iter().map(|review| review.day);
    let (Some(first), Some(until)) = (days.clone().min(), days.max()) else {
        return super::empty(
            "rehearsal",
            "Rehearsal",
            "Nothing was rehearsed yet: <code>./lab rehearse</code>.",
        );
    };
    let last = last(reviews);
    let count = |of: fn(&Review) -> bool| reviews.iter().filter(|review| of(review)).count();
    let sum = |of: fn(&Review) -> usize| last.values().map(|(_, review)| of(review)).sum::<usize>();
    let when = match first == until {
        true => format!("on {first}"),
        false => format!("between {first} and {until}"),
    };
    format!(
        "<section id=\"rehearsal\">\n<h2>Rehearsal</h2>\n\
         <p>Questions of the workbook's bank, each with its follow-ups, were answered against the clock; then the answer was held against key \
         points and scored in four dimensions, from 1 to 4, by whoever gave it: this is a judgement of oneself.</p>\n\
         <p class=\"result\">{} rehearsed {} {when}: {} in a mock interview, {} spoken. The last answers name {} of {} key points.</p>\n{}{}</section>\n",
        plural(last.len() as u64, "question was", "questions were"),
        match reviews.len() {
            1 => "once".into(),
            times => format!("{times} times in all"),
        },
        count(|review| review.mock),
        count(|review| review.spoken),
        sum(|review| review.named),
        sum(|review| review.of),
        dimensions(bank, &last),
        questions(bank, &last)
    )
}

/// Of each dimension, how many questions' last answers were at which band.
fn dimensions(bank: &Bank, last: &BTreeMap<&str, (usize, &Review)>) -> String {
    let mut names: Vec<(String, String)> = Vec::new();
    for dimension in bank.rubric.iter().flat_map(|rubric| &rubric.dimensions) {
        names.push((
            dimension.id.clone(),
            format!(
                "{} <span class=\"note\">{}</span>",
                sentence(&dimension.en.name),
                sentence(&dimension.en.asks)
            ),
        ));
    }
    // One that the rubric does not have any more is shown by its word.
    for id in last.values().flat_map(|(_, review)| review.scores.keys()) {
        if names.iter().all(|(known, _)| known != id) {
            names.push((id.clone(), escape(id)));
        }
    }
    let mut rows = String::new();
    for (id, name) in names {
        let scores: Vec<u8> = last
            .values()
            .filter_map(|(_, review)| review.scores.get(&id).copied())
            .filter(|score| BANDS.contains(score))
            .collect();
        if scores.is_empty() {
            continue;
        }
        let cells: String = BANDS
            .map(|band| match scores.iter().filter(|score| **score == band).count() {
                0 => "<td class=\"zero\">0</td>".into(),
                many => format!("<td>{many}</td>"),
            })
            .collect();
        let mean = scores.iter().map(|score| f64::from(*score)).sum::<f64>() / scores.len() as f64;
        rows.push_str(&format!(
            "<tr><th scope=\"row\">{name}</th>{cells}<td><strong>{mean:.1}</strong></td></tr>\n"
        ));
    }
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "<table class=\"dimensions\">\n<caption>Questions by the score of their last answer</caption>\n\
         <thead><tr><th scope=\"col\">Dimension</th><th scope=\"col\">1</th><th scope=\"col\">2</th><th scope=\"col\">3</th><th scope=\"col\">4</th>\
         <th scope=\"col\">mean</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
    )
}

/// Which questions, by chapter.
fn questions(bank: &Bank, last: &BTreeMap<&str, (usize, &Review)>) -> String {
    let mut rows: Vec<(String, String)> = Vec::new();
    for (id, (times, review)) in last {
        let (chapter, ask) = match bank.question(id) {
            Some(question) => (question.chapter.clone(), sentence(&question.en.ask)),
            None => (
                "–".into(),
                format!("<code>{}</code>, not in the bank any more", escape(id)),
            ),
        };
        let row = format!(
            "<tr><th scope=\"row\"><span class=\"number\">{}</span> {ask}</th><td data-label=\"Times\">{times}</td>\
             <td data-label=\"Last\">{}</td><td data-label=\"Score\">{} of {}</td></tr>\n",
            escape(&chapter),
            review.day,
            valid(review).sum::<u32>(),
            4 * valid(review).count()
        );
        rows.push((chapter, row));
    }
    rows.sort_by(|(one, _), (other, _)| one.cmp(other));
    let rows: String = rows.into_iter().map(|(_, row)| row).collect();
    format!(
        "<details class=\"questions\"><summary>The questions ({})</summary>\n<table class=\"asked-questions\">\n\
         <thead><tr><th scope=\"col\">Question</th><th scope=\"col\">Times</th><th scope=\"col\">Last</th><th scope=\"col\">Score</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n</details>\n",
        last.len()
    )
}
