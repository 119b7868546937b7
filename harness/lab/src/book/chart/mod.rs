//! Charts: from figures to inline SVG that follows the page's colours and its width.
//!
//! A drawing has no width of its own: what grows with the page is placed in per cent, and letters stay as large as those around
//! them. With a `viewBox` a chart that is right on a desk is unreadable on a phone. Colours are classes of
//! `book/theme/chart.css`; nothing is told by colour alone.

mod bars;
mod intervals;
mod lines;
mod scale;
#[cfg(test)]
mod tests;

use measure::shown_in;

pub(crate) use bars::bars;
pub(crate) use intervals::{Interval, Intervals, intervals};
pub(crate) use lines::lines;

/// To whom a drawing speaks of the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voice {
    /// To the reader: `yours`.
    Reader,
    /// To somebody to whom the reader shows it: `measured`.
    Shown,
}

/// Whose a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Whose {
    /// The reader measured it.
    Yours,
    /// The workbook brings it.
    Reference,
    /// The reader expected it.
    Predicted,
    /// The guide claims it.
    Guide,
}

impl Whose {
    fn class(self) -> &'static str {
        match self {
            Self::Yours => "yours",
            Self::Reference => "reference",
            Self::Predicted => "predicted",
            Self::Guide => "guide",
        }
    }

    /// The word that stands in keys and texts.
    pub(crate) fn word(self, voice: Voice) -> &'static str {
        match (self, voice) {
            (Self::Yours, Voice::Reader) => "yours",
            (Self::Yours, Voice::Shown) => "measured",
            (Self::Reference, _) => "reference",
            (Self::Predicted, Voice::Reader) => "your prediction",
            (Self::Predicted, Voice::Shown) => "predicted",
            (Self::Guide, _) => "the guide",
        }
    }
}

/// A value with what it ranges over: the repetitions of a figure, the interval of a prediction.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    pub(crate) whose: Whose,
    pub(crate) value: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Mark {
    /// In words: `yours 12 ms (11 ms to 14 ms)`.
    fn words(&self, unit: &str, voice: Voice) -> String {
        let value = format!("{} {}", self.whose.word(voice), shown_in(self.value, unit));
        if self.has_range() {
            format!(
                "{value} ({} to {})",
                shown_in(self.least, unit),
                shown_in(self.most, unit)
            )
        } else {
            value
        }
    }

    fn has_range(&self) -> bool {
        self.most > self.least
    }
}

/// One arm of a bar chart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arm {
    pub(crate) label: String,
    /// In the order of [`Whose`].
    pub(crate) marks: Vec<Mark>,
}

/// Bars, one below the other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bars {
    pub(crate) title: String,
    pub(crate) unit: String,
    pub(crate) log: bool,
    pub(crate) voice: Voice,
    pub(crate) arms: Vec<Arm>,
}

/// A point of a line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) mark: Mark,
}

/// One line: what one arm does as x grows, as one of the two measured it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    /// The other factors; lines of the same label have one shape and one colour.
    pub(crate) label: String,
    pub(crate) whose: Whose,
    pub(crate) points: Vec<Point>,
}

/// Lines over a factor that is a number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lines {
    pub(crate) title: String,
    pub(crate) unit: String,
    pub(crate) x_title: String,
    pub(crate) log: bool,
    pub(crate) voice: Voice,
    pub(crate) series: Vec<Series>,
}

use super::html::escape;

/// The beginning of a drawing: what it is called, and what a reader who does not see it is told.
fn open(class: &str, height: f64, title: &str, words: &str) -> String {
    format!(
        "<svg class=\"chart {class}\" role=\"img\" width=\"100%\" height=\"{}\" xmlns=\"http://www.w3.org/2000/svg\">\n<title>{}</title>\n<desc>{}</desc>\n",
        px(height),
        escape(title),
        escape(words)
    )
}

/// Per cent with two decimals and no more letters than it takes.
fn pct(value: f64) -> String {
    format!("{}%", px(value))
}

fn px(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    // A figure that is no number is left out before; this keeps the drawing whole all the same.
    if value.is_finite() { text.to_owned() } else { "0".into() }
}

/// A mark's shape around the middle of a small drawing of its own, which can be placed in per cent.
fn shape(at: &str, y: f64, class: &str, path: &str) -> String {
    format!(
        "<svg x=\"{at}\" y=\"{}\" overflow=\"visible\"><path class=\"{class}\" d=\"{path}\"/></svg>\n",
        px(y)
    )
}

/// Shapes of lines, in their order: they tell them apart where colours do not.
const SHAPES: [&str; 6] = [
    "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0Z",
    "M-4 -4H4V4H-4Z",
    "M0 -5.5L5 4H-5Z",
    "M0 5.5L5 -4H-5Z",
    "M-5 -2H-2V-5H2V-2H5V2H2V5H-2V2H-5Z",
    "M-6 0L0 -3.5L6 0L0 3.5Z",
];
const DIAMOND: &str = "M0 -6L6 0L0 6L-6 0Z";
const ARROW: &str = "M0 -6L6 5H-6Z";

/// The key below a drawing's title: a swatch and a word each.
fn key(entries: &[(String, String)]) -> String {
    let mut out = String::from("<ul class=\"key\">\n");
    for (swatch, word) in entries {
        out.push_str(&format!(
            "<li><svg class=\"chart swatch\" width=\"28\" height=\"14\" aria-hidden=\"true\">{swatch}</svg> {}</li>\n",
            escape(word)
        ));
    }
    out.push_str("</ul>\n");
    out
}

fn swatch(whose: Whose) -> String {
    match whose {
        Whose::Yours => "<rect class=\"bar yours\" x=\"1\" y=\"2\" width=\"26\" height=\"10\"/>".into(),
        Whose::Reference => "<rect class=\"bar reference\" x=\"2\" y=\"3\" width=\"24\" height=\"8\"/>".into(),
        Whose::Predicted => {
            format!("<svg x=\"14\" y=\"7\" overflow=\"visible\"><path class=\"dot predicted\" d=\"{DIAMOND}\"/></svg>")
        }
        Whose::Guide => {
            format!("<svg x=\"14\" y=\"7\" overflow=\"visible\"><path class=\"dot guide\" d=\"{ARROW}\"/></svg>")
        }
    }
}

/// A drawing with its title and its key, as the page shows it.
fn figure(title: &str, unit: &str, key: &str, drawing: &str) -> String {
    let unit = match unit {
        "" => String::new(),
        "×" => " <span class=\"unit\">(ratio)</span>".into(),
        unit => format!(" <span class=\"unit\">({})</span>", escape(unit)),
    };
    format!(
        "<div class=\"drawing\">\n<p class=\"drawing-title\">{}{unit}</p>\n{key}{drawing}</div>\n",
        escape(title)
    )
}
