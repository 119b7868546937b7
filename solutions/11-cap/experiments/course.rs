//! One fault under a steady stream of writes and reads: begun, struck, healed, settled; and what clients were told meanwhile.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use stack::Server;

use crate::cluster::{Cluster, Eye, LIMIT};
use crate::heard::{Heard, RATE, When, due};
use crate::reader::{Log, Reader, Seen};
use crate::run::Run;
use crate::writer::Writer;

/// The session of a broker is 2 seconds here.
const ELECTION: Duration = Duration::from_secs(15);

/// What is not decided so long after everything is back is given up.
const DECIDED: Duration = Duration::from_secs(15);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Nobody: the control.
    Nobody,
    Leader,
    Follower,
    Controller,
    FollowerAndController,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing passes between this broker and the others; clients still reach it.
    Cut,
    /// SIGSTOP: its sockets stay open, and nothing answers.
    Freeze,
}

/// What is compared: acks and the minimum of the topic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) acks: &'static str,
    pub(crate) min: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) who: Who,
    pub(crate) fault: Fault,
    pub(crate) settings: &'a [Setting],
    /// Of the writers, beside acks.
    pub(crate) client: &'a [(&'a str, &'a str)],
    /// Before the fault, while it lasts, and after it.
    pub(crate) spans: [Duration; 3],
    /// Which broker leads.
    pub(crate) leader: i32,
    /// How many replicas a topic has, each on another broker.
    pub(crate) replicas: i32,
}

/// Which brokers a client knew when the fault struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Only the leader that is hurt.
    Minority,
    /// The others; a client of the leader's only when another leads.
    Majority,
}

impl Side {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Minority => "minority",
            Self::Majority => "majority",
        }
    }
}

/// Has brokers that have just started warm up: in their first seconds an acknowledgement takes many times what it takes later.
pub(crate) fn warm(run_: &Run, cluster: &Cluster<'_>) -> anyhow::Result<()> {
    let plan = Plan {
        who: Who::Nobody,
        fault: Fault::Cut,
        settings: &[Setting { acks: "1", min: "1" }, Setting { acks: "all", min: "1" }],
        client: &[],
        spans: [0, 2_500, 0].map(Duration::from_millis),
        leader: 1,
        replicas: 3,
    };
    run(run_, cluster, &plan).map(drop)
}

/// A writer and a reader of one topic.
struct Pair {
    setting: Setting,
    side: Side,
    topic: String,
    clients: OnceLock<(Writer, Reader)>,
    /// Whether it comes with the fault, and writes when another leads. Until then its records wait, as in a client's queue.
    late: bool,
}

/// What the threads of a course agree on.
struct Signals {
    /// The first record of those that come with the fault.
    from: AtomicU32,
    stop: AtomicBool,
}

/// Runs one course, on topics of its own.
pub(crate) fn run(run: &Run, cluster: &Cluster<'_>, plan: &Plan<'_>) -> anyhow::Result<(When, Vec<Heard>)> {
    let replicas: Vec<i32> = (0..plan.replicas)
        .map(|next| 1 + (plan.leader - 1 + next) % 3)
        .collect();
    let (mut topics, mut pairs) = (Vec::new(), Vec::new());
    for setting in plan.settings {
        let topic = cluster.topic(&replicas, &[("min.insync.replicas", setting.min)])?;
        let sides: &[Side] = match plan.who {
            Who::Leader => &[Side::Minority, Side::Majority],
            _ => &[Side::Majority],
        };
        for side in sides {
            pairs.push(Pair::new(cluster, plan, *setting, *side, &topic)?);
        }
        topics.push(topic);
    }
    let signals = Signals {
        from: AtomicU32::new(u32::MAX),
        stop: AtomicBool::new(false),
    };
    let begun = Instant::now();
    let (struck, stopped, wrote, seen) = thread::scope(|scope| {
        let follow: Vec<_> = pairs
            .iter()
            .map(|pair| {
                let (clients, stop) = (&pair.clients, &signals.stop);
                scope.spawn(move || follow(clients, stop))
            })
            .collect();
        let writes = scope.spawn(|| write(begun, &pairs, &signals));
        let struck = strike(run, cluster, plan, begun, &pairs, &signals);
        let stopped = Instant::now();
        signals.stop.store(true, Ordering::Relaxed);
        let wrote = joined(writes)?;
        let seen = follow.into_iter().map(joined).collect::<anyhow::Result<Vec<_>>>()?;
        anyhow::Ok((struck?, stopped, wrote, seen))
    })?;
    let eye = Eye::new(&cluster.all());
    for topic in &topics {
        eye.wait_for(topic, "all its replicas again", LIMIT, |placed| {
            placed.in_sync.len() == replicas.len()
        })?;
    }
    for (writer, _) in pairs.iter().filter_map(|pair| pair.clients.get()) {
        writer.settle(DECIDED)?;
    }
    let logs = topics.iter().map(|topic| Log::read(&cluster.all(), topic));
    let logs = logs.collect::<anyhow::Result<Vec<_>>>()?;
    let mut all = Vec::new();
    for ((pair, wrote), seen) in pairs.into_iter().zip(wrote).zip(seen) {
        let topic = topics.iter().position(|topic| *topic == pair.topic).unwrap_or_default();
        all.push(Heard {
            setting: pair.setting,
            side: pair.side,
            given: wrote.len() as u32 + u32::from(!pair.late),
            told: pair.clients.get().map(|(writer, _)| writer.told()).unwrap_or_default(),
            seen,
            kept: logs[topic].of(pair.side as u32),
        });
    }
    for topic in &topics {
        cluster.remove(topic)?;
    }
    let when = When { begun, struck, stopped };
    Ok((when, all))
}

/// Has a reader follow its topic, when it is there, until it is told to stop.
fn follow(clients: &OnceLock<(Writer, Reader)>, stop: &AtomicBool) -> anyhow::Result<Vec<Seen>> {
    while !stop.load(Ordering::Relaxed) {
        if let Some((_, reader)) = clients.get() {
            return Ok(reader.follow(stop));
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(Vec::new())
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, anyhow::Result<T>>) -> anyhow::Result<T> {
    let panicked = |_| Err(anyhow::anyhow!("a thread of the course panicked"));
    thread.join().unwrap_or_else(panicked)
}

impl Pair {
    /// With its clients, if they are there before the fault: these know the leader, and have their connections.
    fn new(cluster: &Cluster<'_>, plan: &Plan<'_>, setting: Setting, side: Side, topic: &str) -> anyhow::Result<Self> {
        let pair = Self {
            setting,
            side,
            topic: topic.to_owned(),
            clients: OnceLock::new(),
            late: plan.who == Who::Leader && side == Side::Majority,
        };
        if !pair.late {
            let bootstrap = match plan.who {
                Who::Leader => cluster.side(plan.leader, true),
                _ => cluster.all(),
            };
            let writer = pair.writer(&bootstrap, plan)?;
            writer.send_all(0..1, LIMIT)?;
            let told = writer.told();
            ensure!(
                writer.acknowledged().len() == 1,
                "the first record was refused: {told:?}"
            );
            let reader = Reader::new(&bootstrap, topic)?;
            reader.begin()?;
            reader.first(LIMIT)?;
            let _ = pair.clients.set((writer, reader));
        }
        Ok(pair)
    }

    fn writer(&self, bootstrap: &str, plan: &Plan<'_>) -> anyhow::Result<Writer> {
        let mut client = vec![("acks", self.setting.acks)];
        client.extend(plan.client);
        Writer::new(bootstrap, &self.topic, self.side as u32, &client)
    }

    /// Makes the clients that come when another leads, and know it: one that happened to ask the old leader, which it can
    /// reach, is made anew.
    fn come(&self, cluster: &Cluster<'_>, plan: &Plan<'_>) -> anyhow::Result<()> {
        elected(cluster, plan.leader, &self.topic)?;
        let bootstrap = cluster.side(plan.leader, false);
        let knows = |leader: Option<i32>| leader.is_some_and(|now| now != plan.leader);
        let (started, mut writer, mut reader) = (Instant::now(), None, None);
        while writer.is_none() || reader.is_none() {
            ensure!(started.elapsed() < ELECTION, "no client hears of another leader");
            if writer.is_none() {
                writer = Some(self.writer(&bootstrap, plan)?).filter(|writer| knows(writer.leader()));
            }
            if reader.is_none() {
                reader = Some(Reader::new(&bootstrap, &self.topic)?).filter(|reader| knows(reader.leader()));
            }
        }
        if let Some((writer, reader)) = writer.zip(reader) {
            reader.begin()?;
            let _ = self.clients.set((writer, reader));
        }
        Ok(())
    }
}

/// Writes to all topics, each record when it is due; which records each writer was given.
fn write(begun: Instant, pairs: &[Pair], signals: &Signals) -> anyhow::Result<Vec<Range<u32>>> {
    let mut wrote = vec![1..1; pairs.len()];
    for n in 1.. {
        if signals.stop.load(Ordering::Relaxed) {
            break;
        }
        thread::sleep(due(begun, n).saturating_duration_since(Instant::now()));
        for (pair, wrote) in pairs.iter().zip(&mut wrote) {
            let Some((writer, _)) = pair.clients.get() else {
                continue;
            };
            if pair.late && wrote.end == 1 {
                let from = signals.from.load(Ordering::Relaxed).min(n);
                *wrote = from..from;
            }
            while wrote.end <= n {
                writer.send(wrote.end)?;
                wrote.end += 1;
            }
        }
    }
    Ok(wrote)
}

/// Hurts who is to be hurt, and undoes that; when it was struck.
fn strike(
    run: &Run,
    cluster: &Cluster<'_>,
    plan: &Plan<'_>,
    begun: Instant,
    pairs: &[Pair],
    signals: &Signals,
) -> anyhow::Result<Instant> {
    let follower = 1 + plan.leader % 3;
    let hurt: Vec<&Server> = match plan.who {
        Who::Nobody => vec![],
        Who::Leader => vec![cluster.broker(plan.leader)?],
        Who::Follower => vec![cluster.broker(follower)?],
        Who::Controller => vec![cluster.controller()?],
        Who::FollowerAndController => vec![cluster.broker(follower)?, cluster.controller()?],
    };
    let [before, during, after] = plan.spans;
    thread::sleep(before);
    for server in &hurt {
        match plan.fault {
            Fault::Cut => run.wait(server.cut())?,
            Fault::Freeze => run.wait(server.freeze())?,
        }
    }
    let struck = Instant::now();
    let first = (struck.duration_since(begun).as_secs_f64() * RATE).ceil();
    signals.from.store(first as u32, Ordering::Relaxed);
    let came = thread::scope(|scope| {
        let late = pairs.iter().filter(|pair| pair.late);
        let coming: Vec<_> = late.map(|pair| scope.spawn(|| pair.come(cluster, plan))).collect();
        coming.into_iter().try_for_each(joined)
    });
    thread::sleep((struck + during).saturating_duration_since(Instant::now()));
    // Undone also where nobody was elected.
    for server in hurt.iter().rev() {
        match plan.fault {
            Fault::Cut => run.wait(server.heal())?,
            Fault::Freeze => run.wait(server.thaw())?,
        }
    }
    came?;
    thread::sleep(after);
    Ok(struck)
}

/// Waits until each of the others knows another leader: a client that asks one that does not would go to the old one, which it
/// can reach.
fn elected(cluster: &Cluster<'_>, leader: i32, topic: &str) -> anyhow::Result<()> {
    for other in (1..=3).filter(|id| *id != leader) {
        let eye = Eye::new(&cluster.side(other, true));
        eye.wait_for(topic, "another leader", ELECTION, |placed| {
            placed.leader.is_some_and(|now| now != leader)
        })?;
    }
    Ok(())
}
