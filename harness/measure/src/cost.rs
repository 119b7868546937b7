//! What a stage of the pipeline costs for each record, beside its floor: measured in turns, told with its spread.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::Counting;

/// The median of some rounds, and the least and the most of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The one in the middle; of an even number the mean of the two in the middle.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    /// Of some values; zeros of none.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let (Some(least), Some(most)) = (values.first(), values.last()) else {
            return Self::default();
        };
        let middle = values.len() / 2;
        Self {
            median: match values.len() % 2 {
                0 => f64::midpoint(values[middle - 1], values[middle]),
                _ => values[middle],
            },
            least: *least,
            most: *most,
        }
    }

    /// How far the ends lie apart, in medians: 0 if they agree, infinite if they do not and the median is 0.
    #[must_use]
    pub fn relative(&self) -> f64 {
        let width = self.most - self.least;
        if width == 0.0 { 0.0 } else { width / self.median.abs() }
    }
}

/// What one way of doing the work of a stage costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// The stage, such as `decode`.
    pub stage: String,
    /// How it was done: ours, or a floor and which.
    pub way: String,
    /// Whether it is a floor: less than the stage must do.
    pub floor: bool,
    /// Records of one round.
    pub records: u64,
    /// Bytes of one record, as it comes or goes.
    pub bytes: f64,
    /// Records per second of wall time.
    pub per_second: Spread,
    /// Processor time of this process (or of the one thread that works), microseconds per record.
    pub cpu_us: Spread,
    /// Processor time of the servers, microseconds per record; absent where none takes part.
    pub servers_us: Option<Spread>,
    /// Allocations per record, without those of C libraries.
    pub allocations: f64,
}

/// Whose processor time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// All threads of this process.
    Process,
    /// The calling thread alone: others play the part of somebody else.
    Thread,
}

/// One round of one way.
struct Round {
    wall: Duration,
    cpu: Duration,
    servers: Duration,
    allocations: u64,
}

/// The ways of doing one stage's work. A way does the work of one round each time it is called.
pub struct Stage<'a> {
    name: &'static str,
    records: u64,
    bytes: f64,
    whose: Whose,
    servers: &'a [u32],
    ways: Vec<Way<'a>>,
}

/// Its name, whether it is a floor, and one round of it.
type Way<'a> = (String, bool, Box<dyn FnMut() + 'a>);

impl<'a> Stage<'a> {
    /// A stage whose rounds take `records` of `bytes` each.
    #[must_use]
    pub fn new(name: &'static str, records: u64, bytes: f64) -> Self {
        Self {
            name,
            records,
            bytes,
            whose: Whose::Process,
            servers: &[],
            ways: Vec::new(),
        }
    }

    /// Counts the processor time of these.
    #[must_use]
    pub fn counting(mut self, whose: Whose) -> Self {
        self.whose = whose;
        self
    }

    /// Counts that of these processes of this machine beside it.
    #[must_use]
    pub fn servers(mut self, pids: &'a [u32]) -> Self {
        self.servers = pids;
        self
    }

    /// A lower bound.
    #[must_use]
    pub fn floor(mut self, way: impl Into<String>, work: impl FnMut() + 'a) -> Self {
        self.ways.push((way.into(), true, Box::new(work)));
        self
    }

    /// What is measured.
    #[must_use]
    pub fn way(mut self, way: impl Into<String>, work: impl FnMut() + 'a) -> Self {
        self.ways.push((way.into(), false, Box::new(work)));
        self
    }

    /// Runs every way once to warm up, then `rounds` times in turns: whatever else the machine does meets all of them alike.
    #[must_use]
    pub fn run(mut self, rounds: usize) -> Vec<Cost> {
        let mut seen: Vec<Vec<Round>> = self.ways.iter().map(|_| Vec::with_capacity(rounds)).collect();
        for round in 0..=rounds {
            for (i, (_, _, work)) in self.ways.iter_mut().enumerate() {
                let took = one(self.whose, self.servers, work);
                if round > 0 || rounds == 0 {
                    seen[i].push(took);
                }
            }
        }
        let per_record = |rounds: &[Round], of: &dyn Fn(&Round) -> f64| {
            Spread::of(rounds.iter().map(|round| of(round) / self.records as f64).collect())
        };
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        self.ways
            .iter()
            .zip(&seen)
            .map(|((way, floor, _), rounds)| Cost {
                stage: self.name.into(),
                way: way.clone(),
                floor: *floor,
                records: self.records,
                bytes: self.bytes,
                per_second: Spread::of(
                    rounds
                        .iter()
                        .map(|round| self.records as f64 / round.wall.as_secs_f64().max(1e-9))
                        .collect(),
                ),
                cpu_us: per_record(rounds, &|round| micros(round.cpu)),
                servers_us: (!self.servers.is_empty()).then(|| per_record(rounds, &|round| micros(round.servers))),
                allocations: per_record(rounds, &|round| round.allocations as f64).median,
            })
            .collect()
    }
}

fn one(whose: Whose, servers: &[u32], work: &mut dyn FnMut()) -> Round {
    let cpu = || {
        let clock = match whose {
            Whose::Process => ClockId::ProcessCPUTime,
            Whose::Thread => ClockId::ThreadCPUTime,
        };
        time_of(clock)
    };
    let allocated = || match whose {
        Whose::Process => Counting::of_all(),
        Whose::Thread => Counting::of_thread(),
    };
    let served = || servers.iter().map(|pid| cpu_of(*pid)).sum::<Duration>();
    let (allocations, at_servers, at_cpu, from) = (allocated(), served(), cpu(), Instant::now());
    work();
    Round {
        wall: from.elapsed(),
        cpu: cpu().saturating_sub(at_cpu),
        servers: served().saturating_sub(at_servers),
        allocations: allocated() - allocations,
    }
}

fn time_of(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// Processor time that a process of this machine has used, user and system, in the kernel's ticks of 10 ms; zero where /proc
/// is not what Linux has.
#[must_use]
pub fn cpu_of(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The second field is the program's name in parentheses and may hold spaces: count from its end.
    let ticks: u64 = stat
        .rsplit_once(')')
        .map(|(_, rest)| {
            let times = rest.split_whitespace().skip(11).take(2);
            times.filter_map(|field| field.parse::<u64>().ok()).sum()
        })
        .unwrap_or(0);
    Duration::from_millis(ticks * 1_000 / rustix::param::clock_ticks_per_second().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_of_a_stage_take_turns_and_each_is_told_per_record() {
        let turns = std::cell::RefCell::new(String::new());
        let spin = |name: char, micros: u64| {
            turns.borrow_mut().push(name);
            // By the processor's time: by the wall's, a thread that waits for a core would spin less.
            let until = time_of(ClockId::ThreadCPUTime) + Duration::from_micros(micros);
            while time_of(ClockId::ThreadCPUTime) < until {
                std::hint::spin_loop();
            }
        };
        let costs = Stage::new("spin", 10, 7.0)
            .counting(Whose::Thread)
            .floor("less", || spin('a', 1_000))
            .way("ours", || spin('b', 4_000))
            .run(3);
        assert_eq!(*turns.borrow(), "abababab", "one warm-up each, then in turns");
        let [floor, ours] = &costs[..] else { panic!("{costs:?}") };
        assert!(floor.floor && !ours.floor && ours.bytes == 7.0);
        // Ten records each: at least a millisecond, and at least four.
        assert!(floor.cpu_us.least >= 100.0 && ours.cpu_us.least >= 400.0, "{costs:?}");
        assert!(
            floor.per_second.most <= 10_000.0 && ours.per_second.most <= 2_500.0,
            "{costs:?}"
        );
        assert_eq!(ours.servers_us, None, "there is no server");
    }

    #[test]
    fn a_spread_is_the_median_between_the_ends() {
        let spread = Spread::of(vec![3.0, 1.0, 2.0]);
        assert_eq!((spread.median, spread.least, spread.most), (2.0, 1.0, 3.0));
        assert_eq!(Spread::of(vec![9.0, 1.0]).median, 5.0, "of two, neither is the middle");
        assert_eq!(Spread::of(vec![4.0, 1.0, 9.0, 2.0]).median, 3.0);
        assert_eq!(Spread::of(Vec::new()), Spread::default());
    }
}
