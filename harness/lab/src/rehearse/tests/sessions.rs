//! A session without a screen: in which order it asks, what it leaves out, when it ends, what it keeps.

use super::super::session::{Keep, Stage};
use super::*;

/// Answers and scores the question that is asked, all of it; the review.
fn through(session: &mut Session, clock: &Clock, bands: [u8; 4]) -> Option<Review> {
    while let Stage::Ask { .. } = session.stage {
        clock.forward(30);
        session.answer(Some("words".into()), clock.now().elapsed);
        session.tick(0);
        session.go_on(clock.now().elapsed);
    }
    assert!(matches!(session.stage, Stage::Model { .. }), "{:?}", session.stage);
    session.go_on(clock.now().elapsed);
    let mut kept = None;
    for band in bands {
        let at = clock.now();
        kept = session.score(band, at.elapsed, &at.date, at.day);
    }
    kept.map(|kept| match kept {
        Keep::Review(review) => review,
        Keep::Answer { .. } => panic!("a score is no answer"),
    })
}

#[test]
fn a_question_is_followed_by_its_ladder_its_answer_and_its_scores() {
    let bank = bank();
    let (mut session, clock) = (session(&bank, Side::English, false, 20), Clock::default());
    let mut kinds = Vec::new();
    for step in 0..5 {
        assert_eq!(session.stage, Stage::Ask { q: 0, step });
        kinds.push(session.current().unwrap().1.kind.map(|kind| kind.key()));
        session.answer(None, clock.now().elapsed);
        session.go_on(clock.now().elapsed);
    }
    assert_eq!(
        kinds,
        [None, Some("why"), Some("what-if"), Some("number"), Some("production")]
    );
    assert_eq!(session.stage, Stage::Model { q: 0 });
    session.go_on(clock.now().elapsed);
    session.back();
    assert_eq!(session.stage, Stage::Model { q: 0 });
}

#[test]
fn a_review_says_what_was_named_missed_and_scored() {
    let bank = bank();
    let (mut session, clock) = (session(&bank, Side::English, false, 20), Clock::default());
    let review = through(&mut session, &clock, [3, 2, 1, 4]).unwrap();
    assert_eq!(
        (review.question.as_str(), review.day, review.sum()),
        ("acks-all-or-one", TODAY, 10)
    );
    assert_eq!((review.named, review.of, review.seconds), (5, 16, 150));
    assert!(
        !review.missed.contains(&(0, 0)) && review.missed.contains(&(4, 2)),
        "{:?}",
        review.missed
    );
    assert_eq!(review.digest, bank.questions[0].en.digest());
    assert_eq!(session.stage, Stage::Ask { q: 1, step: 0 });
}

#[test]
fn no_question_is_begun_when_the_minutes_are_over() {
    let bank = bank();
    let (mut session, clock) = (session(&bank, Side::English, false, 2), Clock::default());
    assert!(
        through(&mut session, &clock, [3; 4]).is_some(),
        "what was begun is brought to its end"
    );
    assert_eq!(clock.now().elapsed.as_secs(), 150);
    assert_eq!(session.stage, Stage::Done);
}

#[test]
fn a_stale_number_is_not_drilled_and_it_is_said_why() {
    let bank = bank();
    let session = session(&bank, Side::English, false, 20);
    let idle = &session.asked[1];
    let kinds: Vec<_> = idle.steps.iter().filter_map(|step| Some(step.kind?.key())).collect();
    assert_eq!(kinds, ["why", "what-if", "production"], "its number is stale");
    assert_eq!(idle.gaps.len(), 1);
    let said = super::super::words::gaps(idle, Side::English).concat();
    assert!(
        said.contains("the code has changed since") && said.contains("./lab bench 08"),
        "{said}"
    );
    assert!(session.asked[0].gaps.is_empty());
}

#[test]
fn the_points_of_a_later_step_keep_their_number_when_one_before_is_left_out() {
    let bank = bank();
    let (mut session, clock) = (session(&bank, Side::English, false, 20), Clock::default());
    through(&mut session, &clock, [3; 4]).unwrap();
    while let Stage::Ask { .. } = session.stage {
        session.answer(None, clock.now().elapsed);
        session.go_on(clock.now().elapsed);
    }
    session.go_on(clock.now().elapsed);
    for _ in 0..3 {
        session.score(1, clock.now().elapsed, "", TODAY);
    }
    let Some(Keep::Review(review)) = session.score(1, clock.now().elapsed, "", TODAY) else {
        panic!("the last score is a review");
    };
    let wanted = [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (4, 0)];
    assert_eq!(review.missed, wanted, "step 3 of the bank was not asked");
    assert!(review.spoken);
}

#[test]
fn an_interview_asks_all_first_and_is_scored_at_the_end() {
    let bank = bank();
    let (mut session, clock) = (session(&bank, Side::English, true, 20), Clock::default());
    let mut asked = Vec::new();
    while let Stage::Ask { q, step } = session.stage {
        asked.push((q, step));
        session.answer(None, clock.now().elapsed);
    }
    assert_eq!(
        asked,
        [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4), (1, 0), (1, 1), (1, 2), (1, 3)]
    );
    let mut scored = Vec::new();
    while session.stage != Stage::Done {
        let at = clock.now();
        match session.stage {
            Stage::Score { .. } => {
                if let Some(Keep::Review(review)) = session.score(2, at.elapsed, &at.date, at.day) {
                    scored.push((review.question, review.mock));
                }
            }
            _ => session.go_on(at.elapsed),
        }
    }
    assert_eq!(
        scored,
        [("acks-all-or-one".into(), true), ("idle-partition".into(), true)]
    );
}

#[test]
fn an_interview_whose_time_is_over_is_scored_as_far_as_it_came() {
    let bank = bank();
    let (mut session, clock) = (session(&bank, Side::English, true, 1), Clock::default());
    for _ in 0..2 {
        clock.forward(40);
        session.answer(Some("words".into()), clock.now().elapsed);
    }
    assert_eq!(session.stage, Stage::Points { q: 0, step: 0 }, "80 s of 60 are over");
    session.go_on(clock.now().elapsed);
    assert_eq!(session.stage, Stage::Points { q: 0, step: 1 });
    session.go_on(clock.now().elapsed);
    assert_eq!(session.stage, Stage::Model { q: 0 }, "what was not asked is not scored");
}
