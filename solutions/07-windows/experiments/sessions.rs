//! Sessions at their worst: many of one key at once, opened, joined and fired in orders that nobody wishes for.

use std::hint::black_box;

use measure::{Effort, Teller};
use windows::{Aggregate, Assigner, Config, Overflow, Sum, WindowOperator};

use crate::figures::{Figures, Random, nanos_of, pick};

const GAP_MS: i64 = 1_000;
/// From one session to the next: a value in the middle of what is between joins both.
const APART_MS: i64 = 1_500;
const COUNTS: [usize; 3] = [100, 1_000, 10_000];

/// What the values of one key do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pattern {
    /// All belong to one session, which grows with each.
    Grow,
    /// Each opens a session of its own.
    Apart,
    /// Each joins two of the sessions that were there.
    Bridge,
}

/// In which order of their times they come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Ascending,
    Descending,
    Shuffled,
}

impl Pattern {
    const ALL: [Self; 3] = [Self::Grow, Self::Apart, Self::Bridge];

    fn name(self) -> &'static str {
        match self {
            Self::Grow => "grow",
            Self::Apart => "apart",
            Self::Bridge => "bridge",
        }
    }

    /// How far from one value to the next.
    fn step_ms(self) -> i64 {
        match self {
            Self::Grow => GAP_MS / 2,
            Self::Apart | Self::Bridge => APART_MS,
        }
    }
}

impl Order {
    const ALL: [Self; 3] = [Self::Ascending, Self::Descending, Self::Shuffled];

    fn name(self) -> &'static str {
        match self {
            Self::Ascending => "ascending",
            Self::Descending => "descending",
            Self::Shuffled => "shuffled",
        }
    }

    fn of(self, mut times: Vec<i64>, random: &mut Random) -> Vec<i64> {
        match self {
            Self::Ascending => {}
            Self::Descending => times.reverse(),
            Self::Shuffled => random.shuffle(&mut times),
        }
        times
    }
}

/// Every value, as a sum that cannot be had without them needs it: a median, a list of clicks.
#[derive(Clone, Debug)]
struct List(Vec<i64>);

impl Aggregate for List {
    type Value = i64;

    fn first(value: &i64) -> Self {
        Self(vec![*value])
    }

    fn add(&mut self, value: &i64) -> Result<(), Overflow> {
        self.0.push(*value);
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        self.0.extend(other.0);
        Ok(())
    }
}

/// How many values a state has taken, each of them a 1.
trait Count {
    fn count(&self) -> i64;
}

impl Count for Sum {
    fn count(&self) -> i64 {
        self.0
    }
}

impl Count for List {
    fn count(&self) -> i64 {
        self.0.len() as i64
    }
}

fn new<A: Aggregate<Value = i64>>(allowed_lateness: i64) -> WindowOperator<u64, A> {
    let assigner = Assigner::session(GAP_MS).expect("a gap");
    let config = Config {
        allowed_lateness,
        ..Config::new(assigner)
    };
    WindowOperator::new(config).expect("a lateness that is not below 0")
}

fn add<A: Aggregate<Value = i64>>(operator: &mut WindowOperator<u64, A>, times: &[i64]) {
    for time in times {
        black_box(operator.on_event(&1, &1, *time, |_| {}).expect("no overflow"));
    }
}

/// Nanoseconds for a value, in one key.
fn taking<A: Aggregate<Value = i64> + Count>(pattern: Pattern, order: Order, count: usize, random: &mut Random) -> f64 {
    let mut operator: WindowOperator<u64, A> = new(0);
    let mut times: Vec<i64> = (0..count as i64).map(|n| n * pattern.step_ms()).collect();
    let mut sessions = count;
    let mut values = count as i64;
    match pattern {
        Pattern::Grow => sessions = 1,
        Pattern::Apart => {}
        Pattern::Bridge => {
            add(&mut operator, &times);
            times.pop();
            times.iter_mut().for_each(|time| *time += APART_MS / 2);
            sessions = 1;
            values += times.len() as i64;
        }
    }
    let times = order.of(times, random);
    let nanos = nanos_of(|| add(&mut operator, &times));
    assert_eq!(
        operator.open_windows(),
        sessions,
        "{} makes other sessions",
        pattern.name()
    );
    let held: i64 = operator
        .windows()
        .filter_map(|(_, _, _, state)| state.map(Count::count))
        .sum();
    assert_eq!(held, values, "a value is missing from its session");
    nanos / times.len() as f64
}

/// Nanoseconds for a session that fires, of so many of one key that were opened in this order; held afterwards, or gone.
fn firing(order: Order, allowed_lateness: i64, count: usize, random: &mut Random) -> f64 {
    let mut operator: WindowOperator<u64, Sum> = new(allowed_lateness);
    let times: Vec<i64> = (0..count as i64).map(|n| n * APART_MS).collect();
    add(&mut operator, &order.of(times, random));
    let mut said = 0;
    let end = count as i64 * APART_MS + GAP_MS;
    let nanos = nanos_of(|| operator.on_watermark(end, |it| said += black_box(it.state.0)));
    assert_eq!(said, count as i64, "every session speaks once");
    nanos / count as f64
}

pub(crate) fn run(effort: Effort) {
    let repetitions = pick(effort, 9, 3, 1);
    let counts = pick(effort, &COUNTS[..], &COUNTS[..], &COUNTS[..1]);
    // Where there are few, the same is done several times: a single course would be over too soon to be timed.
    let rounds = |count: usize| (pick(effort, 50_000, 50_000, 100) / count).max(1);
    let mut teller = Teller::new(repetitions);
    let mut figures = Figures::default();
    for seed in 1..=repetitions as u64 {
        teller.step(&format!("round {seed} of {repetitions}"));
        let random = &mut Random::new(seed);
        for &count in counts {
            let mean = |course: &mut dyn FnMut() -> f64| {
                let rounds = rounds(count);
                (0..rounds).map(|_| course()).sum::<f64>() / rounds as f64
            };
            let n = (rounds(count) * count) as u64;
            for order in Order::ALL {
                for pattern in Pattern::ALL {
                    let arm = |state| {
                        format!(
                            "pattern={} order={} state={state} sessions={count}",
                            pattern.name(),
                            order.name()
                        )
                    };
                    let time = mean(&mut || taking::<Sum>(pattern, order, count, random));
                    figures.add(&arm("sum"), "time", time, n);
                    if pattern == Pattern::Bridge {
                        let time = mean(&mut || taking::<List>(pattern, order, count, random));
                        figures.add(&arm("list"), "time", time, n);
                    }
                }
            }
            for order in [Order::Ascending, Order::Shuffled] {
                for (after, lateness) in [("gone", 0), ("held", i64::MAX)] {
                    let arm = format!("pattern={after} order={} state=sum sessions={count}", order.name());
                    let time = mean(&mut || firing(order, lateness, count, random));
                    figures.add(&arm, "fire", time, n);
                }
            }
        }
    }
    figures.tell(&teller);
}
