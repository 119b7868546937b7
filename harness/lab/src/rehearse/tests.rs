//! Rehearsals with a clock of the test's own, on a small bank; each module one side of them.

mod keeping;
mod lines;
mod scheduling;
mod screens;
mod sessions;

use std::cell::Cell;
use std::time::Duration;

use jiff::civil::{Date, date};
use tempfile::TempDir;

use super::drill::Moment;
use super::review::Review;
use super::session::{Asked, Session, Terms};
use crate::bank::template::{Blank, Gap, Number, Piece, Why};
use crate::bank::{Bank, FOLDER, Side};

/// The day of every test.
const TODAY: Date = date(2026, 11, 22);

/// A checkout that holds a bank and nothing else.
fn checkout() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(FOLDER);
    std::fs::create_dir_all(&folder).unwrap();
    for (name, text) in [
        ("05-acks.toml", include_str!("tests/acks.toml")),
        ("08-watermarks.toml", include_str!("tests/watermarks.toml")),
        ("rubric.toml", include_str!("tests/rubric.toml")),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    root
}

fn bank() -> Bank {
    let bank = Bank::read(checkout().path());
    assert_eq!(bank.broken, [], "see rehearse/tests/*.toml");
    bank
}

/// Own numbers, and one that is stale.
fn known(blank: &Blank) -> Piece {
    let number = |text: &str| {
        Piece::Number(Number {
            text: text.into(),
            own: true,
            marks: Vec::new(),
        })
    };
    match blank.to_string().as_str() {
        "acks-cost p99 acks=all brokers=3" => number("12.4 ms"),
        "acks-cost p99 acks=1 brokers=3" => number("8.1 ms"),
        "acks-cost p99 acks=all brokers=3 / acks-cost p99 acks=1 brokers=3" => number("1.53×"),
        _ => Piece::Blank(Gap {
            why: Why::Stale(measure::Stale::Code),
            measure: "./lab bench 08".into(),
        }),
    }
}

fn session(bank: &Bank, side: Side, mock: bool, minutes: u64) -> Session {
    let terms = Terms {
        side,
        mock,
        limit: Duration::from_secs(minutes * 60),
        rubric: bank.rubric.clone().unwrap(),
    };
    let asked = bank.questions.iter().map(|question| Asked::new(question, side, &known));
    Session::new(terms, asked.collect())
}

/// A clock that stands still until it is moved.
#[derive(Default)]
struct Clock(Cell<u64>);

impl Clock {
    fn forward(&self, seconds: u64) {
        self.0.set(self.0.get() + seconds);
    }

    fn now(&self) -> Moment {
        Moment {
            elapsed: Duration::from_secs(self.0.get()),
            date: "2026-11-22T12:00:00Z".into(),
            day: TODAY,
        }
    }
}

fn review(question: &str, day: Date, bands: [u8; 4]) -> Review {
    let ids = ["mechanism", "limits", "evidence", "operation"];
    Review {
        question: question.into(),
        date: format!("{day}T12:00:00Z"),
        day,
        lang: "en".into(),
        mock: false,
        seconds: 90,
        spoken: false,
        scores: ids.map(str::to_owned).into_iter().zip(bands).collect(),
        named: 1,
        of: 3,
        missed: Vec::new(),
        digest: String::new(),
    }
}
