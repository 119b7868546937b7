//! What every experiment is given: how thorough it is to be, and a place for its figures.

use std::time::Duration;

use measure::{Effort, Teller};
use rustix::time::{ClockId, clock_gettime};

/// One run of the program.
pub(crate) struct Run {
    effort: Effort,
}

impl Run {
    pub(crate) fn new(effort: Effort) -> Self {
        Self { effort }
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

/// A figure in the making: arm, metric, samples, observations.
type Row = (String, &'static str, Vec<f64>, u64);

/// In the order in which they were first met.
#[derive(Default)]
pub(crate) struct Figures {
    rows: Vec<Row>,
    missing: Vec<String>,
}

impl Figures {
    /// What one repetition gave, from `n` observations.
    pub(crate) fn add(&mut self, arm: &str, metric: &'static str, sample: f64, n: u64) {
        match self.rows.iter_mut().find(|row| row.0 == arm && row.1 == metric) {
            Some((_, _, samples, all)) => {
                samples.push(sample);
                *all += n;
            }
            None => self.rows.push((arm.to_owned(), metric, vec![sample], n)),
        }
    }

    /// Something has no figure here, and why; told once, however often it is met.
    pub(crate) fn lacks(&mut self, why: String) {
        if !self.missing.contains(&why) {
            self.missing.push(why);
        }
    }

    pub(crate) fn any(&self) -> bool {
        !self.rows.is_empty()
    }

    pub(crate) fn tell(self, teller: &Teller) {
        for why in &self.missing {
            teller.not_here(why);
        }
        for (arm, metric, samples, n) in self.rows {
            teller.figure(&arm, metric, samples, n);
        }
    }
}

/// Nanoseconds of a clock that all processes of this machine share.
pub(crate) fn shared_ns() -> u64 {
    nanos(ClockId::Monotonic)
}

/// Processor time of this process so far.
pub(crate) fn cpu() -> Duration {
    Duration::from_nanos(nanos(ClockId::ProcessCPUTime))
}

/// Processor time of this thread so far.
pub(crate) fn thread_cpu() -> Duration {
    Duration::from_nanos(nanos(ClockId::ThreadCPUTime))
}

fn nanos(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    seconds.unwrap_or(0) * 1_000_000_000 + nanos.unwrap_or(0)
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// A runtime of one thread, which is the caller's.
pub(crate) fn one_thread() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// A runtime of so many workers beside the caller.
pub(crate) fn workers(count: usize) -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(count)
        .enable_all()
        .build()?)
}
