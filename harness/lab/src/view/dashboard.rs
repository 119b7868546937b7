//! The live view: made for 80 × 24, and for more where there is more.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Cell, Padding, Paragraph, Row, Sparkline, Table};

use super::candlesticks::Candlesticks;
use super::{Chart, FaultState, Phase, View};
use crate::text;

const DIM: Style = Style::new().fg(Color::DarkGray);
const LABEL: Style = Style::new().fg(Color::Gray);

/// Below this the panels would lie over each other.
const LEAST: (u16, u16) = (72, 20);

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
    let happenings = happenings(view);
    let events = (happenings.len() as u16 + 2).clamp(5, (area.height / 5).max(5));
    let [head, top, middle, bottom, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(8),
        Constraint::Min(6),
        Constraint::Length(events),
        Constraint::Length(1),
    ])
    .areas(area);
    header(view, head, frame);
    let [stages_area, latency_area] = Layout::horizontal([Constraint::Length(50), Constraint::Min(22)]).areas(top);
    stages(view, stages_area, frame);
    latency(view, latency_area, frame);
    let [partitions_area, charts_area] =
        Layout::horizontal([Constraint::Length(36), Constraint::Min(30)]).areas(middle);
    partitions(view, partitions_area, frame);
    charts(&view.charts, charts_area, frame);
    let skip = happenings.len().saturating_sub(usize::from(bottom.height) - 2);
    let lines: Vec<Line<'_>> = happenings.into_iter().skip(skip).collect();
    frame.render_widget(Paragraph::new(lines).block(panel("what happened")), bottom);
    footer(view, foot, frame);
}

fn panel(title: &str) -> Block<'_> {
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
    let title = Line::from(vec![
        " Tickbook ".bold().black().on_cyan(),
        Span::raw("  "),
        Span::raw(view.title.as_str()),
    ]);
    frame.render_widget(title, left);
    frame.render_widget(Line::from(time.bold()).alignment(Alignment::Right), right);
}

fn stages(view: &View, area: Rect, frame: &mut Frame<'_>) {
    let right = |text: String| Cell::from(Line::from(text).alignment(Alignment::Right));
    let rows = view.stages.iter().map(|stage| {
        let waiting = match stage.waiting {
            Some(0) => Cell::from(Line::from("–").style(DIM).alignment(Alignment::Right)),
            Some(count) => {
                let style = if count as f64 > stage.rate.max(1_000.0) {
                    Style::new().fg(Color::Yellow)
                } else {
                    Style::new()
                };
                right(text::grouped(count)).style(style)
            }
            None => Cell::from(""),
        };
        let (rate, total) = match stage.total {
            Some(total) => (text::grouped(stage.rate.round().max(0.0) as u64), text::grouped(total)),
            None => ("?".into(), "?".into()),
        };
        Row::new([
            Cell::from(stage.name).style(Style::new().fg(Color::Cyan)),
            right(rate).bold(),
            right(total),
            waiting,
        ])
    });
    let heads = ["", "per second", "trades", "waiting"];
    let head = Row::new(heads.map(|head| Cell::from(Line::from(head).alignment(Alignment::Right)))).style(LABEL);
    let widths = [
        Constraint::Length(10),
        Constraint::Length(11),
        Constraint::Min(11),
        Constraint::Length(10),
    ];
    frame.render_widget(
        Table::new(rows, widths)
            .header(head)
            .block(panel("from the socket to the row")),
        area,
    );
}

fn latency(view: &View, area: Rect, frame: &mut Frame<'_>) {
    let block = panel("latency to the row");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [numbers, label, spark] =
        Layout::vertical([Constraint::Length(3), Constraint::Length(1), Constraint::Min(1)]).areas(inner);
    let row = |name: &str, value: Option<f64>| {
        let value = value.map_or_else(|| "–".into(), text::millis);
        Line::from(vec![
            Span::styled(format!("{name:<8}"), LABEL),
            Span::styled(format!("{value:>10}"), Style::new().bold()),
        ])
    };
    let latency = view.latency;
    let lines = vec![
        row("p50", latency.map(|l| l.p50)),
        row("p99", latency.map(|l| l.p99)),
        row("p99.9", latency.map(|l| l.p999)),
    ];
    frame.render_widget(Paragraph::new(lines), numbers);
    let rows = Line::from(vec![
        Span::styled("candles ", LABEL),
        Span::styled(format!("{:>10}", text::grouped(view.candle_rows)), Style::new().bold()),
        Span::styled("  rows", LABEL),
    ]);
    frame.render_widget(rows, label);
    let skip = view.rows_per_second.len().saturating_sub(usize::from(spark.width));
    frame.render_widget(
        Sparkline::default()
            .data(&view.rows_per_second[skip..])
            .style(Style::new().fg(Color::Cyan)),
        spark,
    );
}

fn partitions(view: &View, area: Rect, frame: &mut Frame<'_>) {
    let right = |text: String| Cell::from(Line::from(text).alignment(Alignment::Right));
    let room = usize::from(area.height.saturating_sub(3));
    let all = view.partitions.len();
    // With more partitions than rows, the ones that lag are those worth a row.
    let mut shown: Vec<_> = view.partitions.iter().collect();
    if all > room {
        shown.sort_by_key(|partition| (std::cmp::Reverse(partition.lag), partition.id));
        shown.truncate(room);
        shown.sort_by_key(|partition| partition.id);
    }
    let rows = shown.into_iter().map(|partition| {
        let delay = match partition.delay_ms {
            None => "–".into(),
            Some(_) if partition.idle => "idle".into(),
            Some(delay) => text::millis(delay.max(0) as f64),
        };
        let worker = match partition.worker.as_str() {
            "" => Cell::from("nobody").style(Style::new().fg(Color::Yellow)),
            name => Cell::from(name),
        };
        let lag = right(text::grouped(partition.lag));
        Row::new([right(partition.id.to_string()), lag.bold(), right(delay), worker])
    });
    let heads = ["#", "lag", "behind"].map(|head| Cell::from(Line::from(head).alignment(Alignment::Right)));
    let head = Row::new(heads.into_iter().chain([Cell::from("worker")])).style(LABEL);
    let widths = [
        Constraint::Length(3),
        Constraint::Length(7),
        Constraint::Length(7),
        Constraint::Min(8),
    ];
    let title = if all > room {
        format!("partitions ({room} of {all})")
    } else {
        "partitions".into()
    };
    frame.render_widget(
        Table::new(rows, widths)
            .header(head)
            .column_spacing(2)
            .block(panel(&title)),
        area,
    );
}

fn charts(charts: &[Chart], area: Rect, frame: &mut Frame<'_>) {
    let empty = Chart {
        name: "candles".into(),
        ..Chart::default()
    };
    let fit = usize::from(area.height / 8).clamp(1, 3).min(charts.len().max(1));
    let places = Layout::vertical(vec![Constraint::Fill(1); fit]).split(area);
    for (place, chart) in places
        .iter()
        .zip(charts.iter().chain(charts.is_empty().then_some(&empty)))
    {
        let block = panel(&chart.name);
        let block = match (
            chart.candles.iter().flatten().next(),
            chart.candles.iter().flatten().last(),
        ) {
            (Some(first), Some(last)) if first.open > 0.0 => {
                let change = (last.close / first.open - 1.0) * 100.0;
                let (mark, color) = if change >= 0.0 {
                    ("▲", Color::Green)
                } else {
                    ("▼", Color::Red)
                };
                block.title(
                    Line::from(vec![
                        Span::raw(format!(" {} ", text::price(last.close))),
                        Span::styled(format!("{mark} {:.2} % ", change.abs()), Style::new().fg(color)),
                    ])
                    .alignment(Alignment::Right),
                )
            }
            _ => block,
        };
        let inner = block.inner(*place);
        frame.render_widget(block, *place);
        frame.render_widget(Candlesticks(chart), inner);
    }
}

/// Faults and events in the order in which they happen, those to come last.
fn happenings(view: &View) -> Vec<Line<'_>> {
    let mut lines: Vec<(u8, std::time::Duration, Line<'_>)> = Vec::new();
    for event in &view.events {
        let style = if event.trouble {
            Style::new().fg(Color::Yellow)
        } else {
            Style::new()
        };
        let line = Line::from(vec![
            Span::styled(format!("{}  ", text::clock(event.at)), LABEL),
            Span::styled(event.text.as_str(), style),
        ]);
        lines.push((0, event.at, line));
    }
    for fault in &view.faults {
        let (order, color, what) = match &fault.state {
            FaultState::Waiting => {
                let left = fault.at.saturating_sub(view.elapsed);
                (1, Color::DarkGray, format!("in {} s", left.as_secs_f64().ceil()))
            }
            FaultState::Striking => (0, Color::Magenta, "strikes".into()),
            FaultState::Struck(what) => (0, Color::Magenta, what.clone()),
            FaultState::Missed(why) => (0, Color::Red, format!("missed: {why}")),
        };
        let line = Line::from(vec![
            Span::styled(format!("{}  ", text::clock(fault.at)), LABEL),
            Span::styled(fault.name.as_str(), Style::new().fg(color).bold()),
            Span::styled(format!("  {what}"), if order == 1 { DIM } else { Style::new() }),
        ]);
        lines.push((order, fault.at, line));
    }
    lines.sort_by_key(|(order, at, _)| (*order, *at));
    lines.into_iter().map(|(_, _, line)| line).collect()
}

fn footer(view: &View, area: Rect, frame: &mut Frame<'_>) {
    let line = match &view.phase {
        Phase::Running => Line::from(vec![
            " q ".bold().black().on_gray(),
            " stop, drain, audit   ".into(),
            " twice ".bold().black().on_gray(),
            " stop at once".into(),
        ]),
        Phase::Draining(waiting) => Line::from(vec![
            " draining ".bold().black().on_yellow(),
            Span::raw(format!(" {waiting}   ")),
            " q ".bold().black().on_gray(),
            " stop at once".into(),
        ]),
    };
    let share = match (view.limit, &view.phase) {
        (Some(limit), Phase::Running) if !limit.is_zero() => {
            (view.elapsed.as_secs_f64() / limit.as_secs_f64()).min(1.0)
        }
        _ => {
            frame.render_widget(line, area);
            return;
        }
    };
    let [left, right] = Layout::horizontal([Constraint::Min(20), Constraint::Length(26)]).areas(area);
    frame.render_widget(line, left);
    let full = (share * 24.0) as usize;
    let bar = Line::from(vec![
        Span::styled("━".repeat(full), Style::new().fg(Color::Cyan)),
        Span::styled("─".repeat(24 - full), DIM),
        Span::raw(" "),
    ]);
    frame.render_widget(bar.alignment(Alignment::Right), right);
}
