//! A bar for each arm, its name above it: there is room for both on a phone.

use measure::shown;

use super::scale::Scale;
use super::{ARROW, Arm, Bars, DIAMOND, Mark, Whose, figure, key, open, pct, px, shape, swatch};
use crate::book::html::escape;

/// How far the bars' room reaches, per cent; the values stand behind it.
const ROOM: f64 = 70.0;
/// Letters of an arm's name that fit on the narrowest screen.
const LETTERS: usize = 42;
const LINE: f64 = 17.0;
const LANE: f64 = 18.0;
const BAR: f64 = 11.0;
const BETWEEN: f64 = 10.0;
const AXIS: f64 = 24.0;

/// Draws them, with title and key.
pub(crate) fn bars(chart: &Bars) -> String {
    let all = || chart.arms.iter().flat_map(|arm| &arm.marks);
    let scale = Scale::of(all().flat_map(|mark| [mark.value, mark.most, mark.least]), chart.log);
    let names: Vec<Vec<String>> = chart.arms.iter().map(|arm| wrap(&arm.label)).collect();
    let height = |arm: &Arm, name: &Vec<String>| name.len() as f64 * LINE + arm.marks.len() as f64 * LANE + BETWEEN;
    let bottom: f64 = chart.arms.iter().zip(&names).map(|(arm, name)| height(arm, name)).sum();
    let mut out = open("bars", bottom + AXIS, &chart.title, &words(chart));
    for tick in scale.ticks() {
        let x = pct(scale.place(tick) * ROOM / 100.0);
        out.push_str(&format!(
            "<line class=\"grid\" x1=\"{x}\" x2=\"{x}\" y1=\"0\" y2=\"{}\"/>\n",
            px(bottom)
        ));
        let anchor = if scale.place(tick) < 1.0 { "start" } else { "middle" };
        out.push_str(&format!(
            "<text class=\"tick\" x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>\n",
            px(bottom + 15.0),
            shown(tick)
        ));
    }
    let mut y = 0.0;
    for (arm, name) in chart.arms.iter().zip(&names) {
        let mut line = y;
        for part in name {
            line += LINE;
            out.push_str(&format!(
                "<text class=\"name\" x=\"0\" y=\"{}\">{}</text>\n",
                px(line - 4.0),
                escape(part)
            ));
        }
        for (lane, mark) in arm.marks.iter().enumerate() {
            draw(mark, &scale, line + lane as f64 * LANE, &mut out);
        }
        y += height(arm, name);
    }
    out.push_str("</svg>\n");
    let mut there: Vec<Whose> = all().map(|mark| mark.whose).collect();
    there.sort_unstable();
    there.dedup();
    let entries: Vec<_> = there
        .iter()
        .map(|whose| (swatch(*whose), whose.word(chart.voice).to_owned()))
        .collect();
    figure(&chart.title, &chart.unit, &key(&entries), &out)
}

fn draw(mark: &Mark, scale: &Scale, top: f64, out: &mut String) {
    let (class, middle) = (mark.whose.class(), top + LANE / 2.0);
    let x = |value: f64| pct(scale.place(value) * ROOM / 100.0);
    match mark.whose {
        Whose::Yours | Whose::Reference => {
            out.push_str(&format!(
                "<rect class=\"bar {class}\" x=\"0\" y=\"{}\" width=\"{}\" height=\"{BAR}\"/>\n",
                px(middle - BAR / 2.0),
                x(mark.value)
            ));
        }
        Whose::Predicted => out.push_str(&shape(&x(mark.value), middle, "dot predicted", DIAMOND)),
        Whose::Guide => out.push_str(&shape(&x(mark.value), middle, "dot guide", ARROW)),
    }
    if mark.has_range() {
        let (least, most) = (x(mark.least), x(mark.most));
        out.push_str(&format!(
            "<line class=\"whisker {class}\" x1=\"{least}\" x2=\"{most}\" y1=\"{y}\" y2=\"{y}\"/>\n",
            y = px(middle)
        ));
        for end in [least, most] {
            out.push_str(&format!(
                "<line class=\"whisker-end\" x1=\"{end}\" x2=\"{end}\" y1=\"{}\" y2=\"{}\"/>\n",
                px(middle - 4.0),
                px(middle + 4.0)
            ));
        }
    }
    out.push_str(&format!(
        "<text class=\"value {class}\" x=\"100%\" y=\"{}\" text-anchor=\"end\">{}</text>\n",
        px(middle + 4.0),
        shown(mark.value)
    ));
}

/// All values, for who does not see them.
fn words(chart: &Bars) -> String {
    let arm = |arm: &Arm| {
        let marks: Vec<String> = arm
            .marks
            .iter()
            .map(|mark| mark.words(&chart.unit, chart.voice))
            .collect();
        format!("{}: {}.", arm.label, marks.join(", "))
    };
    let arms: Vec<String> = chart.arms.iter().map(arm).collect();
    let axis = if chart.log { " The axis is logarithmic." } else { "" };
    format!("{}{axis}", arms.join(" "))
}

/// A name in lines that fit a phone; broken between its parts.
pub(super) fn wrap(name: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in name.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= LETTERS => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
