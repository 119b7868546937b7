//! What the processes of a run have reported, summed up: totals that survive the death of a process, the newest place in
//! each partition, latencies. Plain values; time is an argument.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use measure::{IngestProgress, LagOf, Latency, Progress, WorkerProgress};

use crate::view;

/// Rates and latencies of the live view are over this long.
const WINDOW: Duration = Duration::from_secs(5);

/// Seconds of history of the rows per second.
const HISTORY: usize = 300;

/// What is known of a run.
#[derive(Debug, Default)]
pub(crate) struct Board {
    ingest: IngestProgress,
    /// The newest line of each living worker, by process and worker.
    workers: BTreeMap<(String, String), WorkerProgress>,
    /// Sums of those that are gone.
    gone: Sums,
    gone_cpu_ms: u64,
    /// The newest place in each partition that any worker has reported.
    places: BTreeMap<i32, LagOf>,
    latency: Latency,
    recent: VecDeque<(Duration, Latency)>,
    fresh: Latency,
    samples: VecDeque<(Duration, [u64; 5])>,
    rows_per_second: VecDeque<u64>,
}

/// Sums over workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    /// Candle rows.
    pub(crate) candles: u64,
    /// Blocks refused because a newer owner exists.
    pub(crate) fenced: u64,
    /// Inserts of unknown outcome that were read back.
    pub(crate) read_back: u64,
    /// Partitions taken over.
    pub(crate) takeovers: u64,
}

impl Sums {
    fn add(&mut self, of: &WorkerProgress) {
        self.candles += of.candles;
        self.fenced += of.fenced;
        self.read_back += of.read_back;
        self.takeovers += of.takeovers;
    }
}

impl Board {
    /// A line of process `name`.
    pub(crate) fn take(&mut self, name: &str, progress: Progress) {
        match progress {
            Progress::Ingest(ingest) => self.ingest = ingest,
            Progress::Worker(mut worker) => {
                self.fresh.merge(&worker.latency);
                worker.latency.clear();
                for lag in &worker.partitions {
                    let place = self.places.entry(lag.partition).or_default();
                    // A worker that was frozen wakes up with old news; a place in a log only moves on.
                    place.partition = lag.partition;
                    place.end = place.end.max(lag.end);
                    place.acked = place.acked.max(lag.acked);
                    if lag.position >= place.position {
                        place.position = lag.position;
                        place.watermark = place.watermark.max(lag.watermark);
                        place.idle = lag.idle;
                    }
                }
                self.workers.insert((name.to_owned(), worker.worker.clone()), worker);
            }
        }
    }

    /// Process `name` has ended.
    pub(crate) fn forget(&mut self, name: &str) {
        self.gone_cpu_ms += self.cpu_ms_of(name);
        let gone = &mut self.gone;
        self.workers.retain(|(process, _), worker| {
            if process == name {
                gone.add(worker);
            }
            process != name
        });
    }

    /// What the ingest said last.
    pub(crate) fn ingest(&self) -> &IngestProgress {
        &self.ingest
    }

    /// How many partitions the workers of a process own.
    pub(crate) fn owned_by(&self, process: &str) -> usize {
        self.workers
            .iter()
            .filter(|((name, _), _)| name == process)
            .map(|(_, worker)| worker.partitions.len())
            .sum()
    }

    /// How many partitions are owned by other processes than `but`, those that joined included. Each counts once: while the
    /// group changes hands two processes may claim the same one.
    pub(crate) fn owned_without(&self, but: &str) -> usize {
        let others = self.workers.iter().filter(|((name, _), _)| name != but);
        let owned: BTreeSet<i32> = others
            .flat_map(|(_, worker)| &worker.partitions)
            .map(|lag| lag.partition)
            .collect();
        owned.len()
    }

    /// Processor time that the ingest and the workers have used, milliseconds.
    pub(crate) fn cpu_ms(&self) -> (u64, u64) {
        let living: BTreeSet<&str> = self.workers.keys().map(|(process, _)| process.as_str()).collect();
        let working: u64 = living.into_iter().map(|process| self.cpu_ms_of(process)).sum();
        (self.ingest.cpu_ms, self.gone_cpu_ms + working)
    }

    /// Every worker of a process reports the whole process.
    fn cpu_ms_of(&self, process: &str) -> u64 {
        let workers = self.workers.iter().filter(|((name, _), _)| name == process);
        workers.map(|(_, worker)| worker.cpu_ms).max().unwrap_or(0)
    }

    /// Trades in the tables, by place in the log.
    pub(crate) fn rows(&self) -> u64 {
        self.places.values().map(|place| unsigned(place.acked)).sum()
    }

    /// Records that workers have applied, by place in the log.
    fn applied(&self) -> u64 {
        self.places.values().map(|place| unsigned(place.position)).sum()
    }

    /// The newest watermark of any partition, milliseconds.
    pub(crate) fn newest_watermark(&self) -> Option<i64> {
        self.places.values().filter_map(|place| place.watermark).max()
    }

    /// Sums over all workers that ever were.
    pub(crate) fn sums(&self) -> Sums {
        self.workers.values().fold(self.gone, |mut sums, worker| {
            sums.add(worker);
            sums
        })
    }

    /// Latencies of the whole run.
    pub(crate) fn latency(&self) -> Latency {
        let mut all = self.latency.clone();
        all.merge(&self.fresh);
        all
    }

    /// Takes a sample at `now` since the first trade; `executed` is the exchange's count. Once a second.
    pub(crate) fn sample(&mut self, now: Duration, executed: Option<u64>) {
        let counts = self.counts(executed).map(Option::unwrap_or_default);
        if let Some((_, last)) = self.samples.back() {
            self.rows_per_second.push_back(counts[4].saturating_sub(last[4]));
        }
        self.rows_per_second
            .drain(..self.rows_per_second.len().saturating_sub(HISTORY));
        self.samples.push_back((now, counts));
        self.latency.merge(&self.fresh);
        self.recent.push_back((now, std::mem::take(&mut self.fresh)));
        let from = now.saturating_sub(WINDOW);
        while self.samples.len() > 2 && self.samples[1].0 <= from {
            self.samples.pop_front();
        }
        while self.recent.front().is_some_and(|(at, _)| *at <= from) {
            self.recent.pop_front();
        }
    }

    /// Trades so far at each stage.
    fn counts(&self, executed: Option<u64>) -> [Option<u64>; 5] {
        [
            executed,
            Some(self.ingest.trades),
            Some(self.ingest.acked),
            Some(self.applied()),
            Some(self.rows()),
        ]
    }

    /// The stages as the view shows them.
    pub(crate) fn stages(&self, executed: Option<u64>) -> Vec<view::Stage> {
        let counts = self.counts(executed);
        let rate = |i: usize| match (self.samples.front(), self.samples.back()) {
            (Some((from, first)), Some((to, last))) if to > from => {
                last[i].saturating_sub(first[i]) as f64 / (*to - *from).as_secs_f64()
            }
            _ => 0.0,
        };
        let names = ["exchange", "ingest", "topic", "worker", "table"];
        (0..5)
            .map(|i| view::Stage {
                name: names[i],
                rate: rate(i),
                total: counts[i],
                waiting: match i {
                    0 => None,
                    _ => counts[i - 1]
                        .zip(counts[i])
                        .map(|(before, here)| before.saturating_sub(here)),
                },
            })
            .collect()
    }

    /// The partitions as the view shows them, at `now_ms` of the wall clock.
    pub(crate) fn partitions(&self, count: i32, now_ms: i64) -> Vec<view::Partition> {
        (0..count)
            .map(|id| {
                let place = self.places.get(&id).cloned().unwrap_or_default();
                // Of several that claim it (a frozen one does not know yet), the one that is furthest.
                let owner = self
                    .workers
                    .values()
                    .filter_map(|worker| {
                        let lag = worker.partitions.iter().find(|lag| lag.partition == id)?;
                        Some((lag.position, worker.worker.as_str()))
                    })
                    .max();
                view::Partition {
                    id,
                    lag: unsigned(place.end.saturating_sub(place.position)),
                    delay_ms: place.watermark.map(|watermark| now_ms.saturating_sub(watermark)),
                    idle: place.idle,
                    worker: owner.map(|(_, name)| name.to_owned()).unwrap_or_default(),
                }
            })
            .collect()
    }

    /// Latency over the last seconds.
    pub(crate) fn recent_latency(&self) -> Option<view::Latency> {
        let mut recent = self.fresh.clone();
        for (_, latency) in &self.recent {
            recent.merge(latency);
        }
        (recent.count() > 0).then(|| view::Latency {
            p50: recent.millis_at(0.5),
            p99: recent.millis_at(0.99),
            p999: recent.millis_at(0.999),
        })
    }

    /// Rows per second, newest last.
    pub(crate) fn rows_per_second(&self) -> Vec<u64> {
        self.rows_per_second.iter().copied().collect()
    }
}

fn unsigned(offset: i64) -> u64 {
    u64::try_from(offset).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(worker: &str, acked: i64, position: i64, candles: u64) -> Progress {
        let lag = LagOf {
            partition: 0,
            position,
            acked,
            end: 100,
            watermark: Some(position * 10),
            idle: false,
        };
        let mut latency = Latency::default();
        latency.record(2_000, 10);
        Progress::Worker(WorkerProgress {
            worker: worker.into(),
            partitions: vec![lag],
            candles,
            latency,
            ..WorkerProgress::default()
        })
    }

    #[test]
    fn totals_survive_the_death_of_a_worker() {
        let mut board = Board::default();
        board.take("worker-1", line("worker-1", 40, 60, 7));
        board.forget("worker-1");
        assert_eq!(
            (board.rows(), board.applied(), board.sums().candles),
            (40, 60, 7),
            "{board:?}"
        );
        board.take("worker-2", line("worker-2", 90, 95, 5));
        assert_eq!(
            (board.rows(), board.applied(), board.sums().candles),
            (90, 95, 12),
            "{board:?}"
        );
        assert_eq!(board.latency().count(), 20, "{board:?}");
    }

    #[test]
    fn what_a_thawed_worker_says_moves_nothing_back() {
        let mut board = Board::default();
        board.take("worker-1", line("worker-1", 40, 60, 0));
        board.take("worker-2", line("worker-2", 90, 95, 0));
        board.take("worker-1", line("worker-1", 40, 60, 0));
        let partition = &board.partitions(1, 1_000)[0];
        assert_eq!(
            (board.rows(), partition.lag, partition.worker.as_str()),
            (90, 5, "worker-2"),
            "{board:?}"
        );
        assert_eq!(partition.delay_ms, Some(50), "the watermark went back: {board:?}");
    }

    fn owns(worker: &str, partitions: &[i32], cpu_ms: u64) -> Progress {
        let lag = |partition: &i32| LagOf {
            partition: *partition,
            ..LagOf::default()
        };
        Progress::Worker(WorkerProgress {
            worker: worker.into(),
            partitions: partitions.iter().map(lag).collect(),
            cpu_ms,
            ..WorkerProgress::default()
        })
    }

    #[test]
    fn what_others_own_is_counted_once_and_with_those_that_joined() {
        let mut board = Board::default();
        board.take("worker-1", owns("worker-1", &[0, 1, 2], 0));
        assert_eq!(board.owned_without("worker-1"), 0, "{board:?}");
        board.take("joined-7", owns("joined-7", &[3, 4, 5], 0));
        board.take("worker-2", owns("worker-2", &[2, 3], 0));
        assert_eq!(board.owned_without("worker-1"), 4, "2 to 5: {board:?}");
        board.forget("joined-7");
        assert_eq!(board.owned_without("worker-1"), 2, "2 and 3: {board:?}");
    }

    #[test]
    fn processor_time_is_that_of_processes_also_of_those_that_are_gone() {
        let mut board = Board::default();
        board.take("worker-1", owns("a", &[0], 30));
        board.take("worker-1", owns("b", &[1], 31));
        board.take("worker-2", owns("c", &[2], 5));
        assert_eq!(board.cpu_ms(), (0, 36), "{board:?}");
        board.forget("worker-1");
        assert_eq!(board.cpu_ms(), (0, 36), "{board:?}");
    }

    #[test]
    fn rates_are_over_the_last_seconds() {
        let mut board = Board::default();
        for second in 0..20_u64 {
            board.sample(Duration::from_secs(second), Some(second * second * 10));
        }
        // From second 14 to second 19: (361 − 196) × 10 / 5 s.
        assert_eq!(board.stages(Some(3_610))[0].rate, 330.0, "{board:?}");
        assert_eq!(board.rows_per_second().len(), 19);
    }

    #[test]
    fn nobody_owns_a_partition_that_no_living_worker_reports() {
        let mut board = Board::default();
        assert_eq!(board.partitions(1, 0)[0].worker, "");
        board.take("worker-1", line("worker-1", 1, 1, 0));
        assert_eq!(board.partitions(1, 0)[0].worker, "worker-1");
        board.forget("worker-1");
        assert_eq!(board.partitions(1, 0)[0].worker, "");
        assert_eq!(board.owned_by("worker-1"), 0);
    }
}
