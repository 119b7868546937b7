//! Which questions a mock interview asks: from every chapter in turn, and the weak ones rather than the strong.

use std::collections::BTreeMap;

use rand::SeedableRng as _;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand_chacha::ChaCha8Rng;

use super::schedule::Card;
use crate::bank::Question;

/// All questions in an order of which an interview takes as many as it has time for.
pub(crate) fn mix<'a>(
    questions: impl IntoIterator<Item = &'a Question>,
    cards: &BTreeMap<String, Card>,
    seed: u64,
) -> Vec<&'a Question> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut chapters: BTreeMap<&str, Vec<&Question>> = BTreeMap::new();
    for question in questions {
        chapters.entry(&question.chapter).or_default().push(question);
    }
    let mut chapters: Vec<Vec<&Question>> = chapters.into_values().collect();
    chapters.shuffle(&mut random);
    let mut mixed = Vec::new();
    while chapters.iter().any(|left| !left.is_empty()) {
        for left in chapters.iter_mut().filter(|left| !left.is_empty()) {
            let drawn = left.choose_weighted(&mut random, |question| weight(cards.get(&question.id)));
            // Every weight is above 0, so there is always one.
            let Some(drawn) = drawn.ok().copied() else { break };
            left.retain(|question| question.id != drawn.id);
            mixed.push(drawn);
        }
    }
    mixed
}

/// From 1 for what was answered perfectly to 7 for the worst; what was never asked lies between.
fn weight(card: Option<&Card>) -> f64 {
    card.map_or(4.0, |card| 1.0 + f64::from(16 - card.last.min(16)) / 2.0)
}
