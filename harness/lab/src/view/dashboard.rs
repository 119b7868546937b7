//! The live view: made for 80 × 24, and for more where there is more.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Padding, Paragraph};

use super::{Phase, View, happenings, panels};
use crate::text;

pub(super) const DIM: Style = Style::new().fg(Color::DarkGray);
pub(super) const LABEL: Style = Style::new().fg(Color::Gray);

/// Below this the panels would lie over each other.
const LEAST: (u16, u16) = (80, 24);

/// From here on the charts have a side of their own.
const LARGE: (u16, u16) = (110, 34);

/// Height of the stages' panel.
const STAGES: u16 = 8;

/// Draws a moment on the whole frame.
pub fn draw(view: &View, frame: &mut Frame<'_>) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let ask = format!(
            "The live view needs {} × {}; this is {} × {}.",
            LEAST.0, LEAST.1, area.width, area.height
        );
        let lines = vec![Line::from(ask), Line::from(super::line(view)).style(DIM)];
        frame.render_widget(Paragraph::new(lines).wrap(ratatui::widgets::Wrap { trim: true }), area);
        return;
    }
    let is_large = area.width >= LARGE.0 && area.height >= LARGE.1;
    let partitions = view.partitions.len().max(1) as u16 + 3;
    // The past gets what the partitions can do without; a chart that is lower than this shows nothing.
    let upper = match is_large {
        true => STAGES + 2 * STAGES + partitions.min(area.height / 3),
        false => STAGES + partitions.clamp(9, area.height / 2),
    };
    let most = area.height.saturating_sub(upper + 2).clamp(5, (area.height / 3).max(5));
    let happened = happenings::rows(view, area.width - 4, most - 2);
    let height = (happened.len() as u16 + 2).clamp(5, most);
    let [head, body, bottom, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(10),
        Constraint::Length(height),
        Constraint::Length(1),
    ])
    .areas(area);
    header(view, head, frame);
    match is_large {
        true => large(view, partitions, body, frame),
        false => small(view, body, frame),
    }
    frame.render_widget(Paragraph::new(happened).block(panel("what happened")), bottom);
    footer(view, foot, frame);
}

/// Two rows of two panels.
fn small(view: &View, area: Rect, frame: &mut Frame<'_>) {
    let [top, middle] = Layout::vertical([Constraint::Length(STAGES), Constraint::Min(6)]).areas(area);
    let [stages, latency] = Layout::horizontal([Constraint::Length(50), Constraint::Min(22)]).areas(top);
    panels::stages(view, stages, frame);
    panels::latency_and_rows(view, latency, frame);
    let left = if area.width < 100 { 36 } else { 46 };
    let [partitions, charts] = Layout::horizontal([Constraint::Length(left), Constraint::Min(30)]).areas(middle);
    panels::partitions(view, partitions, frame);
    panels::charts(&view.charts, charts, frame);
}

/// Figures on the left, charts on the right.
fn large(view: &View, rows: u16, area: Rect, frame: &mut Frame<'_>) {
    let [left, charts] = Layout::horizontal([Constraint::Length(50), Constraint::Min(30)]).areas(area);
    let spare = area.height.saturating_sub(STAGES + 6 + 7).max(5);
    let [stages, latency, arriving, partitions] = Layout::vertical([
        Constraint::Length(STAGES),
        Constraint::Length(6),
        Constraint::Min(7),
        Constraint::Length(rows.min(spare)),
    ])
    .areas(left);
    panels::stages(view, stages, frame);
    panels::latency(view, latency, frame);
    panels::rows(view, arriving, frame);
    panels::partitions(view, partitions, frame);
    panels::charts(&view.charts, charts, frame);
}

pub(super) fn panel(title: &str) -> Block<'_> {
    Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(DIM)
        .padding(Padding::horizontal(1))
        .title(Span::styled(
            format!(" {title} "),
            Style::new().add_modifier(Modifier::BOLD),
        ))
}

fn header(view: &View, area: Rect, frame: &mut Frame<'_>) {
    let time = match view.limit {
        Some(limit) => format!("{} / {} ", text::clock(view.elapsed), text::clock(limit)),
        None => format!("{} ", text::clock(view.elapsed)),
    };
    let [left, right] = Layout::horizontal([Constraint::Min(10), Constraint::Length(time.len() as u16)]).areas(area);
    let badge = " Tickbook ";
    let room = usize::from(left.width).saturating_sub(badge.len() + 2 + view.title.chars().count());
    // Where it does not fit, whose code it is matters more than which, and what is not said is the reference.
    let numbers: Vec<&str> = view
        .mine
        .iter()
        .filter_map(|lab| Some(lab.split_once('-')?.0))
        .collect();
    let mut words = vec![ledger::whose(&view.mine)];
    if !view.mine.is_empty() {
        words.extend([&view.mine.join(", "), &numbers.join(" ")].map(|labs| format!("yours: {labs}")));
        words.push("yours".into());
    }
    let fits = words.iter().find(|words| words.chars().count() + 3 <= room);
    let title = Line::from(vec![
        badge.bold().black().on_cyan(),
        Span::raw("  "),
        Span::raw(view.title.as_str()),
        Span::raw(fits.map(|words| format!(" · {words}")).unwrap_or_default()),
    ]);
    frame.render_widget(title, left);
    frame.render_widget(Line::from(time.bold()).alignment(Alignment::Right), right);
}

fn footer(view: &View, area: Rect, frame: &mut Frame<'_>) {
    let key = |key: &'static str| Span::styled(key, Style::new().bold());
    let (badge, waiting, more) = match &view.phase {
        Phase::Running => {
            let keys = vec![
                " ".into(),
                key("q"),
                " or ".into(),
                key("Ctrl-C"),
                ": stop, drain, audit · ".into(),
                key("again"),
                ": stop at once".into(),
            ];
            let keys = Line::from(keys);
            let room = area.width.saturating_sub(keys.width() as u16 + 2).min(26);
            let [left, right] = Layout::horizontal([Constraint::Min(20), Constraint::Length(room)]).areas(area);
            frame.render_widget(keys, left);
            bar(view, right, frame);
            return;
        }
        Phase::Ending(waiting) => (" ending ", waiting.clone(), "; trades still flow"),
        Phase::Auditing(round) => (
            " auditing ",
            format!("the audit of round {round}"),
            "; the exchange pauses",
        ),
        Phase::Draining(waiting) => (" draining ", waiting.clone(), ""),
    };
    // A run that came to its end by itself takes the first wish for what it does already.
    let keys = Line::from(match view.wished {
        true => vec![key("q"), ": stop at once ".into()],
        false => vec![key("q"), " twice: stop at once ".into()],
    });
    let room = Constraint::Length(keys.width() as u16 + 1);
    let [left, right] = Layout::horizontal([Constraint::Min(20), room]).areas(area);
    let room = usize::from(left.width).saturating_sub(badge.len() + 1);
    // Where it does not fit, what is waited for matters more than the grammar.
    let words = [
        format!(" waiting for {waiting}{more}"),
        format!(" waiting for {waiting}"),
        format!(" {waiting}"),
    ];
    let fits = words.iter().find(|words| words.chars().count() <= room);
    let waiting = fits.unwrap_or(&words[2]).clone();
    let line = Line::from(vec![badge.bold().black().on_yellow(), waiting.into()]);
    frame.render_widget(line, left);
    frame.render_widget(keys.alignment(Alignment::Right), right);
}

/// How much of a run with an end is over.
fn bar(view: &View, area: Rect, frame: &mut Frame<'_>) {
    let Some(limit) = view.limit.filter(|limit| !limit.is_zero()) else {
        return;
    };
    let share = (view.elapsed.as_secs_f64() / limit.as_secs_f64()).min(1.0);
    let width = usize::from(area.width.saturating_sub(1));
    let full = (share * width as f64) as usize;
    let bar = Line::from(vec![
        Span::styled("━".repeat(full), Style::new().fg(Color::Cyan)),
        Span::styled("─".repeat(width - full), DIM),
        Span::raw(" "),
    ]);
    frame.render_widget(bar.alignment(Alignment::Right), area);
}
