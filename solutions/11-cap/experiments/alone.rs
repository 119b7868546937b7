//! unclean and below-min: two of three replicas stand still, the last one takes records, and then it dies or the others come back.

use std::time::{Duration, Instant};

use anyhow::ensure;
use measure::Teller;

use crate::cluster::{Cluster, Eye, LIMIT};
use crate::reader::{Log, Reader};
use crate::run::{Figures, Run};
use crate::writer::Writer;

/// Records that are given while all replicas are there, and while one is.
const TOGETHER: u32 = 100;
const ALONE: u32 = 500;

/// How long a consumer looks while the leader is alone.
const LOOKS: Duration = Duration::from_millis(1_500);

/// How long the others have, before the broker that died is started again: its session of 2 seconds and a client that looks again
/// once a second take four of them.
const WITHOUT: Duration = Duration::from_secs(8);

#[derive(Clone, Copy)]
struct Setting {
    unclean: bool,
    min: &'static str,
    acks: &'static str,
}

const fn setting(unclean: bool, min: &'static str, acks: &'static str) -> Setting {
    Setting { unclean, min, acks }
}

/// acks=all with a minimum of 2 is refused by one replica; what unclean elections can lose is what one was asked for.
const UNCLEAN: [Setting; 4] = [
    setting(false, "1", "all"),
    setting(true, "1", "all"),
    setting(false, "2", "all"),
    setting(true, "2", "all"),
];

const BELOW: [Setting; 3] = [
    setting(false, "1", "1"),
    setting(false, "2", "1"),
    setting(false, "2", "all"),
];

/// What follows.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    /// The others come back to their leader.
    Return,
    /// It is killed first, and started again after [`WITHOUT`].
    Dies,
}

/// One topic of a course.
struct Topic {
    setting: Setting,
    name: String,
    writer: Writer,
}

pub(crate) fn unclean(run: &Run) -> anyhow::Result<()> {
    let rounds = run.pick(3, 1, 1);
    all(run, &UNCLEAN, &[Then::Dies], rounds, |figures, topic, then, seen| {
        let Setting { unclean, min, acks } = topic.setting;
        ensure!(
            then == Then::Dies,
            "unclean elections are looked at where somebody is elected"
        );
        let arm = format!("unclean={} min={min} acks={acks}", if unclean { "on" } else { "off" });
        seen.tell(figures, &arm);
        let unavailable = seen.unavailable.unwrap_or_default().as_secs_f64();
        figures.add(&arm, "unavailable", unavailable, 1);
        Ok(())
    })
}

pub(crate) fn below_min(run: &Run) -> anyhow::Result<()> {
    let rounds = run.pick(3, 1, 1);
    all(
        run,
        &BELOW,
        &[Then::Return, Then::Dies],
        rounds,
        |figures, topic, then, seen| {
            let Setting { min, acks, .. } = topic.setting;
            let then = match then {
                Then::Return => "others-return",
                Then::Dies => "leader-dies",
            };
            let arm = format!("min={min} acks={acks} then={then}");
            seen.tell(figures, &arm);
            figures.add(&arm, "visible", f64::from(seen.visible), u64::from(ALONE));
            if then == "others-return" {
                let later = seen.acknowledged.saturating_sub(seen.lost);
                figures.add(&arm, "visible_later", f64::from(later), u64::from(ALONE));
            }
            Ok(())
        },
    )
}

/// What is written down of one topic's course.
type Write = fn(&mut Figures, &Topic, Then, &Seen) -> anyhow::Result<()>;

fn all(run: &Run, settings: &[Setting], ends: &[Then], rounds: usize, write: Write) -> anyhow::Result<()> {
    if run.tries() {
        return tried(run);
    }
    let mut teller = Teller::new(1 + rounds * ends.len());
    teller.step("servers");
    let cluster = Cluster::own(run)?;
    cluster.tell(&teller);
    let mut figures = Figures::default();
    for round in 0..rounds {
        for then in ends {
            teller.step(match then {
                Then::Return => "two followers stop, and go on",
                Then::Dies => "two followers stop, then the leader dies",
            });
            let leader = 1 + (round % 3) as i32;
            for (topic, seen) in once(run, &cluster, settings, *then, leader)? {
                write(&mut figures, &topic, *then, &seen)?;
            }
        }
    }
    figures.tell(&teller);
    Ok(())
}

/// On the one broker that trials share, which must not be stopped: what is tried is giving, reading and counting.
fn tried(run: &Run) -> anyhow::Result<()> {
    let mut teller = Teller::new(1);
    teller.step("nothing is stopped");
    let cluster = Cluster::shared(run)?;
    let name = cluster.topic(&[1], &[])?;
    let writer = writer(&cluster.all(), &name, 0, "1")?;
    writer.send_all(0..TOGETHER, LIMIT)?;
    let said = writer.acknowledged();
    ensure!(
        said.len() == TOGETHER as usize,
        "nothing was stopped, and yet: {:?}",
        writer.told()
    );
    let kept = Log::read(&cluster.all(), &name)?.of(0);
    ensure!(
        kept.lacks(&said) + kept.doubled == 0,
        "nothing was stopped, and yet {kept:?}"
    );
    cluster.remove(&name)
}

/// The client does not try again, so that each answer is seen.
fn writer(bootstrap: &str, topic: &str, id: u32, acks: &str) -> anyhow::Result<Writer> {
    let settings = [("acks", acks), ("retries", "0"), ("message.timeout.ms", "10000")];
    Writer::new(bootstrap, topic, id, &settings)
}

struct Seen {
    /// Of [`ALONE`] records: what the last replica acknowledged, and what of that a consumer was given at once.
    acknowledged: u32,
    visible: u32,
    lost: u32,
    /// From the death of the leader to the next record that was acknowledged.
    unavailable: Option<Duration>,
}

impl Seen {
    fn tell(&self, figures: &mut Figures, arm: &str) {
        let of = u64::from(ALONE);
        figures.add(arm, "acknowledged", f64::from(self.acknowledged), of);
        figures.add(arm, "lost", f64::from(self.lost), of);
    }
}

fn once(
    run: &Run,
    cluster: &Cluster<'_>,
    settings: &[Setting],
    then: Then,
    leader: i32,
) -> anyhow::Result<Vec<(Topic, Seen)>> {
    let replicas = [leader, 1 + leader % 3, 1 + (leader + 1) % 3];
    let mut topics = Vec::new();
    for setting in settings {
        let unclean = (
            "unclean.leader.election.enable",
            if setting.unclean { "true" } else { "false" },
        );
        let name = cluster.topic(&replicas, &[("min.insync.replicas", setting.min), unclean])?;
        let writer = writer(&cluster.all(), &name, 0, setting.acks)?;
        writer.send_all(0..TOGETHER, LIMIT)?;
        let told = writer.told();
        ensure!(
            writer.acknowledged().len() == TOGETHER as usize,
            "with all replicas there: {told:?}"
        );
        topics.push(Topic {
            setting: *setting,
            name,
            writer,
        });
    }
    // Frozen and not killed: they come back with all that they had.
    for id in &replicas[1..] {
        run.wait(cluster.broker(*id)?.freeze())?;
    }
    let near = cluster.side(leader, true);
    let eye = Eye::new(&near);
    for topic in &topics {
        eye.wait_for(&topic.name, "one replica in sync", LIMIT, |placed| {
            placed.in_sync == [leader]
        })?;
    }
    let mut visible = Vec::new();
    for topic in &topics {
        topic.writer.send_all(TOGETHER..TOGETHER + ALONE, LIMIT)?;
    }
    for topic in &topics {
        let seen = Reader::new(&near, &topic.name)?.within(LOOKS)?;
        let said = topic.writer.acknowledged();
        let new = seen
            .iter()
            .map(|seen| seen.identity.n)
            .filter(|n| *n >= TOGETHER && said.contains(n));
        visible.push(new.count() as u32);
    }
    let mut unavailable = vec![None; topics.len()];
    match then {
        Then::Return => back(run, cluster, &replicas[1..])?,
        Then::Dies => {
            run.wait(cluster.broker(leader)?.kill())?;
            let died = Instant::now();
            back(run, cluster, &replicas[1..])?;
            unavailable = next_acknowledged(run, cluster, &topics, leader, died)?;
        }
    }
    let eye = Eye::new(&cluster.all());
    let mut all = Vec::new();
    for ((topic, visible), unavailable) in topics.into_iter().zip(visible).zip(unavailable) {
        eye.wait_for(&topic.name, "all its replicas again", LIMIT, |placed| {
            placed.in_sync.len() == 3
        })?;
        let kept = Log::read(&cluster.all(), &topic.name)?.of(0);
        let said = topic.writer.acknowledged();
        let seen = Seen {
            acknowledged: said.iter().filter(|n| **n >= TOGETHER).count() as u32,
            visible,
            lost: kept.lacks(&said) as u32,
            unavailable,
        };
        cluster.remove(&topic.name)?;
        all.push((topic, seen));
    }
    Ok(all)
}

fn back(run: &Run, cluster: &Cluster<'_>, brokers: &[i32]) -> anyhow::Result<()> {
    for id in brokers {
        run.wait(cluster.broker(*id)?.thaw())?;
    }
    Ok(())
}

/// Has a new client of each topic write until it is acknowledged: for a while without the broker that died, then with it.
fn next_acknowledged(
    run: &Run,
    cluster: &Cluster<'_>,
    topics: &[Topic],
    leader: i32,
    died: Instant,
) -> anyhow::Result<Vec<Option<Duration>>> {
    let others = cluster.side(leader, false);
    let mut writers = Vec::new();
    for topic in topics {
        // Its defaults: it tries for five minutes, which is long enough.
        let writer = Writer::new(&others, &topic.name, 1, &[("acks", "all")])?;
        writer.send(0)?;
        writers.push(writer);
    }
    std::thread::sleep((died + WITHOUT).saturating_duration_since(Instant::now()));
    run.wait(cluster.broker(leader)?.restart())?;
    let mut all = Vec::new();
    for writer in &writers {
        writer.settle(LIMIT)?;
        let told = writer.told();
        let first = told.iter().find(|told| writer.acknowledged().contains(&told.n));
        all.push(first.map(|told| told.at.duration_since(died)));
        ensure!(
            first.is_some(),
            "no record was acknowledged when all were back: {told:?}"
        );
    }
    Ok(all)
}
