//! A session held on a screen: what is pasted into it, and what is kept when it is ended from outside.

use std::collections::VecDeque;

use crossterm::event::{Event, KeyCode};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::super::drill::Drill;
use super::super::keep;
use super::super::screen::{Heard, hold};
use super::super::session::{Keep, Stage};
use super::*;

/// Holds a session in which this comes, and then a signal; what was kept.
fn held(drill: &mut Drill, events: impl IntoIterator<Item = Event>) -> Vec<Keep> {
    let (mut events, mut kept, clock) = (
        events.into_iter().collect::<VecDeque<_>>(),
        Vec::new(),
        Clock::default(),
    );
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    hold(
        drill,
        &mut terminal,
        &mut |_| events.pop_front().map_or(Heard::Stop, Heard::Event),
        &|| clock.now(),
        &mut |keep| {
            kept.push(keep.clone());
            Ok(())
        },
        &|_| Ok(Vec::new()),
    )
    .unwrap();
    assert!(drill.left && events.is_empty(), "left before {events:?}");
    kept
}

fn key(code: KeyCode) -> Event {
    Event::Key(code.into())
}

#[test]
fn a_pasted_text_is_an_answer_and_none_of_it_is_a_key() {
    let mut drill = Drill::new(session(&bank(), Side::English, false, 20));
    let kept = held(
        &mut drill,
        [
            key(KeyCode::Char('>')),
            Event::Paste("\tacks=all\r\n1\rq\u{1b}[3~".into()),
            Event::Key(crossterm::event::KeyEvent::new(
                KeyCode::Char('d'),
                crossterm::event::KeyModifiers::CONTROL,
            )),
            // Beside the key points there is no place for it.
            Event::Paste("1q\n".into()),
            key(KeyCode::Char('2')),
        ],
    );
    assert!(
        matches!(&kept[..], [Keep::Answer { text, .. }] if text == "> acks=all\n1\nq[3~"),
        "{kept:?}"
    );
    let ticked: Vec<bool> = drill.session.asked[0].steps[0]
        .points
        .iter()
        .map(|point| point.ticked)
        .collect();
    assert_eq!(ticked, [false, true, false, false, false], "only a key ticks a point");
}

#[test]
fn a_signal_ends_a_session_and_half_an_answer_is_kept() {
    let mut drill = Drill::new(session(&bank(), Side::English, false, 20));
    let kept = held(&mut drill, "half an".chars().map(|letter| key(KeyCode::Char(letter))));
    assert!(
        matches!(&kept[..], [Keep::Answer { text, .. }] if text == "half an"),
        "{kept:?}"
    );
    assert_eq!(drill.session.stage, Stage::Done);
    assert!(held(&mut Drill::new(session(&bank(), Side::English, false, 20)), []).is_empty());
}

#[test]
fn what_cannot_be_kept_is_shown() {
    let root = checkout();
    let folder = root.path().join(".lab/rehearsal");
    // In the place of a folder and of a file: nothing can be written there.
    std::fs::create_dir_all(folder.join("reviews.jsonl")).unwrap();
    std::fs::write(folder.join("answers"), "").unwrap();
    let answer = Keep::Answer {
        question: "acks-all-or-one".into(),
        ask: "What is the difference?".into(),
        text: "The leader\nanswers.".into(),
        took: Duration::from_secs(83),
    };
    for (kept, wanted) in [
        (answer, "\n\nThe leader\nanswers."),
        (Keep::Review(review("q", TODAY, [3; 4])), "\n\n{\"question\":\"q\","),
    ] {
        let said = format!("{:#}", keep(root.path(), &kept, TODAY).unwrap_err());
        assert!(
            said.contains(".lab/rehearsal cannot be written: ") && said.contains(wanted),
            "{said}"
        );
    }
}
