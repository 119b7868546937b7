//! What is asked when: by the reviews alone, however often they are replayed.

use std::collections::BTreeMap;

use jiff::ToSpan as _;

use super::super::schedule::{Card, cards, order, rating};
use super::super::{mock, review as kept};
use super::*;

fn days(card: &Card) -> i32 {
    TODAY.until(card.due).unwrap().get_days()
}

#[test]
fn a_better_answer_comes_back_later_and_a_bad_one_tomorrow() {
    let due = |bands: [u8; 4]| days(&cards(&[review("q", TODAY, bands)])["q"]);
    let all = [[1; 4], [2; 4], [3; 4], [4; 4]].map(due);
    assert_eq!(
        all[0], 1,
        "a question that was not known is asked again tomorrow: {all:?}"
    );
    assert!(all.is_sorted() && all[3] > all[1], "{all:?}");
}

/// Days until a question is asked again, when it was asked each time that it was due and answered so.
fn days_after(bands: &[u8]) -> i32 {
    let (mut reviews, mut day) = (Vec::new(), TODAY);
    for band in bands {
        reviews.push(review("q", day, [*band; 4]));
        day = cards(&reviews)["q"].due;
    }
    reviews[bands.len() - 1].day.until(day).unwrap().get_days()
}

#[test]
fn nobody_waits_for_longer_than_an_interview_is_away() {
    for bands in [&[4, 4][..], &[3, 3, 3, 3], &[4, 4, 4, 4, 4]] {
        assert_eq!(days_after(bands), 21, "after {bands:?}");
    }
}

#[test]
fn what_was_known_and_is_forgotten_is_asked_again_tomorrow() {
    for bands in [&[4, 4, 1][..], &[4, 4, 4, 4, 1], &[3, 3, 1]] {
        assert_eq!(days_after(bands), 1, "after {bands:?}");
    }
}

#[test]
fn a_rating_follows_from_the_sum_of_the_four_bands() {
    use rs_fsrs::Rating;
    let ratings = [4, 7, 8, 10, 11, 13, 14, 16].map(rating);
    let wanted = [
        [Rating::Again; 2],
        [Rating::Hard; 2],
        [Rating::Good; 2],
        [Rating::Easy; 2],
    ];
    assert_eq!(ratings, wanted.concat()[..]);
}

#[test]
fn intervals_grow_with_each_good_answer_and_shrink_with_a_bad_one() {
    let mut reviews = vec![review("q", TODAY, [3; 4])];
    let first = cards(&reviews)["q"].due;
    reviews.push(review("q", first, [3; 4]));
    let second = cards(&reviews)["q"].due;
    assert!(
        first.until(second).unwrap().get_days() > days(&cards(&reviews[..1])["q"]),
        "{second}"
    );
    reviews.push(review("q", second, [1; 4]));
    let third = cards(&reviews)["q"].due;
    assert!(
        second.until(third).unwrap().get_days() < first.until(second).unwrap().get_days(),
        "{third}"
    );
    assert_eq!(cards(&reviews), cards(&reviews), "replayed, nothing is another way");
}

#[test]
fn what_is_due_comes_first_the_longest_overdue_before_the_others_and_then_what_is_new() {
    let bank = bank();
    let mut new = bank.questions[0].clone();
    new.id = "new".into();
    let mut later = new.clone();
    later.id = "later".into();
    let questions = [&new, &later, &bank.questions[0], &bank.questions[1]];
    let card = |due| Card { due, last: 8 };
    let cards: BTreeMap<String, Card> = [
        ("later", card(TODAY.checked_add(1.day()).unwrap())),
        (bank.questions[0].id.as_str(), card(TODAY)),
        (
            bank.questions[1].id.as_str(),
            card(TODAY.checked_sub(3.days()).unwrap()),
        ),
    ]
    .map(|(id, card)| (id.to_owned(), card))
    .into();
    let ordered = order(questions, &cards, TODAY);
    let ids: Vec<&str> = ordered.iter().map(|question| question.id.as_str()).collect();
    assert_eq!(ids, ["idle-partition", "acks-all-or-one", "new"]);
}

#[test]
fn a_torn_last_line_costs_itself_and_no_other_review() {
    let root = tempfile::tempdir().unwrap();
    for day in [TODAY, TODAY.tomorrow().unwrap()] {
        kept::append(root.path(), &review("q", day, [3; 4])).unwrap();
    }
    let whole = kept::read(root.path()).unwrap();
    let file = kept::folder(root.path()).join("reviews.jsonl");
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() - 20]).unwrap();
    let torn = kept::read(root.path()).unwrap();
    assert_eq!(torn, whole[..1]);
    assert_eq!(cards(&torn)["q"].due, cards(&whole[..1])["q"].due);
    kept::append(root.path(), &whole[1]).unwrap();
    assert_eq!(
        kept::read(root.path()).unwrap(),
        whole,
        "what is added after it is read"
    );
}

#[test]
fn an_interview_takes_chapters_in_turn_and_weak_questions_more_often() {
    let bank = bank();
    let mut strong = bank.questions[0].clone();
    strong.id = "strong".into();
    let questions = [&bank.questions[0], &strong, &bank.questions[1]];
    let of = |bands| cards(&[review("acks-all-or-one", TODAY, [1; 4]), review("strong", TODAY, bands)]);
    let cards = of([4; 4]);
    let mixed = |seed| -> Vec<&str> {
        let mixed = mock::mix(questions, &cards, seed);
        mixed.into_iter().map(|question| question.id.as_str()).collect()
    };
    assert_eq!(mixed(7), mixed(7), "the same seed, the same interview");
    let mut weak_first = 0;
    for seed in 0..200 {
        let ids = mixed(seed);
        assert!(
            ids[..2].contains(&"idle-partition"),
            "both chapters come before any twice: {ids:?}"
        );
        let at = |id| ids.iter().position(|each| *each == id).unwrap();
        weak_first += usize::from(at("acks-all-or-one") < at("strong"));
    }
    // 7 to 1 are the weights: 175 of 200 are to be expected.
    assert!(
        (150..200).contains(&weak_first),
        "the weak one came first {weak_first} times of 200"
    );
}
