//! A session on a screen: which key does what. Drawn by `draw`.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use jiff::civil::Date;

use super::editor::Editor;
use super::session::{Keep, Session, Stage};
use super::summary::Row;

/// When something is done.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    /// Since the session began.
    pub(crate) elapsed: Duration,
    /// UTC, RFC 3339.
    pub(crate) date: String,
    /// Where the reader is.
    pub(crate) day: Date,
}

/// A session, and what of it the screen shows.
pub(crate) struct Drill {
    pub(crate) session: Session,
    pub(crate) editor: Editor,
    /// The key point that the cursor stands at.
    pub(crate) picked: usize,
    /// Rows of the page that are above the screen.
    pub(crate) scroll: usize,
    /// Whether the screen follows the picked point.
    pub(crate) follows: bool,
    /// The columns that the editor had when it was last drawn.
    pub(crate) columns: usize,
    /// What stands at the end; given when the session is done.
    pub(crate) summary: Option<Vec<Row>>,
    /// Whether the reader has gone.
    pub(crate) left: bool,
}

/// Rows that a page goes.
const PAGE: usize = 10;

impl Drill {
    pub(crate) fn new(session: Session) -> Self {
        Self {
            session,
            editor: Editor::default(),
            picked: 0,
            scroll: 0,
            follows: true,
            columns: 76,
            summary: None,
            left: false,
        }
    }

    /// Does what a key says; what must be kept is returned. Where Korean is typed, the key of `q` gives ㅂ.
    pub(crate) fn key(&mut self, key: KeyEvent, at: &Moment) -> Option<Keep> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if control && key.code == KeyCode::Char('c') {
            return self.leave(at);
        }
        let before = self.session.stage;
        let keep = match before {
            Stage::Ask { .. } => self.typed(key, control, at),
            Stage::Points { .. } => {
                self.points(key, at);
                None
            }
            Stage::Model { .. } => {
                match key.code {
                    KeyCode::Enter => self.session.go_on(at.elapsed),
                    KeyCode::Char('q' | 'ㅂ') => self.session.end(),
                    code => self.scrolled(code),
                }
                None
            }
            Stage::Score { .. } => match key.code {
                KeyCode::Char(band @ '1'..='4') => {
                    let band = band.to_digit(10).and_then(|band| u8::try_from(band).ok());
                    band.and_then(|band| self.session.score(band, at.elapsed, &at.date, at.day))
                }
                KeyCode::Left | KeyCode::Backspace => {
                    self.session.back();
                    None
                }
                KeyCode::Char('q' | 'ㅂ') => {
                    self.session.end();
                    None
                }
                _ => None,
            },
            Stage::Done => {
                match key.code {
                    KeyCode::Char('q' | 'ㅂ') | KeyCode::Enter | KeyCode::Esc => self.left = true,
                    code => self.scrolled(code),
                }
                None
            }
        };
        if self.session.stage != before {
            (self.editor, self.picked, self.scroll, self.follows) = (Editor::default(), 0, 0, true);
        }
        keep
    }

    /// Ends it wherever it stands; what must be kept is returned.
    pub(crate) fn leave(&mut self, at: &Moment) -> Option<Keep> {
        // Half an answer is one, too.
        let keep = (!self.editor.is_blank())
            .then(|| self.session.answer(Some(self.editor.text()), at.elapsed))
            .flatten();
        self.session.end();
        self.left = true;
        keep
    }

    /// Takes what is pasted into an answer. Elsewhere its letters would be keys that nobody has pressed.
    pub(crate) fn paste(&mut self, text: &str) {
        if let Stage::Ask { .. } = self.session.stage {
            // Terminals end a pasted line as the key of Enter does.
            for letter in text.replace("\r\n", "\n").chars() {
                match letter {
                    '\n' | '\r' => self.editor.insert('\n'),
                    '\t' => self.editor.insert(' '),
                    _ if letter.is_control() => {}
                    _ => self.editor.insert(letter),
                }
            }
        }
    }

    fn typed(&mut self, key: KeyEvent, control: bool, at: &Moment) -> Option<Keep> {
        match key.code {
            KeyCode::Char('d') if control => return self.session.answer(Some(self.editor.text()), at.elapsed),
            KeyCode::Tab if self.editor.is_blank() => return self.session.answer(None, at.elapsed),
            // What is typed would be thrown away for "said aloud"; a terminal that does not say what is pasted gives tabs of a text.
            KeyCode::Tab => self.editor.insert(' '),
            KeyCode::Char(letter) if !control => self.editor.insert(letter),
            KeyCode::Enter => self.editor.insert('\n'),
            KeyCode::Backspace => self.editor.backspace(),
            KeyCode::Delete => self.editor.delete(),
            KeyCode::Left => self.editor.left(),
            KeyCode::Right => self.editor.right(),
            KeyCode::Up => self.editor.vertical(false, self.columns),
            KeyCode::Down => self.editor.vertical(true, self.columns),
            KeyCode::Home => self.editor.home(self.columns),
            KeyCode::End => self.editor.end(self.columns),
            _ => {}
        }
        None
    }

    fn points(&mut self, key: KeyEvent, at: &Moment) {
        let many = self.session.current().map_or(0, |(_, step)| step.points.len());
        match key.code {
            KeyCode::Enter => self.session.go_on(at.elapsed),
            KeyCode::Char('q' | 'ㅂ') => self.session.end(),
            KeyCode::Char(' ') => self.session.tick(self.picked),
            KeyCode::Char(digit @ '1'..='9') => {
                let point = digit.to_digit(10).map_or(0, |digit| digit as usize - 1);
                if point < many {
                    (self.picked, self.follows) = (point, true);
                    self.session.tick(point);
                }
            }
            KeyCode::Up => (self.picked, self.follows) = (self.picked.saturating_sub(1), true),
            KeyCode::Down => (self.picked, self.follows) = ((self.picked + 1).min(many.saturating_sub(1)), true),
            code => self.scrolled(code),
        }
    }

    fn scrolled(&mut self, code: KeyCode) {
        // How far one can go is known when it is drawn.
        self.follows = false;
        match code {
            KeyCode::Up => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Down => self.scroll += 1,
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(PAGE),
            KeyCode::PageDown => self.scroll += PAGE,
            _ => {}
        }
    }
}
