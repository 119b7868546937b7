//! What the processes of a run have reported, summed up: totals that survive the death of a process, the newest place in
//! each partition, latencies. Plain values; time is an argument.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use measure::{IngestProgress, Latency, Progress, WorkerProgress};

use crate::view;

/// Rates and latencies of the live view are over this long.
const WINDOW: Duration = Duration::from_secs(5);

/// What is left away where steady latency is asked for.
const WARM_UP: Duration = Duration::from_secs(10);

/// Samples are not taken to the millisecond: one that is so much younger than the window begins it.
const SLACK: Duration = Duration::from_millis(500);

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
    /// The newest that is known of each partition.
    places: BTreeMap<i32, Place>,
    latency: Latency,
    /// The same without the beginning.
    steady: Latency,
    recent: VecDeque<(Duration, Latency)>,
    fresh: Latency,
    samples: VecDeque<(Duration, [u64; 5])>,
    rows_per_second: VecDeque<u64>,
}

/// What is known of one partition, from whoever knew it last.
#[derive(Clone, Debug, Default)]
struct Place {
    position: i64,
    acked: i64,
    /// Absent until the broker or a worker has told it.
    end: Option<i64>,
    watermark: Option<i64>,
    idle: bool,
}

impl Place {
    /// An applied record is in the log, however old the news of its end.
    fn end(&self) -> Option<i64> {
        self.end.map(|end| end.max(self.position))
    }

    fn lag(&self) -> Option<u64> {
        self.end().map(|end| unsigned(end - self.position))
    }
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
            // Whoever hears a process ends the run for it.
            Progress::Unbuilt(_) => {}
            Progress::Ingest(ingest) => self.ingest = ingest,
            Progress::Worker(mut worker) => {
                self.fresh.merge(&worker.latency);
                worker.latency.clear();
                for lag in &worker.partitions {
                    let place = self.places.entry(lag.partition).or_default();
                    // A worker that was frozen wakes up with old news; a place in a log only moves on.
                    place.end = place.end.max(Some(lag.end));
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

    /// Where the partitions end, as the broker says: workers do not say it while none of them lives, and that is when lag grows.
    pub(crate) fn ends(&mut self, ends: &[(i32, i64)]) {
        for (partition, end) in ends {
            let place = self.places.entry(*partition).or_default();
            place.end = place.end.max(Some(*end));
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

    /// Latencies after the beginning, in which servers compile their code and connections are made.
    pub(crate) fn steady_latency(&self) -> Latency {
        let mut all = self.steady.clone();
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
        if now > WARM_UP {
            self.steady.merge(&self.fresh);
        }
        self.recent.push_back((now, std::mem::take(&mut self.fresh)));
        let from = now.saturating_sub(WINDOW);
        while self.samples.len() > 2 && self.samples[1].0 <= from + SLACK {
            self.samples.pop_front();
        }
        while self.recent.front().is_some_and(|(at, _)| *at <= from) {
            self.recent.pop_front();
        }
    }

    /// Records in the topic as far as its ends are known.
    fn in_the_log(&self) -> u64 {
        self.places.values().filter_map(Place::end).map(unsigned).sum()
    }

    /// Trades so far at each stage. The processes report at different moments: what a later one has seen, an earlier one has
    /// done; and what the log holds twice is not more than was executed.
    fn counts(&self, executed: Option<u64>) -> [Option<u64>; 5] {
        let topic = self.ingest.acked.max(self.in_the_log());
        let ingest = self.ingest.trades.max(topic);
        let mut most = executed.unwrap_or(u64::MAX);
        let later = [ingest, topic, self.applied(), self.rows()].map(|count| {
            most = most.min(count);
            Some(most)
        });
        [executed, later[0], later[1], later[2], later[3]]
    }

    /// Trades that were executed, or received where nobody counts those, and are no row yet.
    pub(crate) fn on_the_way(&self, executed: Option<u64>) -> u64 {
        let counts = self.counts(executed);
        let first = counts.iter().flatten().next().copied().unwrap_or(0);
        first - counts[4].unwrap_or(first)
    }

    /// How long the rates look back; absent while there are none.
    pub(crate) fn rates_over(&self) -> Option<Duration> {
        let (from, to) = (self.samples.front()?.0, self.samples.back()?.0);
        (to > from).then(|| to - from)
    }

    /// The stages as the view shows them.
    pub(crate) fn stages(&self, executed: Option<u64>) -> Vec<view::Stage> {
        let counts = self.counts(executed);
        let rate = |i: usize| {
            let seconds = self.rates_over()?.as_secs_f64();
            let (first, last) = (self.samples.front()?.1[i], self.samples.back()?.1[i]);
            Some(last.saturating_sub(first) as f64 / seconds)
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
        let outgrown = self.ingest.acked > self.in_the_log();
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
                // The log has grown past the ends that are known, and no worker looks: 0 may be wrong.
                let lag = place.lag().filter(|lag| *lag > 0 || owner.is_some() || !outgrown);
                view::Partition {
                    id,
                    lag,
                    delay_ms: place.watermark.map(|watermark| now_ms.saturating_sub(watermark)),
                    // Of a partition that nobody reads, or whose records wait, the last word of its worker says nothing.
                    idle: place.idle && owner.is_some() && lag == Some(0),
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
mod tests;
