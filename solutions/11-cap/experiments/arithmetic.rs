//! All R and W of 3 and 5 replicas: stale reads, histories that are not linearizable, and who is refused during a cut.

use std::ops::Range;

use measure::{Effort, Teller};
use quorum::{Action, Cut, Operation, Plan, Quorum, Reads, Run, check, simulate, stale_reads};

/// From when to when the network is cut, of about 50,000 ticks that a run without faults takes.
const CUT: Range<u64> = 10_000..60_000;

/// What is done to the replicas.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Faults {
    None,
    Cut,
    /// A cut, and spares that stand in.
    Sloppy,
}

impl Faults {
    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Cut => "cut",
            Self::Sloppy => "cut-sloppy",
        }
    }
}

struct Arm {
    quorum: Quorum,
    reads: Reads,
    faults: Faults,
}

impl Arm {
    fn name(&self) -> String {
        let reads = match self.reads {
            Reads::Plain => "plain",
            Reads::Repair => "repair",
            Reads::WriteBack => "write-back",
        };
        let (n, r, w) = (self.quorum.n(), self.quorum.r(), self.quorum.w());
        format!("n={n} r={r} w={w} reads={reads} faults={}", self.faults.name())
    }

    /// The writer and a reader on one side, two readers on the other; `with_writer` replicas are on the writer's side.
    fn plan(&self, with_writer: usize) -> Plan {
        let cut = Cut {
            during: CUT,
            away: self.quorum.n() - with_writer,
            clients_away: 2,
        };
        Plan {
            sloppy: self.faults == Faults::Sloppy,
            cut: (self.faults != Faults::None).then_some(cut),
            timeout: 20_000,
            ..Plan::new(self.quorum, self.reads)
        }
    }
}

/// All pairs of R and W; where they are majorities, also the other two ways to read, and sloppy quorums.
fn arms() -> Vec<Arm> {
    let mut arms = Vec::new();
    for n in [3, 5] {
        for (r, w) in (1..=n).flat_map(|r| (1..=n).map(move |w| (r, w))) {
            let quorum = Quorum::new(n, r, w).expect("R and W are 1 to N");
            let arm = |reads, faults| Arm { quorum, reads, faults };
            arms.extend([arm(Reads::Plain, Faults::None), arm(Reads::Plain, Faults::Cut)]);
            if r == w && 2 * r == n + 1 {
                arms.extend([Reads::Repair, Reads::WriteBack].map(|reads| arm(reads, Faults::None)));
                arms.extend([
                    arm(Reads::WriteBack, Faults::Cut),
                    arm(Reads::WriteBack, Faults::Sloppy),
                ]);
            }
        }
    }
    arms
}

/// Counts of one block of seeds.
#[derive(Default)]
struct Counts {
    reads: u64,
    stale: u64,
    histories: u64,
    violating: u64,
    messages: u64,
    answered: u64,
    /// Of the operations that began in the cut, by side of it: the minority, then the majority.
    reads_in_cut: [(u64, u64); 2],
    writes_in_cut: [(u64, u64); 2],
}

impl Counts {
    fn add(&mut self, plan: &Plan, run: &Run) {
        let is_read = |operation: &&Operation| matches!(operation.action, Action::Read(_));
        self.reads += run.history.iter().filter(is_read).count() as u64;
        self.stale += stale_reads(&run.history) as u64;
        self.histories += 1;
        self.violating += u64::from(check(&run.history).is_err());
        self.messages += run.messages;
        self.answered += run.history.iter().filter(|operation| operation.end.is_some()).count() as u64;
        let Some(cut) = &plan.cut else { return };
        let far_is_more = 2 * cut.away > plan.quorum.n();
        // Those that began early enough to time out before the network heals.
        let during = cut.during.start..cut.during.end - plan.timeout;
        let all = run.history.iter().chain(&run.refused);
        for operation in all.filter(|operation| during.contains(&operation.call)) {
            let far = operation.client > plan.readers - cut.clients_away;
            let side = usize::from(far == far_is_more);
            let (refused, of) = match is_read(&operation) {
                true => &mut self.reads_in_cut[side],
                false => &mut self.writes_in_cut[side],
            };
            *refused += u64::from(operation.end.is_none());
            *of += 1;
        }
    }
}

fn percent(part: u64, of: u64) -> f64 {
    100.0 * part as f64 / of.max(1) as f64
}

pub(crate) fn run(effort: Effort) -> anyhow::Result<()> {
    let (blocks, seeds) = match effort {
        Effort::Full => (5, 1_000),
        Effort::Quick => (3, 100),
        Effort::Try => (1, 2),
    };
    let arms = arms();
    let mut teller = Teller::new(blocks as usize);
    let mut counted: Vec<Vec<Counts>> = arms.iter().map(|_| Vec::new()).collect();
    for block in 0..blocks {
        teller.step(&format!("seeds {} to {}", block * seeds, (block + 1) * seeds - 1));
        for (arm, counted) in arms.iter().zip(&mut counted) {
            let mut counts = Counts::default();
            for seed in block * seeds..(block + 1) * seeds {
                // The writer's side has the majority under one half of the seeds.
                let minority = arm.quorum.n() / 2;
                let plan = arm.plan(if seed % 2 == 0 {
                    arm.quorum.n() - minority
                } else {
                    minority
                });
                counts.add(&plan, &simulate(&plan, seed));
            }
            counted.push(counts);
        }
    }
    for (arm, counted) in arms.iter().zip(&counted) {
        let tell = |metric, arm: &str, of: &dyn Fn(&Counts) -> (u64, u64)| {
            let samples = counted.iter().map(of).map(|(part, of)| percent(part, of)).collect();
            teller.figure(arm, metric, samples, counted.iter().map(|counts| of(counts).1).sum());
        };
        let name = arm.name();
        tell("stale", &name, &|counts| (counts.stale, counts.reads));
        tell("violating", &name, &|counts| (counts.violating, counts.histories));
        let messages = counted
            .iter()
            .map(|counts| counts.messages as f64 / counts.answered.max(1) as f64);
        teller.figure(
            &name,
            "messages",
            messages.collect(),
            counted.iter().map(|counts| counts.answered).sum(),
        );
        if arm.faults != Faults::None {
            for (side, is) in [(0, "minority"), (1, "majority")] {
                let name = format!("{name} side={is}");
                tell("unread", &name, &|counts| counts.reads_in_cut[side]);
                tell("unwritten", &name, &|counts| counts.writes_in_cut[side]);
            }
        }
    }
    Ok(())
}
