//! Lines over a factor that is a number: yours drawn through, the reference dashed, each arm with a shape of its own.

use measure::{shown, shown_in};

use super::scale::Scale;
use super::{ARROW, DIAMOND, Lines, Point, SHAPES, Series, Whose, figure, key, open, pct, px, shape};
use crate::book::html::escape;

const HEIGHT: f64 = 270.0;
const TOP: f64 = 18.0;
const BOTTOM: f64 = 222.0;
/// Per cent left free at the sides: for the values of the upright axis, and for half a label.
const LEFT: f64 = 13.0;
const RIGHT: f64 = 5.0;
/// Values along the axis that are nearer than this, per cent, would run into each other on a phone.
const APART: f64 = 11.0;

/// Draws them, with title and key.
pub(crate) fn lines(chart: &Lines) -> String {
    let points = || chart.series.iter().flat_map(|series| &series.points);
    let marks = points().flat_map(|point| [point.mark.value, point.mark.least, point.mark.most]);
    let (across, up) = (
        // An axis alone that is bent would bend what is straight.
        Scale::around(points().map(|point| point.x), chart.log),
        Scale::of(marks, chart.log),
    );
    let x = |value: f64| LEFT + across.place(value) * (100.0 - LEFT - RIGHT) / 100.0;
    let y = |value: f64| BOTTOM - up.place(value) * (BOTTOM - TOP) / 100.0;
    let labels = labels(&chart.series);
    let mut out = open("lines", HEIGHT, &chart.title, &words(chart));
    for tick in up.ticks() {
        let y = y(tick);
        out.push_str(&format!(
            "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{0}\" y2=\"{0}\"/>\n",
            px(y)
        ));
        out.push_str(&format!(
            "<text class=\"tick\" x=\"0\" y=\"{}\">{}</text>\n",
            px(y - 4.0),
            shown(tick)
        ));
    }
    let mut values: Vec<f64> = points().map(|point| point.x).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let mut last = f64::NEG_INFINITY;
    for value in values {
        let at = x(value);
        if at - last >= APART {
            last = at;
            out.push_str(&format!(
                "<text class=\"tick\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
                pct(at),
                px(BOTTOM + 17.0),
                shown(value)
            ));
        }
    }
    out.push_str(&format!(
        "<text class=\"axis\" x=\"50%\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
        px(BOTTOM + 38.0),
        escape(&chart.x_title)
    ));
    // The reader's own line lies above the reference's, and marks above both.
    let above = |whose: Whose| match whose {
        Whose::Reference => 0,
        Whose::Yours => 1,
        Whose::Predicted | Whose::Guide => 2,
    };
    let mut layers: Vec<&Series> = chart.series.iter().collect();
    layers.sort_by_key(|series| above(series.whose));
    for series in layers {
        let nth = labels.iter().position(|label| *label == series.label).unwrap_or(0);
        draw(
            series,
            nth,
            &|point| {
                (
                    x(point.x),
                    [y(point.mark.value), y(point.mark.least), y(point.mark.most)],
                )
            },
            &mut out,
        );
    }
    out.push_str("</svg>\n");
    figure(&chart.title, &chart.unit, &key(&entries(chart, &labels)), &out)
}

/// The lines' names, each once, in the order in which they come.
fn labels(series: &[Series]) -> Vec<&str> {
    let mut labels: Vec<&str> = Vec::new();
    let measured = |series: &&Series| matches!(series.whose, Whose::Yours | Whose::Reference);
    for series in series.iter().filter(measured) {
        if !labels.contains(&series.label.as_str()) {
            labels.push(&series.label);
        }
    }
    labels
}

fn draw(series: &Series, nth: usize, place: &dyn Fn(&Point) -> (f64, [f64; 3]), out: &mut String) {
    let class = series.whose.class();
    let colour = format!("c{}", nth % SHAPES.len() + 1);
    let places: Vec<_> = series.points.iter().map(place).collect();
    for pair in places.windows(2) {
        out.push_str(&format!(
            "<line class=\"line {class} {colour}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>\n",
            pct(pair[0].0),
            px(pair[0].1[0]),
            pct(pair[1].0),
            px(pair[1].1[0])
        ));
    }
    for ((x, [value, least, most]), point) in places.into_iter().zip(&series.points) {
        if point.mark.has_range() {
            out.push_str(&format!(
                "<line class=\"range {class} {colour}\" x1=\"{x}\" x2=\"{x}\" y1=\"{}\" y2=\"{}\"/>\n",
                px(least),
                px(most),
                x = pct(x)
            ));
        }
        let path = match series.whose {
            Whose::Predicted => DIAMOND,
            Whose::Guide => ARROW,
            Whose::Yours | Whose::Reference => SHAPES[nth % SHAPES.len()],
        };
        out.push_str(&shape(&pct(x), value, &format!("dot {class} {colour}"), path));
    }
}

/// Each arm's shape, then what drawn through and dashed mean.
fn entries(chart: &Lines, labels: &[&str]) -> Vec<(String, String)> {
    let mut entries = Vec::new();
    let dot = |class: &str, path: &str| {
        format!("<svg x=\"14\" y=\"7\" overflow=\"visible\"><path class=\"dot {class}\" d=\"{path}\"/></svg>")
    };
    let has_own = chart.series.iter().any(|series| series.whose == Whose::Yours);
    let filled = if has_own { Whose::Yours } else { Whose::Reference };
    for (nth, label) in labels.iter().enumerate().filter(|(_, label)| !label.is_empty()) {
        let colour = nth % SHAPES.len() + 1;
        entries.push((
            dot(&format!("{} c{colour}", filled.class()), SHAPES[nth % SHAPES.len()]),
            (*label).to_owned(),
        ));
    }
    let mut there: Vec<Whose> = chart.series.iter().map(|series| series.whose).collect();
    there.sort_unstable();
    there.dedup();
    for whose in there {
        let swatch = match whose {
            Whose::Yours | Whose::Reference => format!(
                "<line class=\"line {} plain\" x1=\"0\" x2=\"28\" y1=\"7\" y2=\"7\"/>{}",
                whose.class(),
                dot(&format!("{} plain", whose.class()), SHAPES[0])
            ),
            Whose::Predicted => dot("predicted", DIAMOND),
            Whose::Guide => dot("guide", ARROW),
        };
        entries.push((swatch, whose.word(chart.voice).to_owned()));
    }
    entries
}

/// All values, for who does not see them.
fn words(chart: &Lines) -> String {
    let mut out = format!("Across: {}.", chart.x_title);
    for series in &chart.series {
        let of = |point: &Point| {
            let value = shown_in(point.mark.value, &chart.unit);
            let range = if point.mark.has_range() {
                format!(
                    " ({} to {})",
                    shown_in(point.mark.least, &chart.unit),
                    shown_in(point.mark.most, &chart.unit)
                )
            } else {
                String::new()
            };
            format!("at {} {value}{range}", shown(point.x))
        };
        let points: Vec<String> = series.points.iter().map(of).collect();
        let label = if series.label.is_empty() {
            String::new()
        } else {
            format!("{}, ", series.label)
        };
        out.push_str(&format!(
            " {label}{}: {}.",
            series.whose.word(chart.voice),
            points.join(", ")
        ));
    }
    if chart.log {
        out.push_str(" Both axes are logarithmic.");
    }
    out
}
