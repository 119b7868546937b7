//! The panels of the live view.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Cell, Dataset, GraphType, Paragraph, Row, Sparkline, Table};

use super::candlesticks::{Candlesticks, round_up};
use super::dashboard::{DIM, LABEL, panel};
use super::{Chart, View};
use crate::text;

/// What a chart needs to be worth looking at.
const CHART: (u16, u16) = (48, 9);

/// A panel of partitions that is narrower than this has no room for whole names.
const WHOLE_NAMES: u16 = 44;

fn right(text: String) -> Cell<'static> {
    Cell::from(Line::from(text).alignment(Alignment::Right))
}

fn unknown() -> Cell<'static> {
    right("–".into()).style(DIM)
}

/// From the exchange to the table.
pub(super) fn stages(view: &View, area: Rect, frame: &mut Frame<'_>) {
    let rows = view.stages.iter().map(|stage| {
        let waiting = match stage.waiting {
            Some(0) => unknown(),
            Some(count) if count as f64 > stage.rate.unwrap_or(0.0).max(1_000.0) => {
                right(text::grouped(count)).style(Style::new().fg(Color::Yellow))
            }
            Some(count) => right(text::grouped(count)),
            None => Cell::from(""),
        };
        // Nobody counts what a real exchange executes.
        let rate = stage.rate.filter(|_| stage.total.is_some());
        Row::new([
            Cell::from(stage.name).style(Style::new().fg(Color::Cyan)),
            rate.map_or_else(unknown, |rate| {
                right(text::grouped(rate.round().max(0.0) as u64)).bold()
            }),
            stage.total.map_or_else(unknown, |total| right(text::grouped(total))),
            waiting,
        ])
    });
    let over = view
        .rates_over
        .map_or(5, |over| over.as_secs_f64().round().max(1.0) as u64);
    let heads = [
        "".into(),
        format!("/s over {over} s"),
        "trades".into(),
        "waiting".into(),
    ];
    let head = Row::new(heads.map(|head| Cell::from(Line::from(head).alignment(Alignment::Right)))).style(LABEL);
    let widths = [
        Constraint::Length(9),
        Constraint::Length(12),
        Constraint::Min(11),
        Constraint::Length(10),
    ];
    let candles = text::plural(view.candle_rows, "candle row", "candle rows");
    let block = panel("from the socket to the row")
        .title_bottom(Line::from(Span::styled(format!(" {candles} "), LABEL)).alignment(Alignment::Right));
    frame.render_widget(Table::new(rows, widths).header(head).block(block), area);
}

fn latencies(view: &View) -> Vec<Line<'static>> {
    // While nothing arrives, the last good figures are not what a trade would see now.
    let latency = view.latency.filter(|_| view.stalled.is_none());
    let row = |name: &str, value: Option<f64>| {
        let value = value.map_or_else(|| "–".into(), text::millis);
        Line::from(vec![
            Span::styled(format!("{name:<10}"), LABEL),
            Span::styled(format!("{value:>9}"), Style::new().bold()),
        ])
    };
    let mut lines = vec![
        row("p50", latency.map(|l| l.p50)),
        row("p99", latency.map(|l| l.p99)),
        row("p99.9", latency.map(|l| l.p999)),
    ];
    if let Some(since) = view.stalled {
        let since = text::millis(since.as_secs_f64() * 1e3);
        lines.push(Line::styled(
            format!("no row for{since:>9}"),
            Style::new().fg(Color::Yellow),
        ));
    }
    lines
}

/// Only the latencies.
pub(super) fn latency(view: &View, area: Rect, frame: &mut Frame<'_>) {
    let block = panel("latency to the row").title_bottom(over(view));
    frame.render_widget(Paragraph::new(latencies(view)).block(block), area);
}

fn over(view: &View) -> Line<'static> {
    match view.latency.filter(|_| view.stalled.is_none()) {
        Some(_) => Line::styled(" of the last 5 s ", LABEL).alignment(Alignment::Right),
        None => Line::default(),
    }
}

/// Both in one panel, for where there is room for no more.
pub(super) fn latency_and_rows(view: &View, area: Rect, frame: &mut Frame<'_>) {
    let width = usize::from(area.width.saturating_sub(4));
    let skip = view.rows_per_second.len().saturating_sub(width);
    let shown = &view.rows_per_second[skip..];
    let most = shown.iter().max().copied();
    let label = match most {
        Some(most) => format!(" rows/s, highest {} ", text::grouped(most)),
        None => " rows/s ".into(),
    };
    let block = panel("latency to the row").title_bottom(Line::styled(label, LABEL).alignment(Alignment::Right));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let lines = latencies(view);
    let [numbers, spark] = Layout::vertical([Constraint::Length(lines.len() as u16), Constraint::Min(1)]).areas(inner);
    frame.render_widget(Paragraph::new(lines), numbers);
    let spark = Rect {
        y: spark.bottom().saturating_sub(2),
        height: spark.height.min(2),
        ..spark
    };
    frame.render_widget(
        Sparkline::default().data(shown).style(Style::new().fg(Color::Cyan)),
        spark,
    );
}

/// The rows of each second as a line over time.
pub(super) fn rows(view: &View, area: Rect, frame: &mut Frame<'_>) {
    let seconds = view.rows_per_second.len();
    let span = seconds.saturating_sub(1).max(1) as f64;
    let points: Vec<(f64, f64)> = view
        .rows_per_second
        .iter()
        .enumerate()
        .map(|(i, rows)| (i as f64 - span, *rows as f64))
        .collect();
    let most = view.rows_per_second.iter().max().copied().unwrap_or(0);
    let step = round_up((most as f64 / 4.0).max(1.0));
    let top = (most as f64 / step).ceil().max(1.0) * step;
    let line = Dataset::default()
        .marker(Marker::Braille)
        .graph_type(GraphType::Line)
        .style(Style::new().fg(Color::Cyan))
        .data(&points);
    let label = |value: f64| text::grouped(value as u64);
    let highest = Line::styled(format!(" highest {} ", text::grouped(most)), LABEL).alignment(Alignment::Right);
    let chart = ratatui::widgets::Chart::new(vec![line])
        .block(panel("rows per second").title(highest))
        .x_axis(
            Axis::default()
                .style(DIM)
                .bounds([-span, 0.0])
                .labels([format!("{span} s ago"), "now".into()]),
        )
        .y_axis(
            Axis::default()
                .style(DIM)
                .bounds([0.0, top])
                .labels([label(0.0), label(top / 2.0), label(top)]),
        );
    frame.render_widget(chart, area);
}

/// Lag, watermark and owner of each partition.
pub(super) fn partitions(view: &View, area: Rect, frame: &mut Frame<'_>) {
    let room = usize::from(area.height.saturating_sub(3));
    let all = view.partitions.len();
    // With more partitions than rows, the ones that lag are those worth a row.
    let mut shown: Vec<_> = view.partitions.iter().collect();
    if all > room {
        shown.sort_by_key(|partition| (std::cmp::Reverse(partition.lag), partition.id));
        shown.truncate(room);
        shown.sort_by_key(|partition| partition.id);
    }
    let whole = area.width >= WHOLE_NAMES;
    let rows = shown.into_iter().map(|partition| {
        let delay = match partition.delay_ms {
            None => "–".into(),
            Some(_) if partition.idle => "idle".into(),
            Some(delay) => text::millis(delay.max(0) as f64),
        };
        let worker = match partition.worker.as_str() {
            "" => Cell::from("nobody").style(Style::new().fg(Color::Yellow)),
            name if whole => Cell::from(name.to_owned()),
            name => Cell::from(short(name)),
        };
        let lag = partition
            .lag
            .map_or_else(unknown, |lag| right(text::grouped(lag)).bold());
        Row::new([right(partition.id.to_string()), lag, right(delay), worker])
    });
    let heads = ["#", "lag", "behind"].map(|head| Cell::from(Line::from(head).alignment(Alignment::Right)));
    let head = Row::new(heads.into_iter().chain([Cell::from("worker")])).style(LABEL);
    let (lag, behind) = if whole { (9, 8) } else { (8, 7) };
    let widths = [
        Constraint::Length(2),
        Constraint::Length(lag),
        Constraint::Length(behind),
        Constraint::Min(8),
    ];
    let title = if all > room {
        format!("partitions ({room} of {all})")
    } else {
        "partitions".into()
    };
    let table = Table::new(rows, widths)
        .header(head)
        .column_spacing(if whole { 2 } else { 1 });
    frame.render_widget(table.block(panel(&title)), area);
}

/// `worker-1-0` as `w1.0` and `joined-4711` as `j4711`: what tells them apart comes last, where a narrow column cuts.
pub(super) fn short(name: &str) -> String {
    match name.split_once('-') {
        Some((kind, number)) if number.starts_with(|first: char| first.is_ascii_digit()) => {
            let kind: String = kind.chars().take(1).collect();
            format!("{kind}{}", number.replace('-', "."))
        }
        _ => name.to_owned(),
    }
}

/// As many as are worth looking at, side by side and below each other.
pub(super) fn charts(charts: &[Chart], area: Rect, frame: &mut Frame<'_>) {
    let empty = [Chart {
        name: "candles".into(),
        ..Chart::default()
    }];
    let charts = if charts.is_empty() { &empty } else { charts };
    let columns = usize::from(area.width / CHART.0).clamp(1, charts.len());
    let rows = usize::from(area.height / CHART.1).clamp(1, charts.len().div_ceil(columns));
    // A row that would not be full is left to those above it.
    let rows = rows.min((charts.len() / columns).max(1));
    let lines = Layout::vertical(vec![Constraint::Fill(1); rows]).split(area);
    let places = lines.iter().flat_map(|line| {
        Layout::horizontal(vec![Constraint::Fill(1); columns])
            .split(*line)
            .to_vec()
    });
    for (place, chart) in places.zip(charts) {
        one(chart, place, frame);
    }
}

fn one(chart: &Chart, area: Rect, frame: &mut Frame<'_>) {
    let mut block = panel(&chart.name);
    let candles = || chart.candles.iter().flatten();
    if let (Some(first), Some(last)) = (candles().next(), candles().last())
        && first.open > 0.0
    {
        let change = (last.close / first.open - 1.0) * 100.0;
        let (mark, color) = match change >= 0.0 {
            true => ("▲", Color::Green),
            false => ("▼", Color::Red),
        };
        let close = text::price(last.close);
        let close = close.strip_suffix(".0").unwrap_or(&close);
        let price = Line::from(vec![
            Span::raw(format!(" {close} ")),
            Span::styled(format!("{mark} {:.2} % ", change.abs()), Style::new().fg(color)),
        ]);
        block = block.title(price.alignment(Alignment::Right));
    }
    let inner = block.inner(area);
    frame.render_widget(block, area);
    frame.render_widget(Candlesticks(chart), inner);
}
