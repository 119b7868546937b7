//! timeline: what the clients of each side are told in each second, while the leader is cut off or stands still.

use std::time::{Duration, Instant};

use anyhow::ensure;
use measure::Teller;
use quorum::Code;

use crate::cluster::Cluster;
use crate::course::{Fault, Plan, Setting, Who, run as course, warm};
use crate::heard::{Heard, When};
use crate::run::{Figures, Run};

const SETTINGS: [Setting; 2] = [Setting { acks: "1", min: "2" }, Setting { acks: "all", min: "2" }];

/// A record is given up after a second, so that its caller is told what is going on. The client keeps its connection when that
/// happens: it would look for another broker, and these clients know those of one side only.
const CLIENT: [(&str, &str); 2] = [("message.timeout.ms", "1000"), ("socket.max.fails", "0")];

/// Seconds before the fault, while it lasts, and after it.
const SPANS: [u64; 3] = [2, 6, 4];

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    if run.tries() {
        return tried(run);
    }
    let faults = [("cut", Fault::Cut), ("freeze", Fault::Freeze)];
    let rounds = run.pick(3, 1, 1);
    let mut teller = Teller::new(1 + rounds * faults.len());
    teller.step("servers");
    let cluster = Cluster::own(run)?;
    cluster.tell(&teller);
    warm(run, &cluster)?;
    let mut figures = Figures::default();
    for round in 0..rounds {
        for (name, fault) in faults {
            teller.step(&format!("the leader, {name}"));
            let plan = Plan {
                who: Who::Leader,
                fault,
                settings: &SETTINGS,
                client: &CLIENT,
                spans: SPANS.map(Duration::from_secs),
                leader: 1 + (round % 3) as i32,
                replicas: 3,
            };
            let (when, heard) = course(run, &cluster, &plan)?;
            for heard in &heard {
                tell(&mut figures, name, heard, &when, SPANS.iter().sum());
            }
        }
    }
    figures.tell(&teller);
    Ok(())
}

/// Without a fault and on one broker, which others use too: what is tried is that each record falls into a second.
fn tried(run: &Run) -> anyhow::Result<()> {
    let mut teller = Teller::new(1);
    teller.step("a second without a fault");
    let plan = Plan {
        who: Who::Nobody,
        fault: Fault::Cut,
        settings: &SETTINGS[1..],
        client: &CLIENT,
        spans: [50, 50, 50].map(Duration::from_millis),
        leader: 1,
        replicas: 1,
    };
    let (when, heard) = course(run, &Cluster::shared(run)?, &plan)?;
    for heard in &heard {
        let told: u64 = by_second(heard.acknowledged().map(|told| told.at), when.begun, 60)
            .iter()
            .sum();
        ensure!(
            told + 1 == u64::from(heard.given),
            "of {} records {told} were acknowledged in some second; one is sent before the first",
            heard.given
        );
    }
    Ok(())
}

fn tell(figures: &mut Figures, fault: &str, heard: &Heard, when: &When, seconds: u64) {
    let arm = format!("fault={fault} acks={} side={}", heard.setting.acks, heard.side.name());
    let reported = |wanted: &dyn Fn(Code) -> bool| {
        let told = heard.told.iter().filter(|told| wanted(told.code)).map(|told| told.at);
        by_second(told, when.begun, seconds)
    };
    let metrics = [
        ("acknowledged", reported(&|code| code == Code::NoError)),
        ("timed_out", reported(&|code| code == Code::MessageTimedOut)),
        (
            "refused",
            reported(&|code| code != Code::NoError && code != Code::MessageTimedOut),
        ),
        (
            "read",
            by_second(heard.seen.iter().map(|seen| seen.at), when.begun, seconds),
        ),
    ];
    for (metric, counts) in metrics {
        for (second, count) in counts.into_iter().enumerate() {
            figures.add(&format!("{arm} at_s={second}"), metric, count as f64, count);
        }
    }
    figures.add(
        &format!("{arm} at_s=all"),
        "lost",
        heard.lost() as f64,
        u64::from(heard.given),
    );
    // What is said to have failed may be there all the same.
    let failed = heard.told.iter().filter(|told| told.code != Code::NoError);
    let there = failed.clone().filter(|told| heard.kept.holds(told.n)).count();
    let failed = failed.count();
    figures.add(&format!("{arm} at_s=all"), "failed", failed as f64, failed as u64);
    figures.add(
        &format!("{arm} at_s=all"),
        "failed_and_there",
        there as f64,
        failed as u64,
    );
}

/// How many came in each second.
fn by_second(came: impl Iterator<Item = Instant>, begun: Instant, seconds: u64) -> Vec<u64> {
    let mut counts = vec![0; seconds as usize];
    for at in came {
        let second = at.checked_duration_since(begun).map(|since| since.as_secs() as usize);
        if let Some(count) = second.and_then(|second| counts.get_mut(second)) {
            *count += 1;
        }
    }
    counts
}
