//! What stands at the end of a session: what was done, what is weak, what comes next.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Date;

use super::review::Review;
use super::schedule::cards;
use super::session::{Asked, Session, Terms};
use super::{words, wrap};
use crate::bank::template::{Blank, Piece, fill, plain};
use crate::bank::{Bank, Question, Side};
use crate::text::clock;

/// How many of the most missed points, and of the next questions, are named.
const MOST: usize = 3;

/// How many columns of a missed point are shown.
const SHORT: usize = 100;

/// A line of the summary, to be wrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    Heading(String),
    Item(String),
}

/// What a summary is made of. The reviews hold those of this session.
pub(crate) struct Facts<'a> {
    pub(crate) session: &'a Session,
    pub(crate) reviews: &'a [Review],
    pub(crate) bank: &'a Bank,
    pub(crate) today: Date,
    /// How long the session took.
    pub(crate) took: Duration,
}

/// The summary.
pub(crate) fn rows(facts: &Facts<'_>) -> Vec<Row> {
    let terms = &facts.session.terms;
    let side = terms.side;
    let mut rows = session(facts, side);
    let answered = answered(facts.session);
    let done: Vec<&Asked> = answered.into_iter().filter(|asked| asked.done).collect();
    if !done.is_empty() {
        rows.push(Row::Heading(
            side.of("By dimension, this session", "이번 세션, 항목별").into(),
        ));
        let scores = |at: usize| done.iter().filter_map(move |asked| asked.scores[at]);
        let means = (0..terms.rubric.dimensions.len()).filter_map(|at| Some((at, mean(scores(at))?)));
        rows.push(Row::Item(shown(terms, means)));
    }
    rows.extend(weak(facts));
    rows.extend(next(facts, side));
    rows
}

/// The questions of a session that got an answer.
pub(crate) fn answered(session: &Session) -> Vec<&Asked> {
    let has = |asked: &&Asked| asked.steps.iter().any(|step| step.given.is_some());
    session.asked.iter().filter(has).collect()
}

fn session(facts: &Facts<'_>, side: Side) -> Vec<Row> {
    let terms = &facts.session.terms;
    let answered = answered(facts.session);
    let (many, took) = (answered.len(), clock(facts.took));
    let mut rows = vec![Row::Heading(side.of(
        format!(
            "This session: {} in {took}",
            crate::text::plural(many as u64, "question", "questions")
        ),
        format!("이번 세션: 질문 {many}개, {took}"),
    ))];
    let cards = cards(facts.reviews);
    for asked in answered {
        let named = words::named(asked, side);
        rows.push(Row::Item(if asked.done {
            let dimensions = terms.rubric.dimensions.iter().zip(asked.scores);
            let scores: Vec<String> = dimensions
                .filter_map(|(dimension, score)| Some(format!("{} {}", dimension.signals(side).name, score?)))
                .collect();
            let due = cards.get(&asked.id).map_or(facts.today, |card| card.due);
            let (sum, scores, due) = (asked.sum(), scores.join(", "), day(due, facts.today, side));
            side.of(
                format!("{}: {sum} of 16 ({scores}); {named}; again {due}", asked.id),
                format!("{}: 16점 중 {sum}점({scores}). {named}. 다음: {due}", asked.id),
            )
        } else {
            side.of(
                format!(
                    "{}: answered, not scored; it comes again as if it had not been asked",
                    asked.id
                ),
                format!("{}: 답했지만 채점하지 않음. 묻지 않은 것으로 칩니다", asked.id),
            )
        }));
    }
    rows
}

/// The lowest dimensions and the most missed points, of all sessions.
fn weak(facts: &Facts<'_>) -> Vec<Row> {
    let (terms, side) = (&facts.session.terms, facts.session.terms.side);
    let dimensions = terms.rubric.dimensions.iter().enumerate();
    let mut means: Vec<(usize, f64)> = dimensions
        .filter_map(|(at, dimension)| {
            let scores = facts
                .reviews
                .iter()
                .filter_map(|review| review.scores.get(&dimension.id));
            Some((at, mean(scores.copied())?))
        })
        .collect();
    if means.is_empty() {
        return Vec::new();
    }
    means.sort_by(|a, b| a.1.total_cmp(&b.1));
    let many = facts.reviews.len();
    let mut rows = vec![Row::Heading(side.of(
        format!(
            "Weak spots, over {} of all chapters",
            crate::text::plural(many as u64, "answer", "answers")
        ),
        format!("약한 곳, 모든 장의 답변 {many}개 기준"),
    ))];
    rows.push(Row::Item(shown(terms, means.into_iter().take(2))));
    for (times, id, point) in missed(facts, side) {
        rows.push(Row::Item(side.of(
            format!("missed {times}×, {id}: {point}"),
            format!("{times}번 놓침, {id}: {point}"),
        )));
    }
    rows
}

/// The points that were missed most often, over all sessions.
fn missed(facts: &Facts<'_>, side: Side) -> Vec<(usize, String, String)> {
    let mut counts: BTreeMap<(&str, usize, usize), usize> = BTreeMap::new();
    for review in facts.reviews {
        let Some(question) = facts.bank.question(&review.question) else {
            continue;
        };
        // Points of another wording are other points.
        if question.en.digest() == review.digest {
            for (step, point) in &review.missed {
                *counts.entry((&question.id, *step, *point)).or_default() += 1;
            }
        }
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let point = |((id, step, point), times): ((&str, usize, usize), usize)| {
        let text = point_of(facts.bank.question(id)?, step, point, side)?;
        Some((times, id.to_owned(), short(&text)))
    };
    counts.into_iter().filter_map(point).take(MOST).collect()
}

/// A key point's text; its blanks stay blanks.
fn point_of(question: &Question, step: usize, point: usize, side: Side) -> Option<String> {
    let text = question.text(side);
    let points = match step.checked_sub(1) {
        None => &text.points,
        Some(at) => &text.ladder.get(at)?.points,
    };
    let pieces = fill(points.get(point)?, &|_: &Blank| Piece::Text("…".into()));
    Some(plain(&pieces, side))
}

/// As much of a point as tells it from the others.
fn short(text: &str) -> String {
    let mut columns = 0;
    let fits = text.chars().take_while(|letter| {
        columns += wrap::width(*letter);
        columns <= SHORT
    });
    let cut: String = fits.collect();
    match cut.len() < text.len() {
        true => format!("{}…", cut.trim_end()),
        false => cut,
    }
}

fn next(facts: &Facts<'_>, side: Side) -> Vec<Row> {
    let mut due: Vec<(Date, String)> = cards(facts.reviews)
        .into_iter()
        .filter(|(id, _)| facts.bank.question(id).is_some())
        .map(|(id, card)| (card.due, id))
        .collect();
    due.sort();
    let new = facts.bank.questions.len() - due.len();
    let mut rows = vec![Row::Heading(side.of("Next", "다음").into())];
    for (date, id) in due.into_iter().take(MOST) {
        let date = day(date, facts.today, side);
        rows.push(Row::Item(format!("{id}: {date}")));
    }
    rows.push(Row::Item(side.of(
        match new {
            0 => "every question of the bank was asked at least once".to_owned(),
            _ => format!(
                "of the whole bank, {} never asked",
                crate::text::plural(new as u64, "question was", "questions were")
            ),
        },
        format!("전체 질문 중 아직 묻지 않은 질문 {new}개"),
    )));
    rows
}

/// `Evidence 1.8, Operation 2.1`.
fn shown(terms: &Terms, means: impl Iterator<Item = (usize, f64)>) -> String {
    let name = |at: usize| &terms.rubric.dimensions[at].signals(terms.side).name;
    let words: Vec<String> = means.map(|(at, mean)| format!("{} {mean:.1}", name(at))).collect();
    terms.side.of(
        format!("{}, of 4", words.join(", ")),
        format!("{} (4점 만점)", words.join(", ")),
    )
}

fn mean(scores: impl Iterator<Item = u8>) -> Option<f64> {
    let scores: Vec<f64> = scores.map(f64::from).collect();
    (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
}

fn day(day: Date, today: Date, side: Side) -> String {
    match day {
        _ if day <= today => side.of("today", "오늘").to_owned(),
        _ if today.tomorrow().is_ok_and(|tomorrow| tomorrow == day) => side.of("tomorrow", "내일").to_owned(),
        _ => day.to_string(),
    }
}
