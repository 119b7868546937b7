//! The samples of an experiment, gathered over its repetitions.

use measure::{Effort, Teller};

/// A figure in the making: arm, metric, samples, observations.
type Row = (String, &'static str, Vec<f64>, u64);

/// In the order in which they were first met.
#[derive(Default)]
pub(crate) struct Figures(Vec<Row>);

impl Figures {
    /// What one repetition gave, from `n` observations.
    pub(crate) fn add(&mut self, arm: &str, metric: &'static str, sample: f64, n: u64) {
        match self.0.iter_mut().find(|row| row.0 == arm && row.1 == metric) {
            Some((_, _, samples, all)) => {
                samples.push(sample);
                *all += n;
            }
            None => self.0.push((arm.to_owned(), metric, vec![sample], n)),
        }
    }

    /// `part` of `whole` in percent.
    pub(crate) fn share(&mut self, arm: &str, metric: &'static str, part: u64, whole: u64) {
        self.add(arm, metric, 100.0 * part as f64 / whole.max(1) as f64, whole);
    }

    pub(crate) fn tell(self, teller: &Teller) {
        for (arm, metric, samples, n) in self.0 {
            teller.figure(&arm, metric, samples, n);
        }
    }
}

/// The value that `share` (0 to 1) of them do not exceed; 0 of none.
pub(crate) fn quantile(values: &mut [i64], share: f64) -> i64 {
    values.sort_unstable();
    let rank = (share * values.len() as f64).ceil() as usize;
    values.get(rank.clamp(1, values.len().max(1)) - 1).copied().unwrap_or(0)
}

/// How much is done.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    /// The seeds of the repetitions.
    pub(crate) seeds: u64,
    /// Minutes of each stream.
    pub(crate) minutes: i64,
}

impl Size {
    /// `full` and `quick` as seeds and minutes; a try is the shortest stream that has everything in it.
    pub(crate) fn of(effort: Effort, full: (u64, i64), quick: (u64, i64), shortest: i64) -> Self {
        let (seeds, minutes) = match effort {
            Effort::Full => full,
            Effort::Quick => quick,
            Effort::Try => (1, shortest),
        };
        Self { seeds, minutes }
    }
}
