//! When a question comes again, by FSRS: the state of each is computed anew from its reviews, so that nothing but them is stored.

use std::collections::BTreeMap;
use std::time::SystemTime;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use rs_fsrs::{Card as State, FSRS, Parameters, Rating};

use super::review::Review;
use crate::bank::Question;

/// Whoever reads this has an interview within weeks: what is known well comes again before it, too.
const LONGEST_DAYS: i32 = 21;

/// Where one question stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Card {
    /// The day on which it is to be asked again.
    pub(crate) due: Date,
    /// The sum of its last scores, 4 to 16.
    pub(crate) last: u32,
}

/// What a sum of four scores says of the recall. All at the second band is what one must be asked again soon; two bands of
/// "right and complete" more than not is good.
pub(crate) fn rating(sum: u32) -> Rating {
    match sum {
        0..=7 => Rating::Again,
        8..=10 => Rating::Hard,
        11..=13 => Rating::Good,
        _ => Rating::Easy,
    }
}

/// The state of every question that was reviewed, by id.
pub(crate) fn cards(reviews: &[Review]) -> BTreeMap<String, Card> {
    // Without steps of minutes: a question comes back on another day, not in the session in which its answer was just read. Without
    // fuzz: the same reviews give the same days.
    let fsrs = FSRS::new(Parameters {
        maximum_interval: LONGEST_DAYS,
        enable_short_term: false,
        enable_fuzz: false,
        ..Parameters::default()
    });
    let mut ordered: Vec<&Review> = reviews.iter().collect();
    // Two checkouts' files may have been put together; of one day the order of the file stays.
    ordered.sort_by_key(|review| review.day);
    let mut states: BTreeMap<&str, (State, &Review)> = BTreeMap::new();
    for review in ordered {
        let (state, last) = states.entry(&review.question).or_insert((State::default(), review));
        *state = fsrs
            .next(state.clone(), midnight(review.day).into(), rating(review.sum()))
            .card;
        *last = review;
    }
    let card = |(id, (state, review)): (&str, (State, &Review))| {
        let last = review.sum();
        // FSRS goes beyond its longest interval to keep the ratings a day apart, and what was once known well it lets wait for
        // days although it is forgotten.
        let days = match rating(last) {
            Rating::Again => 1,
            _ => state.scheduled_days.clamp(1, i64::from(LONGEST_DAYS)),
        };
        let due = review.day.saturating_add(days.days());
        (id.to_owned(), Card { due, last })
    };
    states.into_iter().map(card).collect()
}

/// What to ask, in this order: what is due, the longest overdue and the worst first; then what was never asked, as the bank has it.
pub(crate) fn order<'a>(
    questions: impl IntoIterator<Item = &'a Question>,
    cards: &BTreeMap<String, Card>,
    today: Date,
) -> Vec<&'a Question> {
    let (mut due, mut new) = (Vec::new(), Vec::new());
    for question in questions {
        match cards.get(&question.id) {
            None => new.push(question),
            Some(card) if card.due <= today => due.push((card.due, card.last, question)),
            Some(_) => {}
        }
    }
    due.sort_by_key(|(day, last, _)| (*day, *last));
    due.into_iter().map(|(_, _, question)| question).chain(new).collect()
}

/// The first day on which one of the questions is to be asked again; `None` if none was ever asked.
pub(crate) fn next<'a>(
    questions: impl IntoIterator<Item = &'a Question>,
    cards: &BTreeMap<String, Card>,
) -> Option<Date> {
    let cards = questions.into_iter().filter_map(|question| cards.get(&question.id));
    cards.map(|card| card.due).min()
}

/// A day as FSRS takes it; it counts whole days between two of them.
fn midnight(day: Date) -> SystemTime {
    // Every day of four-digit years has a midnight in UTC.
    let zoned = day.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    zoned.unwrap_or(Timestamp::UNIX_EPOCH).into()
}
