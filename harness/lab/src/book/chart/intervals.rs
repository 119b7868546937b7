//! A line for each prediction: its interval, and where in it the measurement fell; in multiples of the prediction, so that
//! milliseconds stand beside trades.

use measure::{shown, shown_in};

use super::bars::wrap;
use super::scale::Scale;
use super::{DIAMOND, SHAPES, figure, key, open, pct, px, shape};
use crate::book::html::escape;

/// How far the room of the intervals reaches, per cent; what came of each stands behind it.
const ROOM: f64 = 74.0;
const LINE: f64 = 17.0;
const LANE: f64 = 20.0;
const BETWEEN: f64 = 10.0;
const AXIS: f64 = 40.0;
/// What has no place on the axis is shown beyond its end.
const BEYOND: &str = "M-6 -5L4 0L-6 5Z";

/// One prediction and its measurement, in `unit`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) label: String,
    pub(crate) unit: String,
    pub(crate) predicted: f64,
    /// It was meant to lie within this factor of the prediction, at least 1.
    pub(crate) factor: f64,
    pub(crate) measured: f64,
    /// What came of it, in two or three words.
    pub(crate) word: String,
}

impl Interval {
    /// The measurement in multiples of the prediction; infinite where nothing was predicted and something measured.
    fn ratio(&self) -> f64 {
        if self.measured == self.predicted {
            1.0
        } else if self.predicted == 0.0 {
            f64::INFINITY
        } else {
            self.measured / self.predicted
        }
    }
}

/// Predictions, one below the other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Intervals {
    pub(crate) title: String,
    pub(crate) all: Vec<Interval>,
}

/// Draws them, with title and key.
pub(crate) fn intervals(chart: &Intervals) -> String {
    let values = chart
        .all
        .iter()
        .flat_map(|one| [one.ratio(), 1.0 / one.factor, one.factor]);
    let scale = Scale::of(values, true);
    let names: Vec<Vec<String>> = chart.all.iter().map(|one| wrap(&one.label)).collect();
    let height = |name: &Vec<String>| name.len() as f64 * LINE + LANE + BETWEEN;
    let bottom: f64 = names.iter().map(height).sum();
    let x = |ratio: f64| pct(scale.place(ratio) * ROOM / 100.0);
    let mut out = open("intervals", bottom + AXIS, &chart.title, &words(chart));
    for tick in scale.ticks() {
        let class = if tick == 1.0 { "grid middle" } else { "grid" };
        out.push_str(&format!(
            "<line class=\"{class}\" x1=\"{x}\" x2=\"{x}\" y1=\"0\" y2=\"{}\"/>\n",
            px(bottom),
            x = x(tick)
        ));
        let anchor = if scale.place(tick) < 1.0 { "start" } else { "middle" };
        out.push_str(&format!(
            "<text class=\"tick\" x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>\n",
            x(tick),
            px(bottom + 15.0),
            shown(tick)
        ));
    }
    out.push_str(&format!(
        "<text class=\"axis\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">measured ÷ predicted</text>\n",
        pct(ROOM / 2.0),
        px(bottom + 33.0)
    ));
    let mut y = 0.0;
    for (one, name) in chart.all.iter().zip(&names) {
        for part in name {
            y += LINE;
            out.push_str(&format!(
                "<text class=\"name\" x=\"0\" y=\"{}\">{}</text>\n",
                px(y - 4.0),
                escape(part)
            ));
        }
        let middle = y + LANE / 2.0;
        let (least, most) = (x(1.0 / one.factor), x(one.factor));
        out.push_str(&format!(
            "<line class=\"whisker predicted\" x1=\"{least}\" x2=\"{most}\" y1=\"{y}\" y2=\"{y}\"/>\n",
            y = px(middle)
        ));
        for end in [least, most] {
            out.push_str(&format!(
                "<line class=\"whisker-end predicted\" x1=\"{end}\" x2=\"{end}\" y1=\"{}\" y2=\"{}\"/>\n",
                px(middle - 5.0),
                px(middle + 5.0)
            ));
        }
        out.push_str(&shape(&x(1.0), middle, "dot predicted", DIAMOND));
        let path = if one.ratio().is_finite() { SHAPES[0] } else { BEYOND };
        out.push_str(&shape(&x(one.ratio()), middle, "dot yours c1", path));
        out.push_str(&format!(
            "<text class=\"value\" x=\"100%\" y=\"{}\" text-anchor=\"end\">{}</text>\n",
            px(middle + 4.0),
            escape(&one.word)
        ));
        y += LANE + BETWEEN;
    }
    out.push_str("</svg>\n");
    let dot = |class: &str, path: &str| {
        format!("<svg x=\"14\" y=\"7\" overflow=\"visible\"><path class=\"dot {class}\" d=\"{path}\"/></svg>")
    };
    let line = "<line class=\"whisker predicted\" x1=\"0\" x2=\"28\" y1=\"7\" y2=\"7\"/>";
    let entries = [
        (
            format!("{line}{}", dot("predicted", DIAMOND)),
            "predicted, with its interval".to_owned(),
        ),
        (dot("yours c1", SHAPES[0]), "measured".to_owned()),
    ];
    figure(&chart.title, "", &key(&entries), &out)
}

/// All values, for who does not see them.
fn words(chart: &Intervals) -> String {
    let one = |one: &Interval| {
        format!(
            "{}: predicted {} within a factor of {}, measured {}: {}.",
            one.label,
            shown_in(one.predicted, &one.unit),
            shown(one.factor),
            shown_in(one.measured, &one.unit),
            one.word
        )
    };
    let all: Vec<String> = chart.all.iter().map(one).collect();
    format!("{} The axis is logarithmic.", all.join(" "))
}
