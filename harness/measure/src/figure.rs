//! One figure of a record, how it is named, and how a person reads it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Spread;

/// What was measured under one arm of an experiment: a sample for each repetition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The arm: its factors as `name=value`, with spaces between: `acks=all brokers=3`.
    pub arm: String,
    /// What was measured, such as `p99`; the experiment says in which unit.
    pub metric: String,
    /// One value per repetition, in the order in which they were taken.
    pub samples: Vec<f64>,
    /// How many observations (records, trades) stand behind all samples together.
    pub n: u64,
}

impl Figure {
    /// Median, least and most of the samples.
    #[must_use]
    pub fn spread(&self) -> Spread {
        Spread::of(self.samples.clone())
    }

    /// The value of a factor of the arm.
    #[must_use]
    pub fn factor(&self, name: &str) -> Option<&str> {
        factors(&self.arm).find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

/// The factors of an arm, in the order in which they are written.
pub fn factors(arm: &str) -> impl Iterator<Item = (&str, &str)> {
    arm.split_whitespace().filter_map(|word| word.split_once('='))
}

/// How a figure is named in the book, in claims and in answers: experiment, metric, arm, as
/// `acks-cost p99 acks=all brokers=3`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FigureName {
    /// Id of the experiment; unique in the workbook.
    pub experiment: String,
    /// The metric.
    pub metric: String,
    /// The arm, its factors with one space between.
    pub arm: String,
}

/// Words that name no figure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no figure; write experiment, metric and arm, such as: acks-cost p99 acks=all brokers=3")]
pub struct NoFigureName(String);

impl TryFrom<String> for FigureName {
    type Error = NoFigureName;

    fn try_from(text: String) -> Result<Self, NoFigureName> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            [experiment, metric, arm @ ..]
                if !arm.is_empty() && !metric.contains('=') && arm.iter().all(|word| word.contains('=')) =>
            {
                Ok(Self {
                    experiment: (*experiment).to_owned(),
                    metric: (*metric).to_owned(),
                    arm: arm.join(" "),
                })
            }
            _ => Err(NoFigureName(text)),
        }
    }
}

impl std::str::FromStr for FigureName {
    type Err = NoFigureName;

    fn from_str(text: &str) -> Result<Self, NoFigureName> {
        text.to_owned().try_into()
    }
}

impl From<FigureName> for String {
    fn from(name: FigureName) -> Self {
        name.to_string()
    }
}

impl fmt::Display for FigureName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.experiment, self.metric, self.arm)
    }
}

/// A value as a person reads it: three significant digits, all of a whole number below 10,000, thousands grouped; no unit.
#[must_use]
pub fn shown(value: f64) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    let size = value.abs();
    let decimals = match size {
        0.0 => 0,
        _ if size >= 99.95 => 0,
        _ if size >= 9.995 => 1,
        _ if size >= 0.9995 => 2,
        // As many as leave three digits: 0.0123 has its first at the second place.
        _ => (2 - size.log10().floor() as i32).clamp(0, 9) as usize,
    };
    let whole = size < 10_000.0 && value.fract() == 0.0;
    let rounded = if size >= 1_000.0 && !whole {
        let unit = 10f64.powi(size.log10().floor() as i32 - 2);
        (value / unit).round() * unit
    } else {
        value
    };
    let mut text = format!("{rounded:.decimals$}");
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    grouped(&text)
}

/// Digits with a sign before and a fraction behind them, if they have one: thousands are set apart.
fn grouped(text: &str) -> String {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(w, f)| (w, Some(f)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("−", digits));
    let mut out = String::from(sign);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A value of that unit as it stands in a column headed by the unit. A bare number that is whole is a setting, and keeps its digits:
/// nobody looks for a default of 16,400.
#[must_use]
pub fn shown_of(value: f64, unit: &str) -> String {
    if unit.is_empty() && value.fract() == 0.0 {
        grouped(&format!("{value:.0}"))
    } else {
        shown(value)
    }
}

/// A value with its unit: `12.5 ms`, `3,210 records/s`, `0.4 %`.
#[must_use]
pub fn shown_in(value: f64, unit: &str) -> String {
    let number = shown_of(value, unit);
    match unit {
        "" => number,
        "×" => format!("{number}×"),
        _ => format!("{number} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_three_digits_and_counts_that_are_not_large_have_all() {
        let cases = [
            (0.0, "0"),
            (0.012_34, "0.0123"),
            (0.5, "0.5"),
            (1.0, "1"),
            (4.567_89, "4.57"),
            (42.04, "42"),
            (42.06, "42.1"),
            (304.0, "304"),
            (999.6, "1,000"),
            (1_452.0, "1,452"),
            (1_452.4, "1,450"),
            (12_345.0, "12,300"),
            (1_234_567.0, "1,230,000"),
            (-1_500.0, "−1,500"),
            (f64::NAN, "–"),
        ];
        for (value, text) in cases {
            assert_eq!(shown(value), text, "{value}");
        }
        assert_eq!(shown_in(1.5, "×"), "1.5×");
        assert_eq!(shown_in(12.0, "ms"), "12 ms");
        assert_eq!(shown_in(16_384.0, ""), "16,384", "a setting");
        assert_eq!(shown_in(16_384.0, "records/s"), "16,400 records/s", "a measurement");
        assert_eq!(shown_in(2_147_483_647.0, ""), "2,147,483,647");
    }

    #[test]
    fn a_figure_is_named_by_experiment_metric_and_arm() {
        let name: FigureName = "acks-cost p99  acks=all brokers=3".parse().unwrap();
        assert_eq!(name.arm, "acks=all brokers=3");
        assert_eq!(name.to_string(), "acks-cost p99 acks=all brokers=3");
        for wrong in ["acks-cost p99", "acks-cost acks=all", "acks-cost p99 all", ""] {
            let refused = wrong.parse::<FigureName>().unwrap_err().to_string();
            assert!(refused.contains("names no figure"), "{wrong:?}: {refused}");
        }
    }
}
