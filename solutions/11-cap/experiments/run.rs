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
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// A figure in the making: arm, metric, samples, observations.
type Row = (String, &'static str, Vec<f64>, u64);

/// Samples as they come, told when all are there, in the order in which their arms first came.
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

    pub(crate) fn tell(self, teller: &Teller) {
        for (arm, metric, samples, n) in self.0 {
            teller.figure(&arm, metric, samples, n);
        }
    }
}
