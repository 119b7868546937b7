//! Candles as characters: one column each or more while they are few, two steps of height per row.

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
        let each = each(shown.len(), plot.width);
        // Right-aligned: the newest candle stands still at the axis and the past moves away from it.
        let first_x = plot.right() - shown.len() as u16 * each;
        for (i, candle) in shown.iter().enumerate() {
            if let Some(candle) = candle {
                column(candle, (low, high), (first_x + i as u16 * each, each), plot, buf);
            }
        }
        let dim = Style::new().fg(Color::DarkGray);
        for (price, label) in labels(shown, low, high, usize::from(plot.height)) {
            let row = (step_of(price, (low, high), plot) / 2) as u16;
            buf.set_stringn(plot.right() + 1, plot.y + row, label, usize::from(axis) - 1, dim);
        }
        let oldest_ms = self.0.newest_ms - (shown.len() as i64 - 1) * self.0.interval_ms;
        let newest = time_of_day(self.0.newest_ms);
        buf.set_string(
            plot.right().saturating_sub(newest.len() as u16),
            plot.bottom(),
            &newest,
            dim,
        );
        if usize::from(plot.right() - first_x) > 2 * newest.len() + 1 {
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

/// Columns for each candle: one, or an odd number and a gap. A run that has just begun fills its chart too.
fn each(candles: usize, width: u16) -> u16 {
    let room = usize::from(width) / candles.max(1);
    [6, 4, 2].into_iter().find(|each| *each <= room).unwrap_or(1) as u16
}

/// The next of 1, 2 and 5 times a power of ten.
pub(super) fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    steps
        .into_iter()
        .find(|step| *step >= value * 0.999_999)
        .unwrap_or(value)
}

/// Round prices inside of the range, one in every three to five rows. No label is a price between two ticks: steps are not
/// smaller than the smallest difference that was traded, and a market that stands still shows its one price.
fn labels(shown: &[Option<Candle>], low: f64, high: f64, rows: usize) -> Vec<(f64, String)> {
    let prices = shown.iter().flatten();
    let mut prices: Vec<f64> = prices.flat_map(|c| [c.open, c.high, c.low, c.close]).collect();
    prices.sort_by(f64::total_cmp);
    prices.dedup();
    let tick = prices.windows(2).map(|two| two[1] - two[0]).reduce(f64::min);
    let Some(tick) = tick else {
        return prices
            .first()
            .map(|price| (*price, text::price(*price)))
            .into_iter()
            .collect();
    };
    let mut step = round_up(((high - low) / (rows as f64 / 2.5).max(1.0)).max(tick));
    let within = |step: f64| (high / step).floor() - (low / step).ceil();
    // One price alone is no scale.
    while within(step) < 1.0 && round_up(step * 0.4) >= tick {
        step = round_up(step * 0.4);
    }
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    let labels: Vec<(f64, String)> = (first..=last)
        .map(|count| {
            let price = count as f64 * step;
            (price, fixed(price, decimals))
        })
        .collect();
    if labels.is_empty() {
        let last = shown.iter().flatten().last();
        return last
            .map(|last| (last.close, text::price(last.close)))
            .into_iter()
            .collect();
    }
    labels
}

fn fixed(price: f64, decimals: usize) -> String {
    let text = format!("{price:.decimals$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole = whole.parse::<u64>().map_or_else(|_| whole.to_owned(), text::grouped);
    match fraction {
        "" => whole,
        _ => format!("{whole}.{fraction}"),
    }
}

/// How many half rows below the top a price is.
fn step_of(price: f64, (low, high): (f64, f64), plot: Rect) -> usize {
    let steps = usize::from(plot.height) * 2;
    let share = (high - price) / (high - low);
    ((share * steps as f64) as usize).min(steps - 1)
}

fn column(candle: &Candle, range: (f64, f64), (x, each): (u16, u16), plot: Rect, buf: &mut Buffer) {
    let step_of = |price: f64| step_of(price, range, plot);
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
    // A gap of one column between wide ones, and none between those that are one column wide.
    let wide = if each > 2 { each - 1 } else { 1 };
    for row in 0..plot.height {
        let halves = (half(usize::from(row) * 2), half(usize::from(row) * 2 + 1));
        for i in 0..wide {
            let is_middle = i == wide / 2;
            if let Some(symbol) = symbol(halves, wide > 1, is_middle) {
                buf[(x + i, plot.y + row)].set_symbol(symbol).set_fg(color);
            }
        }
    }
}

fn symbol(halves: (Half, Half), is_wide: bool, is_middle: bool) -> Option<&'static str> {
    if is_wide {
        // No character has a thin half and a full one: beside a body, a wick of half a row is left out.
        match halves {
            (Half::Body, Half::Body) => return Some("█"),
            (Half::Body, _) => return Some("▀"),
            (_, Half::Body) => return Some("▄"),
            _ if !is_middle => return None,
            _ => {}
        }
    }
    Some(match halves {
        (Half::Empty, Half::Empty) => return None,
        (Half::Body, Half::Body) => "┃",
        (Half::Wick, Half::Wick) => "│",
        (Half::Body, Half::Wick) => "╿",
        (Half::Wick, Half::Body) => "╽",
        (Half::Body, Half::Empty) => "╹",
        (Half::Empty, Half::Body) => "╻",
        (Half::Wick, Half::Empty) => "╵",
        (Half::Empty, Half::Wick) => "╷",
    })
}

fn time_of_day(millis: i64) -> String {
    let seconds = millis.div_euclid(1_000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candles(prices: &[f64]) -> Vec<Option<Candle>> {
        let flat = |price: &f64| Candle {
            open: *price,
            high: *price,
            low: *price,
            close: *price,
        };
        prices.iter().map(|price| Some(flat(price))).collect()
    }

    fn labelled(prices: &[f64], rows: usize) -> Vec<String> {
        let shown = candles(prices);
        let (low, high) = range(&shown).unwrap();
        labels(&shown, low, high, rows)
            .into_iter()
            .map(|(_, label)| label)
            .collect()
    }

    #[test]
    fn prices_on_the_axis_are_round_and_no_finer_than_a_tick() {
        let won = labelled(&[139_998_000.0, 140_013_000.0, 140_021_000.0], 9);
        assert_eq!(won, ["140,000,000", "140,010,000", "140,020,000"]);
        let two_ticks = labelled(&[139_999_000.0, 140_000_000.0], 30);
        assert_eq!(two_ticks, ["139,999,000", "140,000,000"]);
        assert_eq!(labelled(&[1_319.0], 9), ["1,319.0"], "a market that stands still");
        assert_eq!(labelled(&[0.018_1, 0.018_2, 0.018_4], 6), ["0.0182", "0.0184"]);
    }

    #[test]
    fn few_candles_are_wide_and_many_are_narrow() {
        let widths =
            [(5, 60), (15, 60), (16, 60), (30, 60), (31, 60), (0, 60)].map(|(count, width)| each(count, width));
        assert_eq!(widths, [6, 4, 2, 2, 1, 6]);
    }
}
