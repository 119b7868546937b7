//! What every experiment is given: how thorough it is to be, a runtime to ask servers with, and a place for its figures.

use std::collections::BTreeMap;
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

/// How long `work` takes, milliseconds: once if it is long, else the median of up to nine times, which what else the machine does moves less.
pub(crate) fn millis(mut work: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let mut took = Vec::new();
    while took.is_empty() || (took.len() < 9 && took.iter().sum::<f64>() < 50.0) {
        let started = Instant::now();
        work()?;
        took.push(started.elapsed().as_secs_f64() * 1e3);
    }
    took.sort_by(f64::total_cmp);
    Ok(took[took.len() / 2])
}

/// Samples as they come, told when all are there. Arms and metrics keep the order in which they first came.
#[derive(Default)]
pub(crate) struct Figures {
    order: Vec<(String, &'static str)>,
    samples: BTreeMap<(String, &'static str), (Vec<f64>, u64)>,
}

impl Figures {
    /// Another sample, from `n` observations.
    pub(crate) fn add(&mut self, arm: &str, metric: &'static str, value: f64, n: u64) {
        let key = (arm.to_owned(), metric);
        let (samples, seen) = self.samples.entry(key.clone()).or_insert_with(|| {
            self.order.push(key);
            (Vec::new(), 0)
        });
        samples.push(value);
        *seen += n;
    }

    pub(crate) fn tell(self, teller: &Teller) {
        for key in &self.order {
            if let Some((samples, n)) = self.samples.get(key) {
                teller.figure(&key.0, key.1, samples.clone(), *n);
            }
        }
    }
}
