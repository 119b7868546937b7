//! Whether a question is whole: enough points, a reason for each wrong answer, a ladder without gaps, two sides that match.

use std::collections::BTreeSet;
use std::ops::Range;

use super::raw::Wrong;
use super::template::{self, Blank};
use super::{Kind, Question, Side, Text};

/// Where the parts of a question stand, bytes of its file.
pub(super) struct Spans {
    pub(super) id: Range<usize>,
    pub(super) chapter: Range<usize>,
    pub(super) minutes: Range<usize>,
    pub(super) en: Range<usize>,
    pub(super) ko: Range<usize>,
}

/// What keeps a question from being asked.
pub(super) fn wrongs(question: &Question, spans: &Spans) -> Vec<Wrong> {
    let id = &question.id;
    let mut wrongs = Vec::new();
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if id.is_empty() || !id.chars().all(is_name) {
        let what = format!("an id is small letters, digits and dashes, not {id:?}; rename it");
        wrongs.push((spans.id.clone(), what));
    }
    let chapter = &question.chapter;
    if chapter.len() != 2 || !chapter.chars().all(|c| c.is_ascii_digit()) {
        let what = format!("{id}: a chapter is two digits, such as 05, not {chapter:?}; correct it");
        wrongs.push((spans.chapter.clone(), what));
    }
    if !(1..=15).contains(&question.minutes) {
        let what = format!("{id}: a question with its ladder takes 1 to 15 minutes; correct it");
        wrongs.push((spans.minutes.clone(), what));
    }
    for side in Side::BOTH {
        let span = side.of(&spans.en, &spans.ko);
        let told = of_side(question.text(side)).into_iter();
        wrongs.extend(told.map(|what| (span.clone(), format!("{id}, {side}: {what}"))));
    }
    if wrongs.is_empty()
        && let Some(what) = differ(&question.en, &question.ko)
    {
        wrongs.push((spans.ko.clone(), format!("{id}: {what}")));
    }
    wrongs
}

fn of_side(text: &Text) -> Vec<String> {
    let mut wrongs = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            wrongs.push(what.to_owned());
        }
    };
    let is_said = |words: &str| !words.trim().is_empty();
    must(is_said(&text.ask), "it asks nothing; write ask");
    must(is_said(&text.answer), "there is no model answer; write answer");
    must(is_said(&text.right), "there is no right option; write right");
    must(
        (3..=6).contains(&text.points.len()),
        "there are 3 to 6 points; add or merge",
    );
    must(
        (2..=4).contains(&text.wrong.len()),
        "there are 2 to 4 wrong answers; add or drop",
    );
    must(
        text.points.iter().all(|point| is_said(point)),
        "a point is empty; say something in it",
    );
    must(
        text.wrong
            .iter()
            .all(|wrong| is_said(&wrong.says) && is_said(&wrong.why)),
        "a wrong answer says nothing or has no reason; write says and why",
    );
    for step in &text.ladder {
        let points = !step.points.is_empty() && step.points.iter().all(|point| is_said(point));
        must(
            is_said(&step.ask) && points,
            &format!(
                "the step {} of the ladder has no question or no points; write both",
                step.kind.key()
            ),
        );
    }
    let kinds: Vec<Kind> = text.ladder.iter().map(|step| step.kind).collect();
    must(
        kinds.is_sorted() && Kind::ALL.iter().all(|kind| kinds.contains(kind)),
        "a ladder asks why, what-if, number, production, each at least once and in this order; put it so",
    );
    let plain = [&text.ask, &text.right].into_iter();
    let plain = plain.chain(text.wrong.iter().flat_map(|wrong| [&wrong.says, &wrong.why]));
    must(
        plain
            .chain(text.ladder.iter().map(|step| &step.ask))
            .all(|words| !words.contains("{{")),
        "blanks stand in points and in answer, nowhere else; write this one without",
    );
    wrongs.extend(text.templates().filter_map(|words| template::parse(words).err()));
    wrongs
}

/// In which way the sides cannot be of one question.
fn differ(en: &Text, ko: &Text) -> Option<String> {
    let counts = [
        ("points", en.points.len(), ko.points.len()),
        ("wrong answers", en.wrong.len(), ko.wrong.len()),
        ("steps in the ladder", en.ladder.len(), ko.ladder.len()),
    ];
    if let Some((what, en, ko)) = counts.into_iter().find(|(_, en, ko)| en != ko) {
        return Some(format!("en has {en} {what} and ko {ko}; make them match, one for one"));
    }
    for (at, (en, ko)) in en.ladder.iter().zip(&ko.ladder).enumerate() {
        if en.kind != ko.kind || en.points.len() != ko.points.len() {
            let at = at + 1;
            return Some(format!(
                "step {at} of the ladder has another kind or number of points in ko; make them match"
            ));
        }
    }
    let blanks = |text: &Text| -> BTreeSet<Blank> { text.templates().flat_map(template::blanks).collect() };
    let (en, ko) = (blanks(en), blanks(ko));
    let alone = en.symmetric_difference(&ko).next()?;
    Some(format!(
        "{{{{{alone}}}}} stands on one side only; quote the same numbers on both"
    ))
}
