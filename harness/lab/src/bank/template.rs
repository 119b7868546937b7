//! Answers with blanks, `{{acks-cost p99 acks=all brokers=3}}` or `{{A / B}}` for a ratio, and the numbers in their places.

use std::fmt;

use measure::{FigureName, Stale};

use super::Side;
use crate::measuring::quoted::Mark;

/// What stands between `{{` and `}}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Blank {
    /// A figure.
    Figure(FigureName),
    /// The first figure in multiples of the second.
    Ratio(FigureName, FigureName),
}

impl fmt::Display for Blank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Figure(name) => write!(f, "{name}"),
            Self::Ratio(of, over) => write!(f, "{of} / {over}"),
        }
    }
}

impl Blank {
    pub(crate) fn figures(&self) -> Vec<&FigureName> {
        match self {
            Self::Figure(name) => vec![name],
            Self::Ratio(of, over) => vec![of, over],
        }
    }
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    Text(&'a str),
    Blank(Blank),
}

/// A number that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) why: Why,
    /// The command that cures it: `./lab bench 05`.
    pub(crate) measure: String,
}

/// Why there is no number to quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// It was never measured.
    Missing,
    /// It was, and something has changed since.
    Stale(Stale),
}

/// A piece of an answer that is filled in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    Text(String),
    Number(Number),
    Blank(Gap),
}

/// A number as it is quoted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Number {
    /// With its unit: `12.5 ms`.
    pub(crate) text: String,
    /// Whether it is the reader's own; else it is the reference's.
    pub(crate) own: bool,
    /// What must be said beside it.
    pub(crate) marks: Vec<Mark>,
}

/// Takes a template apart.
///
/// # Errors
/// A blank that is not closed or names no figure: what, and what to do.
pub(crate) fn parse(text: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, from)) = rest.split_once("{{") {
        let Some((inside, after)) = from.split_once("}}") else {
            return Err("a blank that begins with {{ is not closed; write }} behind it".into());
        };
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        let figure = |words: &str| words.trim().parse::<FigureName>().map_err(|error| error.to_string());
        parts.push(Part::Blank(match inside.split_once(" / ") {
            Some((of, over)) => Blank::Ratio(figure(of)?, figure(over)?),
            None => Blank::Figure(figure(inside)?),
        }));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    Ok(parts)
}

/// The blanks of a template; none of one that cannot be taken apart.
pub(crate) fn blanks(text: &str) -> Vec<Blank> {
    let parts = parse(text).unwrap_or_default().into_iter();
    let blank = |part| match part {
        Part::Blank(blank) => Some(blank),
        Part::Text(_) => None,
    };
    parts.filter_map(blank).collect()
}

/// Fills a template with what is known of each blank today.
pub(crate) fn fill(text: &str, known: &dyn Fn(&Blank) -> Piece) -> Vec<Piece> {
    // A bank that was read has no other templates.
    let Ok(parts) = parse(text) else {
        return vec![Piece::Text(text.to_owned())];
    };
    let piece = |part| match part {
        Part::Text(text) => Piece::Text(text.to_owned()),
        Part::Blank(blank) => known(&blank),
    };
    parts.into_iter().map(piece).collect()
}

impl Mark {
    /// In a word or two, in either language.
    fn words(self, side: Side) -> &'static str {
        match self {
            Self::Quick => side.of("quick run", "간이 측정"),
            Self::Stale(stale) => Why::Stale(stale).clause(side),
            Self::Wide(_) => side.of("spreads too widely to conclude from", "편차가 커서 결론을 낼 수 없음"),
        }
    }
}

impl Why {
    /// As a clause.
    pub(crate) fn clause(self, side: Side) -> &'static str {
        match self {
            Self::Missing => side.of("not measured yet", "아직 측정하지 않음"),
            Self::Stale(Stale::Code) => side.of("stale: the code has changed since", "오래된 값: 그 뒤로 코드가 바뀜"),
            Self::Stale(Stale::Server) => side.of(
                "stale: a server's version has changed since",
                "오래된 값: 그 뒤로 서버 버전이 바뀜",
            ),
            Self::Stale(Stale::Machine) => side.of("stale: this is another machine", "오래된 값: 다른 장비에서 잰 값"),
        }
    }
}

/// Pieces as plain text: the reference's numbers are marked, and what is missing says which command measures it.
pub(crate) fn plain(pieces: &[Piece], side: Side) -> String {
    pieces.iter().map(|piece| piece.words(side)).collect()
}

impl Piece {
    /// As plain text.
    pub(crate) fn words(&self, side: Side) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => {
                let whose = (!number.own).then(|| side.of("reference", "참고 값"));
                let marks = number.marks.iter().map(|mark| mark.words(side));
                let mut marks: Vec<&str> = whose.into_iter().chain(marks).collect();
                // Of a ratio both may spread, each by its own.
                marks.dedup();
                let text = match side {
                    Side::English => number.text.clone(),
                    Side::Korean => korean(&number.text),
                };
                match marks.is_empty() {
                    true => text,
                    false => format!("{text} ({})", marks.join(", ")),
                }
            }
            Self::Blank(gap) => format!("____ ({}: {})", gap.why.clause(side), gap.measure),
        }
    }
}

/// A number with its unit as a Korean sentence has it. What is counted is named before it, so `2,622 records` is `2,622개`. All of these end
/// in a vowel, as units like ms and % do when read: the bank's sentences have the particles for that.
fn korean(text: &str) -> String {
    let Some((number, unit)) = text.rsplit_once(' ') else {
        return text.to_owned();
    };
    let counted =
        |unit: &str| unit.len() > 2 && unit.ends_with('s') && unit.bytes().all(|byte| byte.is_ascii_lowercase());
    match unit {
        "attempts" | "operations" | "steps" => format!("{number}회"),
        "bytes" | "B" => format!("{number}바이트"),
        _ if counted(unit) => format!("{number}개"),
        _ if unit.strip_suffix("/s").is_some_and(counted) => format!("초당 {number}개"),
        _ => text.to_owned(),
    }
}
