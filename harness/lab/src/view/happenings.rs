//! What happened, as a log: the past, newest last, and one row for the fault that is to come.

use std::time::Duration;

use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};

use super::dashboard::{DIM, LABEL};
use super::{FaultState, View};
use crate::text;

/// Columns of the clock; what does not fit on a row goes on below, behind them.
const CLOCK: usize = 7;

struct Entry {
    at: Duration,
    name: String,
    name_style: Style,
    text: String,
    text_style: Style,
    /// Whether a later entry says more: the first to go where there is no room.
    told_again: bool,
}

/// The rows, `width` wide; at most `room` of them if there are more.
pub(super) fn rows(view: &View, width: u16, room: u16) -> Vec<Line<'static>> {
    let mut past = past(view);
    let next = next(view).map(|entry| wrapped(&entry, width));
    // Of what is to come, its beginning is enough.
    let next = next.and_then(|rows| rows.into_iter().next());
    let room = usize::from(room).saturating_sub(usize::from(next.is_some()));
    let draw = |past: &[Entry]| -> Vec<Line<'static>> { past.iter().flat_map(|entry| wrapped(entry, width)).collect() };
    let mut rows = draw(&past);
    if rows.len() > room {
        past.retain(|entry| !entry.told_again);
        rows = draw(&past);
    }
    let skip = rows.len().saturating_sub(room);
    rows.into_iter().skip(skip).chain(next).collect()
}

fn past(view: &View) -> Vec<Entry> {
    let events = view.events.iter().map(|event| Entry {
        at: event.at,
        name: String::new(),
        name_style: Style::new(),
        text: event.text.clone(),
        text_style: match event.trouble {
            true => Style::new().fg(Color::Yellow),
            false => Style::new(),
        },
        told_again: false,
    });
    let mut past: Vec<Entry> = events.collect();
    for fault in view.faults.iter().filter(|fault| fault.state != FaultState::Waiting) {
        let entry = |at, color: Color, text: String, told_again| Entry {
            at,
            name: fault.name.clone(),
            name_style: Style::new().fg(color).bold(),
            text,
            text_style: Style::new(),
            told_again,
        };
        let is_over = fault.state != FaultState::Striking;
        past.push(entry(fault.at, Color::Magenta, "strikes".into(), is_over));
        match &fault.state {
            FaultState::Struck(what) => past.push(entry(fault.over, Color::Magenta, what.clone(), false)),
            FaultState::Missed(why) => {
                past.push(entry(fault.over, Color::Red, format!("did not strike: {why}"), false))
            }
            FaultState::Waiting | FaultState::Striking => {}
        }
    }
    past.sort_by_key(|entry| entry.at);
    past
}

/// The first of the faults that are to come.
fn next(view: &View) -> Option<Entry> {
    let waiting = || view.faults.iter().filter(|fault| fault.state == FaultState::Waiting);
    let fault = waiting().min_by_key(|fault| fault.at)?;
    let left = fault.at.saturating_sub(view.elapsed).as_secs_f64().ceil();
    let more = match waiting().count() - 1 {
        0 => String::new(),
        more => format!(", {more} more after it"),
    };
    Some(Entry {
        at: fault.at,
        name: fault.name.clone(),
        name_style: DIM.bold(),
        text: format!("in {left} s{more}"),
        text_style: DIM,
        told_again: false,
    })
}

/// Broken between words.
fn wrapped(entry: &Entry, width: u16) -> Vec<Line<'static>> {
    let room = usize::from(width).saturating_sub(CLOCK).max(10);
    let name = match entry.name.as_str() {
        "" => String::new(),
        name => format!("{name}  "),
    };
    let mut pieces = vec![String::new()];
    let mut left = room.saturating_sub(name.chars().count());
    for word in entry.text.split(' ') {
        let length = word.chars().count();
        let piece = pieces.last_mut().expect("there is always a last piece");
        let space = usize::from(!piece.is_empty());
        if length + space <= left || piece.is_empty() {
            if space == 1 {
                piece.push(' ');
            }
            piece.push_str(word);
            left = left.saturating_sub(length + space);
        } else {
            pieces.push(word.to_owned());
            left = room.saturating_sub(length);
        }
    }
    let behind = " ".repeat(CLOCK);
    let line = |(i, piece): (usize, String)| match i {
        0 => Line::from(vec![
            Span::styled(format!("{:<CLOCK$}", text::clock(entry.at)), LABEL),
            Span::styled(name.clone(), entry.name_style),
            Span::styled(piece, entry.text_style),
        ]),
        _ => Line::from(vec![Span::raw(behind.clone()), Span::styled(piece, entry.text_style)]),
    };
    pieces.into_iter().enumerate().map(line).collect()
}
