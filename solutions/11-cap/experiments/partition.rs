//! partition and bystanders: what clients of both sides are told while a leader, a follower or the controller is away, and what
//! of it is true afterwards.

use std::time::Duration;

use anyhow::ensure;
use measure::Teller;

use crate::cluster::Cluster;
use crate::course::{Fault, Plan, Setting, Who, run as course, warm};
use crate::heard::{Heard, When};
use crate::run::{Figures, Run};

const SETTINGS: [Setting; 3] = [
    Setting { acks: "1", min: "1" },
    Setting { acks: "all", min: "1" },
    Setting { acks: "all", min: "2" },
];

const BOTH: [Setting; 2] = [Setting { acks: "1", min: "2" }, Setting { acks: "all", min: "2" }];

/// Who is hurt, how, and what that is called.
type Arm = (&'static str, Who, Fault);

const LEADER: [Arm; 3] = [
    ("who=nobody fault=none", Who::Nobody, Fault::Cut),
    ("who=leader fault=cut", Who::Leader, Fault::Cut),
    ("who=leader fault=freeze", Who::Leader, Fault::Freeze),
];

const OTHERS: [Arm; 4] = [
    ("who=follower fault=cut", Who::Follower, Fault::Cut),
    ("who=follower fault=freeze", Who::Follower, Fault::Freeze),
    ("who=controller fault=freeze", Who::Controller, Fault::Freeze),
    (
        "who=follower+controller fault=freeze",
        Who::FollowerAndController,
        Fault::Freeze,
    ),
];

pub(crate) fn leader(run: &Run) -> anyhow::Result<()> {
    all(run, &LEADER, &SETTINGS, run.pick(4, 1, 1))
}

/// One replica of three is away at most: the minimum makes no difference.
pub(crate) fn bystanders(run: &Run) -> anyhow::Result<()> {
    all(run, &OTHERS, &BOTH, run.pick(3, 1, 1))
}

fn all(run: &Run, arms: &[Arm], settings: &[Setting], rounds: usize) -> anyhow::Result<()> {
    if run.tries() {
        return tried(run);
    }
    let mut teller = Teller::new(1 + rounds * arms.len());
    teller.step("servers");
    let cluster = Cluster::own(run)?;
    cluster.tell(&teller);
    warm(run, &cluster)?;
    let mut figures = Figures::default();
    for round in 0..rounds {
        for (name, who, fault) in arms {
            teller.step(name);
            let plan = Plan {
                who: *who,
                fault: *fault,
                settings,
                client: &[],
                spans: spans(*who),
                // Each broker has its turn.
                leader: 1 + (round % 3) as i32,
                replicas: 3,
            };
            let (when, heard) = course(run, &cluster, &plan)?;
            for heard in &heard {
                count(&mut figures, name, heard, &when);
            }
        }
    }
    figures.tell(&teller);
    Ok(())
}

fn spans(who: Who) -> [Duration; 3] {
    let during = match who {
        Who::Nobody => 2_000,
        Who::Controller => 5_000,
        _ => 5_000,
    };
    [1_000, during, 2_000].map(Duration::from_millis)
}

/// Without a fault and on one broker: the shared one must not be hurt, and three of its own would take longer to start than all
/// else. What is tried is the stream and the count.
fn tried(run: &Run) -> anyhow::Result<()> {
    let mut teller = Teller::new(1);
    teller.step("a course without a fault");
    let plan = Plan {
        who: Who::Nobody,
        fault: Fault::Cut,
        settings: &SETTINGS[..2],
        client: &[],
        spans: [50, 100, 50].map(Duration::from_millis),
        leader: 1,
        replicas: 1,
    };
    let (when, heard) = course(run, &Cluster::shared(run)?, &plan)?;
    for heard in &heard {
        let told = heard.acknowledged().count();
        ensure!(
            heard.lost() + heard.kept.doubled == 0
                && told == heard.given as usize
                && told > 10
                && heard.unavailable(&when) < 1.0,
            "nothing was broken, and yet of {} records {told} were acknowledged and {} lost",
            heard.given,
            heard.lost()
        );
        ensure!(!heard.seen.is_empty(), "a reader was given nothing");
    }
    Ok(())
}

fn count(figures: &mut Figures, name: &str, heard: &Heard, when: &When) {
    let Setting { acks, min } = heard.setting;
    let arm = format!("{name} acks={acks} min={min} side={}", heard.side.name());
    let given = u64::from(heard.given);
    let acknowledged = heard.acknowledged().count() as u64;
    let mut add = |metric, value| figures.add(&arm, metric, value, given);
    add("lost", heard.lost() as f64);
    add("doubled", heard.kept.doubled as f64);
    add("reordered", heard.kept.reordered as f64);
    add("refused", given.saturating_sub(acknowledged) as f64);
    add("unavailable", heard.unavailable(when));
    add("unread", heard.unread(when));
}
