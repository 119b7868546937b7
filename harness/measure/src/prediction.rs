//! What a reader expected before measuring, and how well such expectations hold.

use serde::{Deserialize, Serialize};

use crate::FigureName;

/// A number written down before it was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// What it is of.
    pub of: FigureName,
    /// The number, in the metric's unit.
    pub value: f64,
    /// The reader is nine tenths sure that the figure lies between `value / factor` and `value * factor`.
    pub factor: f64,
    /// The metric's unit then.
    pub unit: String,
    /// When it was written down, UTC, RFC 3339.
    pub date: String,
}

/// A prediction and what was measured after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What was expected.
    pub prediction: Prediction,
    /// The median that was measured.
    pub measured: f64,
}

impl Outcome {
    /// Whether the figure lies where the reader was nine tenths sure that it would.
    #[must_use]
    pub fn hit(&self) -> bool {
        let (value, factor) = (self.prediction.value, self.prediction.factor.max(1.0));
        let (low, high) = (value / factor, value * factor);
        // Both ends belong to it, and what was rounded to the end does.
        self.measured >= low * (1.0 - 1e-9) && self.measured <= high * (1.0 + 1e-9)
    }

    /// By which factor the prediction was off, at least 1; infinite where one of the two is 0 and the other is not.
    #[must_use]
    pub fn off_by(&self) -> f64 {
        let (a, b) = (self.prediction.value, self.measured);
        if a == b {
            1.0
        } else if a <= 0.0 || b <= 0.0 {
            f64::INFINITY
        } else {
            (a / b).max(b / a)
        }
    }
}

/// How well a reader's predictions hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// Predictions that were measured.
    pub measured: usize,
    /// Of those, how many lay in their interval.
    pub hits: usize,
    /// By which factor half of them were off at most.
    pub median_off: f64,
}

impl Calibration {
    /// The share that somebody who is nine tenths sure should reach.
    pub const WANTED: f64 = 0.9;

    /// Of some outcomes; `None` of none.
    #[must_use]
    pub fn of(outcomes: &[Outcome]) -> Option<Self> {
        let mut off: Vec<f64> = outcomes.iter().map(Outcome::off_by).collect();
        off.sort_by(f64::total_cmp);
        Some(Self {
            measured: off.len(),
            hits: outcomes.iter().filter(|outcome| outcome.hit()).count(),
            median_off: *off.get(off.len().checked_sub(1)? / 2)?,
        })
    }

    /// The share of hits, 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.hits as f64 / self.measured as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(value: f64, factor: f64, measured: f64) -> Outcome {
        let prediction = Prediction {
            of: "acks-cost p99 acks=all brokers=3".parse().unwrap(),
            value,
            factor,
            unit: "ms".into(),
            date: "2026-01-02T03:04:05Z".into(),
        };
        Outcome { prediction, measured }
    }

    #[test]
    fn a_prediction_holds_within_its_factor_both_ways() {
        for (value, factor, measured, hit) in [
            (10.0, 2.0, 20.0, true),
            (10.0, 2.0, 5.0, true),
            (10.0, 2.0, 20.1, false),
            (10.0, 2.0, 4.9, false),
            (0.0, 3.0, 0.0, true),
            (0.0, 3.0, 1.0, false),
            (1.0, 3.0, 0.0, false),
        ] {
            assert_eq!(
                outcome(value, factor, measured).hit(),
                hit,
                "{value} / {factor} of {measured}"
            );
        }
        assert_eq!(outcome(10.0, 2.0, 40.0).off_by(), 4.0);
        assert_eq!(outcome(0.0, 2.0, 0.0).off_by(), 1.0);
        assert_eq!(outcome(0.0, 2.0, 7.0).off_by(), f64::INFINITY);
    }

    #[test]
    fn calibration_counts_hits_and_the_middle_error() {
        assert_eq!(Calibration::of(&[]), None);
        let all = [
            outcome(10.0, 2.0, 11.0),
            outcome(10.0, 2.0, 100.0),
            outcome(10.0, 2.0, 15.0),
        ];
        let found = Calibration::of(&all).unwrap();
        assert_eq!((found.measured, found.hits, found.median_off), (3, 2, 1.5));
    }
}
