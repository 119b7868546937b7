//! Candles as characters: one column each, two steps of height per row.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::widgets::Widget;

use super::{Candle, Chart};
use crate::text;

/// Columns that the prices on the right take at most.
const AXIS: u16 = 13;

/// Draws a chart's candles with prices on the right and times below.
pub(super) struct Candlesticks<'a>(pub(super) &'a Chart);

/// What fills half of a cell.
#[derive(Clone, Copy, PartialEq)]
enum Half {
    Empty,
    Wick,
    Body,
}

impl Widget for Candlesticks<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        if area.width <= AXIS + 4 || area.height < 3 {
            return;
        }
        let Some((low, high)) = range(&self.0.candles) else {
            let waiting = "no candle yet";
            let x = area.x + area.width.saturating_sub(waiting.len() as u16) / 2;
            buf.set_string(x, area.y + area.height / 2, waiting, Style::new().fg(Color::DarkGray));
            return;
        };
        // The prices are as wide as the widest could be; the rest is for the candles.
        let axis = (text::price(high).len().max(text::price(low).len()) as u16 + 1).min(AXIS);
        let plot = Rect {
            width: area.width - axis,
            height: area.height - 1,
            ..area
        };
        let shown = &self.0.candles[self.0.candles.len().saturating_sub(usize::from(plot.width))..];
        let Some((low, high)) = range(shown) else { return };
        // Right-aligned: the newest candle stands still at the axis and the past moves away from it.
        let first_x = plot.right() - shown.len() as u16;
        for (i, candle) in shown.iter().enumerate() {
            if let Some(candle) = candle {
                column(candle, low, high, first_x + i as u16, plot, buf);
            }
        }
        let dim = Style::new().fg(Color::DarkGray);
        let rows = plot.height - 1;
        for row in [0, rows / 2, rows] {
            let share = f64::from(row) / f64::from(rows.max(1));
            buf.set_stringn(
                plot.right() + 1,
                plot.y + row,
                text::price(high - (high - low) * share),
                usize::from(axis) - 1,
                dim,
            );
        }
        let oldest_ms = self.0.newest_ms - (shown.len() as i64 - 1) * self.0.interval_ms;
        let newest = time_of_day(self.0.newest_ms);
        buf.set_string(
            plot.right().saturating_sub(newest.len() as u16),
            plot.bottom(),
            &newest,
            dim,
        );
        if shown.len() > 2 * newest.len() + 1 {
            buf.set_string(first_x, plot.bottom(), time_of_day(oldest_ms), dim);
        }
    }
}

/// The lowest low and the highest high; a market whose price stands still gets some air around it.
fn range(candles: &[Option<Candle>]) -> Option<(f64, f64)> {
    let (low, high) = candles
        .iter()
        .flatten()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), candle| {
            (low.min(candle.low), high.max(candle.high))
        });
    if !low.is_finite() || !high.is_finite() {
        None
    } else if high - low < high.abs() * 1e-9 {
        Some((low - high.abs() * 1e-4, high + high.abs() * 1e-4))
    } else {
        Some((low, high))
    }
}

fn column(candle: &Candle, low: f64, high: f64, x: u16, plot: Rect, buf: &mut Buffer) {
    let steps = usize::from(plot.height) * 2;
    let step_of = |price: f64| {
        let share = (high - price) / (high - low);
        ((share * steps as f64) as usize).min(steps - 1)
    };
    let (top, bottom) = (step_of(candle.high), step_of(candle.low));
    let (body_top, body_bottom) = (
        step_of(candle.open.max(candle.close)),
        step_of(candle.open.min(candle.close)),
    );
    let half = |step: usize| match step {
        _ if (body_top..=body_bottom).contains(&step) => Half::Body,
        _ if (top..=bottom).contains(&step) => Half::Wick,
        _ => Half::Empty,
    };
    let color = if candle.close >= candle.open {
        Color::Green
    } else {
        Color::Red
    };
    for row in 0..plot.height {
        let symbol = match (half(usize::from(row) * 2), half(usize::from(row) * 2 + 1)) {
            (Half::Empty, Half::Empty) => continue,
            (Half::Body, Half::Body) => "┃",
            (Half::Wick, Half::Wick) => "│",
            (Half::Body, Half::Wick) => "╿",
            (Half::Wick, Half::Body) => "╽",
            (Half::Body, Half::Empty) => "╹",
            (Half::Empty, Half::Body) => "╻",
            (Half::Wick, Half::Empty) => "╵",
            (Half::Empty, Half::Wick) => "╷",
        };
        buf[(x, plot.y + row)].set_symbol(symbol).set_fg(color);
    }
}

fn time_of_day(millis: i64) -> String {
    let seconds = millis.div_euclid(1_000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}
