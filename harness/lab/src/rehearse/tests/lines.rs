//! The dialogue in lines, with a script on one side of it.

use super::super::plain::{Dialogue, drive, summary as in_lines};
use super::super::session::{Keep, Stage};
use super::super::summary::{Facts, rows};
use super::*;

/// What was said, and what was kept, when the input is this.
fn held(session: &mut Session, input: &str) -> (String, Vec<Keep>) {
    let (mut output, mut kept, clock) = (Vec::new(), Vec::new(), Clock::default());
    let dialogue = Dialogue {
        input: &mut input.as_bytes(),
        output: &mut output,
    };
    let moving = || {
        clock.forward(1);
        clock.now()
    };
    let keep = &mut |keep: &Keep| {
        kept.push(keep.clone());
        Ok(())
    };
    drive(session, dialogue, &moving, keep).unwrap();
    (String::from_utf8(output).unwrap(), kept)
}

#[test]
fn an_answer_of_several_lines_is_kept_and_every_prompt_ends_its_line() {
    let bank = bank();
    let mut session = session(&bank, Side::English, false, 20);
    let (said, kept) = held(&mut session, "the leader\nanswers\n\n1 2\n");
    let [Keep::Answer { text, question, .. }] = kept.as_slice() else {
        panic!("one answer: {kept:?}");
    };
    assert_eq!(
        (text.as_str(), question.as_str()),
        ("the leader\nanswers", "acks-all-or-one")
    );
    assert!(said.ends_with('\n') && said.contains("> Your answer"), "{said}");
    assert!(session.asked[0].steps[0].points[1].ticked);
    assert_eq!(session.stage, Stage::Done, "the input has ended");
}

#[test]
fn what_is_no_number_is_asked_again() {
    let bank = bank();
    let mut session = session(&bank, Side::English, false, 20);
    let (said, _) = held(&mut session, "spoken\n9\none\n1,3\n");
    assert!(
        said.contains("\"9\" are not numbers of 1 to 5") && said.contains("\"one\" are not"),
        "{said}"
    );
    let ticked: Vec<bool> = session.asked[0].steps[0]
        .points
        .iter()
        .map(|point| point.ticked)
        .collect();
    assert_eq!(ticked, [true, false, true, false, false]);
    assert_eq!(
        session.asked[0].steps[0].given.as_ref().unwrap().text,
        None,
        "it was said aloud"
    );
}

#[test]
fn an_end_of_input_ends_with_what_was_done() {
    let bank = bank();
    let mut session = session(&bank, Side::English, false, 20);
    let (_, kept) = held(&mut session, "cut off in the middle of");
    assert_eq!(kept.len(), 1, "what was typed is kept: {kept:?}");
    let facts = Facts {
        session: &session,
        reviews: &[],
        bank: &bank,
        today: TODAY,
        took: Duration::from_secs(61),
    };
    let said = in_lines(&rows(&facts));
    assert!(
        said.contains("This session: 1 question in 01:01") && said.contains("answered, not scored"),
        "{said}"
    );
}

#[test]
fn a_whole_question_in_lines_ends_as_a_review() {
    let bank = bank();
    let mut session = session(&bank, Side::Korean, false, 20);
    let (said, kept) = held(&mut session, &format!("{}2\n5\n3\n1\n4\n", "말로\nall\n".repeat(5)));
    let Some(Keep::Review(review)) = kept.first() else {
        panic!("a review: {kept:?}");
    };
    assert_eq!((review.sum(), review.lang.as_str(), review.named), (10, "ko", 16));
    assert!(
        said.contains("모범 답변") && said.contains("12.4 ms") && said.contains("1에서 4가 아닙니다"),
        "{said}"
    );
    assert!(
        said.lines()
            .all(|line| unicode_width::UnicodeWidthStr::width(line) <= 80),
        "{said}"
    );
}
