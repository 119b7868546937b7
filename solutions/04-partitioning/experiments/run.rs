//! What every experiment is given: how thorough it is to be, a runtime to ask servers with, and a place for its figures.

use std::time::{Duration, Instant};

use measure::{Effort, Teller};

/// One run of the program.
pub(crate) struct Run {
    pub(crate) effort: Effort,
    runtime: tokio::runtime::Runtime,
}

impl Run {
    pub(crate) fn new(effort: Effort) -> anyhow::Result<Self> {
        // Loads run on threads of their own; the runtime only asks and starts servers.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        Ok(Self { effort, runtime })
    }

    /// Waits for what servers are asked.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// What the effort asks for: of everything, of a first answer, of a trial.
    pub(crate) fn pick<T>(&self, full: T, quick: T, tried: T) -> T {
        match self.effort {
            Effort::Full => full,
            Effort::Quick => quick,
            Effort::Try => tried,
        }
    }

    pub(crate) fn tries(&self) -> bool {
        self.effort == Effort::Try
    }
}

/// Waits until `there`, at most for `limit`.
pub(crate) fn until(what: &str, limit: Duration, mut there: impl FnMut() -> bool) -> anyhow::Result<()> {
    let started = Instant::now();
    while !there() {
        anyhow::ensure!(started.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Sleeps until then, if that is not past.
pub(crate) fn pause_until(due: Instant) {
    let left = due.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        std::thread::sleep(left);
    }
}

/// A figure in the making: arm, metric, samples, observations.
type Row = (String, &'static str, Vec<f64>, u64);

/// Samples as they come, told when all are there, in the order in which they were first met.
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

/// Counts how many of them come behind a larger one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Disorder {
    largest: Option<u64>,
    /// Behind a larger one.
    pub(crate) behind: u64,
    /// In all.
    pub(crate) all: u64,
}

impl Disorder {
    pub(crate) fn see(&mut self, number: u64) {
        self.behind += u64::from(self.largest.is_some_and(|largest| largest > number));
        self.largest = self.largest.max(Some(number));
        self.all += 1;
    }
}
