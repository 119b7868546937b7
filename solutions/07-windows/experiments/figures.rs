//! What every experiment here needs: samples gathered over repetitions, the processor's time, and numbers from a seed.

use measure::{Effort, Teller};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rustix::time::{ClockId, clock_gettime};

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

/// What the effort asks for: of everything, of a first answer, of a try.
pub(crate) fn pick<T>(effort: Effort, full: T, quick: T, tried: T) -> T {
    match effort {
        Effort::Full => full,
        Effort::Quick => quick,
        Effort::Try => tried,
    }
}

/// Nanoseconds of this thread on a processor: those for which another program had it do not count.
pub(crate) fn nanos_of(work: impl FnOnce()) -> f64 {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
    };
    let start = now();
    work();
    now() - start
}

/// Numbers from a seed, the same everywhere.
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number from 0 on, less than `below`, which is above 0.
    pub(crate) fn below(&mut self, below: i64) -> i64 {
        (self.0.next_u64() % below as u64) as i64
    }

    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, self.below(at as i64 + 1) as usize);
        }
    }
}
