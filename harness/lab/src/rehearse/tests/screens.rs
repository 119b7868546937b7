//! The screens as they look at 80 × 24, in both languages, driven by keys.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use unicode_width::UnicodeWidthStr as _;

use super::super::draw::draw;
use super::super::drill::Drill;
use super::super::session::{Keep, Stage};
use super::super::summary::{Facts, rows};
use super::*;

/// A screen, and who sits at it.
struct Desk {
    drill: Drill,
    terminal: Terminal<TestBackend>,
    clock: Clock,
    kept: Vec<Keep>,
}

impl Desk {
    fn new(side: Side, mock: bool) -> Self {
        Self::at(side, mock, 80, 24)
    }

    fn at(side: Side, mock: bool, columns: u16, rows: u16) -> Self {
        Self {
            drill: Drill::new(session(&bank(), side, mock, 20)),
            terminal: Terminal::new(TestBackend::new(columns, rows)).unwrap(),
            clock: Clock::default(),
            kept: Vec::new(),
        }
    }

    fn press(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        let kept = self.drill.key(KeyEvent::new(code, modifiers), &self.clock.now());
        self.kept.extend(kept);
    }

    fn keys(&mut self, codes: &[KeyCode]) {
        codes.iter().for_each(|code| self.press(*code, KeyModifiers::NONE));
    }

    fn types(&mut self, text: &str) {
        text.chars()
            .for_each(|letter| self.press(KeyCode::Char(letter), KeyModifiers::NONE));
    }

    fn done(&mut self) {
        self.press(KeyCode::Char('d'), KeyModifiers::CONTROL);
    }

    /// What is on the screen, a line for each row.
    fn shown(&mut self) -> String {
        let now = self.clock.now().elapsed;
        self.terminal.draw(|frame| draw(&mut self.drill, now, frame)).unwrap();
        let buffer = self.terminal.backend().buffer();
        let mut shown = String::new();
        for row in 0..buffer.area.height {
            let mut line = String::new();
            let mut column = 0;
            while column < buffer.area.width {
                let symbol = buffer[(column, row)].symbol();
                line.push_str(symbol);
                // What a wide letter covers is not shown.
                column += symbol.width().max(1) as u16;
            }
            shown.push_str(line.trim_end());
            shown.push('\n');
        }
        shown
    }
}

const KO: &str = "acks=1이면 리더의 로그에 들어가는 즉시 응답하므로, 팔로워가 가져가기 전에 리더가 죽으면 잃습니다.";

/// At the scores of the first question.
fn to_scores(desk: &mut Desk) {
    while let Stage::Ask { .. } = desk.drill.session.stage {
        desk.clock.forward(20);
        desk.keys(&[KeyCode::Tab, KeyCode::Char('1'), KeyCode::Enter]);
    }
    desk.keys(&[KeyCode::Enter]);
}

#[test]
fn a_question_and_what_is_typed() {
    let mut desk = Desk::new(Side::English, false);
    desk.clock.forward(83);
    desk.types("With acks=1 only the leader has the record when it answers; the followers fetch it later.");
    desk.keys(&[KeyCode::Enter, KeyCode::Enter]);
    desk.types("With acks=all");
    insta::assert_snapshot!(desk.shown());
    desk.terminal.backend_mut().assert_cursor_position((16, 8));

    let mut desk = Desk::new(Side::Korean, false);
    desk.clock.forward(83);
    desk.types(KO);
    insta::assert_snapshot!(desk.shown());
}

#[test]
fn the_key_points_and_what_was_answered() {
    let mut desk = Desk::new(Side::English, false);
    desk.types("The leader answers when it has it.");
    desk.clock.forward(62);
    desk.done();
    desk.keys(&[KeyCode::Char('1'), KeyCode::Down, KeyCode::Down, KeyCode::Char(' ')]);
    insta::assert_snapshot!(desk.shown());
    assert!(matches!(&desk.kept[..], [Keep::Answer { text, .. }] if text.starts_with("The leader")));

    let mut desk = Desk::new(Side::Korean, false);
    desk.types(KO);
    desk.clock.forward(62);
    desk.done();
    desk.keys(&[KeyCode::Char('1')]);
    insta::assert_snapshot!(desk.shown());
}

#[test]
fn a_follow_up_stands_below_its_question() {
    for side in Side::BOTH {
        let mut desk = Desk::new(side, false);
        desk.clock.forward(100);
        desk.keys(&[KeyCode::Tab, KeyCode::Enter]);
        desk.clock.forward(5);
        insta::assert_snapshot!(desk.shown());
    }
}

#[test]
fn the_model_answer_quotes_own_numbers_and_scrolls() {
    let mut desk = Desk::new(Side::English, false);
    to_scores(&mut desk);
    desk.keys(&[KeyCode::Left]);
    let top = desk.shown();
    insta::assert_snapshot!(top);
    desk.keys(&[KeyCode::PageDown, KeyCode::PageDown, KeyCode::PageDown]);
    let bottom = desk.shown();
    assert!(
        bottom.contains("Source: ") && !bottom.contains("A model answer"),
        "{bottom}"
    );
    desk.keys(&[KeyCode::PageUp, KeyCode::PageUp, KeyCode::PageUp]);
    assert_eq!(desk.shown(), top, "as far as it goes, and no further");
}

#[test]
fn a_dimension_is_scored_beside_its_signals() {
    for side in Side::BOTH {
        let mut desk = Desk::new(side, false);
        to_scores(&mut desk);
        desk.keys(&[KeyCode::Char('3')]);
        insta::assert_snapshot!(desk.shown());
    }
}

#[test]
fn the_end_says_what_is_weak_and_what_comes_next() {
    for side in Side::BOTH {
        let mut desk = Desk::new(side, false);
        to_scores(&mut desk);
        desk.keys(&['3', '2', '1', '4'].map(KeyCode::Char));
        desk.keys(&[KeyCode::Tab, KeyCode::Char('q')]);
        assert_eq!(desk.drill.session.stage, Stage::Done);
        let mut reviews = vec![review("acks-all-or-one", TODAY.yesterday().unwrap(), [2; 4])];
        reviews.extend(desk.kept.iter().filter_map(|kept| match kept {
            Keep::Review(review) => Some(review.clone()),
            Keep::Answer { .. } => None,
        }));
        desk.drill.summary = Some(rows(&Facts {
            session: &desk.drill.session,
            reviews: &reviews,
            bank: &bank(),
            today: TODAY,
            took: desk.clock.now().elapsed,
        }));
        insta::assert_snapshot!(desk.shown());
        desk.keys(&[KeyCode::Char('ㅂ')]);
        assert!(desk.drill.left, "q of a Korean keyboard");
    }
}

#[test]
fn an_interview_shows_no_points_before_its_end() {
    let mut desk = Desk::new(Side::English, true);
    desk.types("Words.");
    desk.done();
    let shown = desk.shown();
    assert!(shown.contains("Mock interview") && shown.contains("why: "), "{shown}");
    assert!(!shown.contains("Which of these"), "{shown}");
}

#[test]
fn a_letter_is_a_letter_while_one_types_and_control_c_ends_anywhere() {
    let mut desk = Desk::new(Side::English, false);
    desk.types("q 1");
    assert_eq!(desk.drill.editor.text(), "q 1");
    desk.press(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert!(desk.drill.left && desk.drill.session.stage == Stage::Done);
    assert!(
        matches!(&desk.kept[..], [Keep::Answer { text, .. }] if text == "q 1"),
        "half an answer is kept: {:?}",
        desk.kept
    );
}

#[test]
fn a_tab_is_said_aloud_only_where_nothing_is_typed() {
    let mut desk = Desk::new(Side::English, false);
    assert!(desk.shown().contains("Tab: said aloud"));
    desk.types("one");
    desk.keys(&[KeyCode::Tab]);
    desk.types("two");
    assert!(!desk.shown().contains("said aloud"), "{}", desk.shown());
    desk.done();
    assert!(
        matches!(&desk.kept[..], [Keep::Answer { text, .. }] if text == "one two"),
        "a typed answer is thrown away: {:?}",
        desk.kept
    );
}

#[test]
fn the_last_rows_of_an_answer_and_the_picked_point_are_on_a_small_screen() {
    let mut desk = Desk::at(Side::Korean, false, 40, 10);
    desk.types(KO);
    let shown = desk.shown();
    assert!(shown.contains("잃습니다.") && shown.contains("Ctrl-D"), "{shown}");
    for (columns, rows) in [(40, 10), (20, 4)] {
        let mut desk = Desk::at(Side::Korean, false, columns, rows);
        desk.done();
        desk.keys(&[KeyCode::Down, KeyCode::Down]);
        let shown = desk.shown();
        assert!(shown.contains("› [ ] 3"), "{columns} x {rows}: {shown}");
    }
}

#[test]
fn a_screen_of_one_letter_takes_keys() {
    let mut desk = Desk::at(Side::Korean, false, 1, 1);
    desk.types(KO);
    desk.shown();
    desk.done();
    desk.shown();
    assert!(matches!(&desk.kept[..], [Keep::Answer { text, .. }] if text == KO));
}
