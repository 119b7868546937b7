//! An axis: where a value lies on it, and which values are written beside it.

/// From values to per cent of the drawing's room.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Scale {
    from: f64,
    to: f64,
    log: bool,
    /// Between 0 and the first value above it, per cent.
    gap: f64,
}

const GAP: f64 = 12.0;

impl Scale {
    /// For these values, from 0 unless some are below it; or from the power of ten below the least one that is above 0. A
    /// logarithmic axis has no 0: where one is among the values, it gets a place of its own at the beginning.
    pub(super) fn of(values: impl Iterator<Item = f64> + Clone, log: bool) -> Self {
        let finite = || values.clone().filter(|value| value.is_finite());
        let most = finite().fold(0.0, f64::max);
        if log {
            let least = finite().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
            if least.is_finite() {
                let from = 10f64.powf(least.log10().floor());
                let to = 10f64.powf(most.log10().ceil()).max(from * 10.0);
                return Self {
                    from,
                    to,
                    log,
                    gap: gap(finite()),
                };
            }
        }
        let least = finite().fold(0.0, f64::min);
        let to = if most > least { most } else { least + 1.0 };
        let step = step(to - least);
        Self {
            from: (least / step).floor() * step,
            to: (to / step - 1e-9).ceil() * step,
            ..Self::default()
        }
    }

    /// From the least to the most, for an axis that need not begin at 0.
    pub(super) fn around(values: impl Iterator<Item = f64> + Clone, log: bool) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.clone().fold(f64::NEG_INFINITY, f64::max);
        if !(least.is_finite() && most.is_finite() && most > least) {
            let only = if least.is_finite() { least } else { 0.0 };
            return Self {
                from: only - 1.0,
                to: only + 1.0,
                ..Self::default()
            };
        }
        let above = values.filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
        let log = log && least >= 0.0 && most > above;
        Self {
            from: if log { above } else { least },
            to: most,
            log,
            gap: if log { gap([least].into_iter()) } else { 0.0 },
        }
    }

    /// Per cent of the room.
    pub(super) fn place(&self, value: f64) -> f64 {
        if !self.log {
            return ((value - self.from) / (self.to - self.from)).clamp(0.0, 1.0) * 100.0;
        }
        if value <= 0.0 {
            return 0.0;
        }
        let share = (value.max(self.from) / self.from).ln() / (self.to / self.from).ln();
        self.gap + share.clamp(0.0, 1.0) * (100.0 - self.gap)
    }

    /// At most six values: round ones.
    pub(super) fn ticks(&self) -> Vec<f64> {
        if self.log {
            let (first, last) = (self.from.log10().round() as i32, self.to.log10().round() as i32);
            let every = ((last - first) / 6 + 1) as usize;
            let zero = (self.gap > 0.0).then_some(0.0);
            let powers = (first..=last).step_by(every).map(|power| 10f64.powi(power));
            return zero.into_iter().chain(powers).collect();
        }
        let step = step(self.to - self.from);
        let first = (self.from / step).round() as i64;
        let last = (self.to / step).round() as i64;
        (first..=last).map(|n| n as f64 * step).collect()
    }
}

/// What a logarithmic axis sets aside for these values.
fn gap(mut values: impl Iterator<Item = f64>) -> f64 {
    if values.any(|value| value == 0.0) { GAP } else { 0.0 }
}

/// A round step that divides a span in three to five.
fn step(span: f64) -> f64 {
    let rough = span / 4.0;
    let unit = 10f64.powf(rough.log10().floor());
    let times = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .find(|times| times * unit >= rough * 0.999);
    unit * times.unwrap_or(10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(values: &[f64], log: bool) -> Vec<f64> {
        Scale::of(values.iter().copied(), log).ticks()
    }

    #[test]
    fn an_axis_begins_at_zero_and_ends_at_a_round_value() {
        assert_eq!(ticks(&[12.0, 87.0], false), [0.0, 25.0, 50.0, 75.0, 100.0]);
        assert_eq!(ticks(&[-3.0, 5.0], false), [-5.0, -2.5, 0.0, 2.5, 5.0]);
        assert_eq!(ticks(&[0.0], false).first(), Some(&0.0), "one value is an axis, too");
        assert!(ticks(&[], false).len() > 1, "and none");
    }

    #[test]
    fn a_logarithmic_axis_has_powers_of_ten_and_needs_a_value_above_zero() {
        assert_eq!(ticks(&[3.0, 420.0], true), [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(
            ticks(&[0.0, 3.0, 42.0], true),
            [0.0, 1.0, 10.0, 100.0],
            "0 has a place of its own"
        );
        assert_eq!(ticks(&[0.0, 0.0], true), ticks(&[0.0, 0.0], false));
        let scale = Scale::of([1.0, 100.0].into_iter(), true);
        assert_eq!(
            (scale.place(0.0), scale.place(10.0), scale.place(100.0)),
            (0.0, 50.0, 100.0)
        );
    }
}
