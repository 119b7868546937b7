//! How a session looks: made for 80 × 24, and fuller where there is more.

use std::ops::Range;
use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Padding, Paragraph};

use super::drill::Drill;
use super::session::{Asked, Session, Stage, Step};
use super::summary::Row;
use super::{words, wrap};
use crate::bank::Side;
use crate::bank::template::Piece;
use crate::text::clock;

const DIM: Style = Style::new().fg(Color::DarkGray);
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const NOTE: Style = Style::new().fg(Color::Yellow);

/// Columns of a page's text at most: longer lines are hard to follow.
const WIDEST: u16 = 100;

/// Rows that an answer has at least.
const EDITOR: u16 = 6;

/// What a page shows, and which of its rows is to be seen.
#[derive(Default)]
struct Page {
    lines: Vec<Line<'static>>,
    focus: Range<usize>,
}

/// Draws a moment.
pub(crate) fn draw(drill: &mut Drill, now: Duration, frame: &mut Frame<'_>) {
    let [head, _, body, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    header(&drill.session, now, head, frame);
    let body = Rect {
        x: body.x + 1,
        width: body.width.saturating_sub(2).min(WIDEST),
        ..body
    };
    let columns = usize::from(body.width);
    let session = &drill.session;
    match (session.stage, session.current()) {
        (Stage::Ask { .. }, Some((asked, step))) => {
            let page = question(session, asked, step, columns);
            ask(drill, page, body, frame);
        }
        (Stage::Points { .. }, Some((asked, step))) => {
            let page = points(session, asked, step, drill.picked, columns);
            show(drill, page, body, frame);
        }
        (Stage::Model { .. }, Some((asked, _))) => {
            let page = model(asked, session.terms.side, columns);
            show(drill, page, body, frame);
        }
        (Stage::Score { dimension, .. }, Some((asked, _))) => {
            let page = score(session, asked, dimension, columns);
            show(drill, page, body, frame);
        }
        _ => {
            let page = summary(drill.summary.as_deref().unwrap_or_default(), columns);
            show(drill, page, body, frame);
        }
    }
    footer(drill, foot, frame);
}

fn header(session: &Session, now: Duration, area: Rect, frame: &mut Frame<'_>) {
    let side = session.terms.side;
    let badge = match session.terms.mock {
        true => side.of(" Mock interview ", " 모의 면접 "),
        false => side.of(" Rehearsal ", " 리허설 "),
    };
    let mut left = vec![badge.bold().black().on_cyan()];
    if let Some((asked, step)) = session.current() {
        let at = session.asked.iter().position(|other| other.id == asked.id).unwrap_or(0) + 1;
        let (chapter, kind) = (&asked.chapter, words::kind(step, side));
        left.push(Span::raw(side.of(
            format!("  {at} · chapter {chapter} · {kind}"),
            format!("  {at} · {chapter}장 · {kind}"),
        )));
    }
    let mut right = Vec::new();
    if let Stage::Ask { .. } = session.stage {
        let waited = clock(session.asked_for(now));
        right.push(Span::raw(
            side.of(format!("this one {waited} · "), format!("이 질문 {waited} · ")),
        ));
    }
    let time = format!("{} / {} ", clock(now), clock(session.terms.limit));
    let is_over = now >= session.terms.limit;
    right.push(Span::styled(time, if is_over { BOLD.fg(Color::Red) } else { BOLD }));
    let right = Line::from(right);
    let room = Constraint::Length(right.width() as u16);
    let [place, clocks] = Layout::horizontal([Constraint::Min(10), room]).areas(area);
    frame.render_widget(Line::from(left), place);
    frame.render_widget(right, clocks);
}

fn footer(drill: &Drill, area: Rect, frame: &mut Frame<'_>) {
    let (session, typed) = (&drill.session, !drill.editor.is_blank());
    let mut spans = vec![Span::raw(" ")];
    for (at, (key, does)) in words::keys(session.stage, typed, session.terms.side)
        .into_iter()
        .enumerate()
    {
        if at > 0 {
            spans.push(" · ".into());
        }
        spans.extend([Span::styled(key, BOLD), Span::raw(format!(": {does}"))]);
    }
    frame.render_widget(Line::from(spans), area);
}

/// What is asked; above a follow-up the question that it belongs to.
fn question(session: &Session, asked: &Asked, step: &Step, columns: usize) -> Page {
    let side = session.terms.side;
    let mut lines = Vec::new();
    match step.kind {
        Some(kind) => {
            lines.extend(wrap::plain("", &asked.steps[0].ask, DIM, columns));
            lines.extend(wrap::plain(&format!("{}: ", kind.name(side)), &step.ask, BOLD, columns));
        }
        None => {
            lines.extend(wrap::plain("", &step.ask, BOLD, columns));
            for gap in words::gaps(asked, side) {
                lines.extend(wrap::plain("! ", &gap, NOTE, columns));
            }
        }
    }
    lines.push(Line::default());
    Page {
        lines,
        focus: Range::default(),
    }
}

fn ask(drill: &mut Drill, page: Page, area: Rect, frame: &mut Frame<'_>) {
    let rows = (page.lines.len() as u16).min(area.height.saturating_sub(EDITOR));
    let [top, below] = Layout::vertical([Constraint::Length(rows), Constraint::Min(1)]).areas(area);
    frame.render_widget(Paragraph::new(page.lines), top);
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(DIM)
        .padding(Padding::horizontal(1))
        .title(format!(" {} ", words::your_answer(drill.session.terms.side)));
    let inside = block.inner(below);
    frame.render_widget(block, below);
    // The cursor may stand behind a row's last letter.
    let columns = usize::from(inside.width.saturating_sub(1)).max(2);
    drill.columns = columns;
    let (row, column) = drill.editor.place(columns);
    let above = (row + 1).saturating_sub(usize::from(inside.height));
    let rows = drill.editor.rows(columns).into_iter().skip(above).map(Line::from);
    frame.render_widget(Paragraph::new(rows.collect::<Vec<_>>()), inside);
    // Where an input method draws what is being composed.
    frame.set_cursor_position(Position {
        x: inside.x + (column as u16).min(inside.width.saturating_sub(1)),
        y: inside.y + (row.saturating_sub(above) as u16).min(inside.height.saturating_sub(1)),
    });
}

fn points(session: &Session, asked: &Asked, step: &Step, picked: usize, columns: usize) -> Page {
    let side = session.terms.side;
    let mut page = question(session, asked, step, columns);
    page.lines
        .extend(wrap::plain("", words::points_title(side), BOLD, columns));
    for (at, point) in step.points.iter().enumerate() {
        let from = page.lines.len();
        let mark = match (point.open, point.ticked) {
            (true, _) => '-',
            (false, true) => 'x',
            (false, false) => ' ',
        };
        let pointer = if at == picked { '›' } else { ' ' };
        let lead = format!("{pointer} [{mark}] {} ", at + 1);
        page.lines
            .extend(wrap::styled(&lead, &spans(&point.pieces, side), columns));
        if at == picked {
            page.focus = from..page.lines.len();
        }
    }
    page.lines.push(Line::default());
    let answer = format!("{}: ", words::your_answer(side));
    let given = match &step.given {
        None => String::new(),
        Some(given) => match given.text.as_deref() {
            None => words::said_aloud(given.took, side),
            Some("") => words::nothing(side).to_owned(),
            Some(text) => text.to_owned(),
        },
    };
    page.lines.extend(wrap::plain(&answer, &given, DIM, columns));
    page
}

fn model(asked: &Asked, side: Side, columns: usize) -> Page {
    let mut lines = wrap::plain("", &asked.steps[0].ask, DIM, columns);
    lines.push(Line::default());
    lines.extend(wrap::plain("", words::model_title(side), BOLD, columns));
    lines.extend(wrap::styled("", &spans(&asked.answer, side), columns));
    lines.push(Line::default());
    lines.extend(wrap::plain("", words::wrong_title(side), BOLD, columns));
    for wrong in &asked.wrong {
        lines.extend(wrap::plain("✗ ", &wrong.says, Style::new(), columns));
        lines.extend(wrap::plain("  ", &wrong.why, DIM, columns));
    }
    lines.push(Line::default());
    let source = format!("{} ({}), {}", asked.source.title, asked.source.date, asked.source.url);
    lines.extend(wrap::plain(
        &format!("{}: ", words::source_title(side)),
        &source,
        DIM,
        columns,
    ));
    Page {
        lines,
        focus: Range::default(),
    }
}

fn score(session: &Session, asked: &Asked, dimension: usize, columns: usize) -> Page {
    let side = session.terms.side;
    let mut lines = wrap::plain("", &asked.steps[0].ask, DIM, columns);
    lines.extend(wrap::plain("", &words::named(asked, side), DIM, columns));
    let mut given = Vec::new();
    for (at, (each, score)) in session.terms.rubric.dimensions.iter().zip(asked.scores).enumerate() {
        let score = score.map_or("–".to_owned(), |score| score.to_string());
        let style = if at == dimension { BOLD } else { DIM };
        let between = if at > 0 { " · " } else { "" };
        given.push((format!("{between}{} {score}", each.signals(side).name), style));
    }
    lines.extend(wrap::styled("", &given, columns));
    lines.push(Line::default());
    let signals = session.terms.rubric.dimensions[dimension].signals(side);
    let title = format!("{} · {}", signals.name, signals.asks);
    lines.extend(wrap::plain("", &title, BOLD, columns));
    lines.push(Line::default());
    for (at, band) in signals.bands.iter().enumerate() {
        let is_given = asked.scores[dimension] == Some(at as u8 + 1);
        let pointer = if is_given { '›' } else { ' ' };
        lines.extend(wrap::plain(
            &format!("{pointer} {}  ", at + 1),
            band,
            Style::new(),
            columns,
        ));
    }
    Page {
        lines,
        focus: Range::default(),
    }
}

fn summary(rows: &[Row], columns: usize) -> Page {
    let mut lines: Vec<Line<'static>> = Vec::new();
    for row in rows {
        match row {
            Row::Heading(text) => {
                if !lines.is_empty() {
                    lines.push(Line::default());
                }
                lines.extend(wrap::plain("", text, BOLD, columns));
            }
            Row::Item(text) => lines.extend(wrap::plain("  ", text, Style::new(), columns)),
        }
    }
    Page {
        lines,
        focus: Range::default(),
    }
}

/// Draws a page from where the reader has scrolled to, and says at its edge that there is more.
fn show(drill: &mut Drill, page: Page, area: Rect, frame: &mut Frame<'_>) {
    let height = usize::from(area.height);
    let most = page.lines.len().saturating_sub(height);
    if drill.follows {
        let (from, to) = (page.focus.start, page.focus.end);
        // Where there is no room for all of a point its beginning is shown.
        drill.scroll = drill.scroll.max(to.saturating_sub(height.saturating_sub(1))).min(from);
    }
    drill.scroll = drill.scroll.min(most);
    let lines: Vec<Line<'_>> = page.lines.into_iter().skip(drill.scroll).take(height).collect();
    frame.render_widget(Paragraph::new(lines), area);
    let edge = |y: u16, sign: &'static str| Rect {
        x: area.x + area.width,
        y,
        width: sign.chars().count() as u16,
        height: 1,
    };
    if drill.scroll > 0 {
        frame.render_widget(Span::styled("↑", BOLD), edge(area.y, "↑").clamp(frame.area()));
    }
    if drill.scroll < most {
        let last = area.y + area.height.saturating_sub(1);
        frame.render_widget(Span::styled("↓", BOLD), edge(last, "↓").clamp(frame.area()));
    }
}

/// Pieces with their styles: own numbers stand out, missing ones more so.
fn spans(pieces: &[Piece], side: Side) -> Vec<(String, Style)> {
    let style = |piece: &Piece| match piece {
        Piece::Text(_) => Style::new(),
        Piece::Number(number) if number.own => BOLD.fg(Color::Cyan),
        Piece::Number(_) => Style::new().fg(Color::Cyan),
        Piece::Blank(_) => NOTE,
    };
    pieces.iter().map(|piece| (piece.words(side), style(piece))).collect()
}
