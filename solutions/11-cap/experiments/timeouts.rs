//! timeout-doubles: the client gives records up while the followers stand still, and its caller sends them again.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::ensure;
use measure::Teller;
use quorum::{Acks, Code, Next, next};

use crate::cluster::{Cluster, Eye, LIMIT};
use crate::course::warm;
use crate::reader::Log;
use crate::run::{Figures, Run, until};
use crate::writer::Writer;

/// Records a second, and for how long they come before the fault and while it lasts.
const RATE: f64 = 500.0;
const BEFORE: Duration = Duration::from_millis(500);
const DURING: Duration = Duration::from_secs(5);

/// What the caller does about a record that its client reports as failed.
#[derive(Clone, Copy, PartialEq)]
enum Cure {
    /// It gives it to the client again.
    Resend,
    /// It waits until nothing is open any more, reads the log, and sends what is not there.
    Look,
}

struct Arm {
    name: &'static str,
    idempotent: &'static str,
    timeout_ms: &'static str,
    cure: Cure,
}

const fn arm(name: &'static str, idempotent: &'static str, timeout_ms: &'static str, cure: Cure) -> Arm {
    Arm {
        name,
        idempotent,
        timeout_ms,
        cure,
    }
}

const ARMS: [Arm; 4] = [
    arm(
        "idempotence=on timeout_s=1 caller=resends",
        "true",
        "1000",
        Cure::Resend,
    ),
    arm(
        "idempotence=on timeout_s=300 caller=resends",
        "true",
        "300000",
        Cure::Resend,
    ),
    arm(
        "idempotence=off timeout_s=1 caller=resends",
        "false",
        "1000",
        Cure::Resend,
    ),
    arm("idempotence=on timeout_s=1 caller=looks", "true", "1000", Cure::Look),
];

/// One arm's topic and its writer, and what the caller has seen of its reports.
struct Stream<'a> {
    arm: &'a Arm,
    topic: String,
    writer: Writer,
    handled: usize,
    /// Reported as failed, and not yet dealt with.
    open: BTreeSet<u32>,
    /// Reports of failure, and the records that they were about.
    failed: u64,
    blamed: BTreeSet<u32>,
}

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let rounds = run.pick(6, 1, 1);
    let mut teller = Teller::new(1 + rounds);
    teller.step("servers");
    let cluster = match run.tries() {
        true => Cluster::shared(run)?,
        false => Cluster::own(run)?,
    };
    cluster.tell(&teller);
    if !run.tries() {
        warm(run, &cluster)?;
    }
    let mut figures = Figures::default();
    for round in 0..rounds {
        teller.step("two followers stop, and go on");
        once(run, &cluster, 1 + (round % 3) as i32, &mut figures)?;
    }
    if !run.tries() {
        figures.tell(&teller);
    }
    Ok(())
}

fn once(run: &Run, cluster: &Cluster<'_>, leader: i32, figures: &mut Figures) -> anyhow::Result<()> {
    let (replicas, min): (Vec<i32>, _) = match run.tries() {
        // Its one broker is others', too.
        true => (vec![1], "1"),
        false => (vec![leader, 1 + leader % 3, 1 + (leader + 1) % 3], "2"),
    };
    let mut streams = Vec::new();
    for arm in &ARMS {
        let topic = cluster.topic(&replicas, &[("min.insync.replicas", min)])?;
        let settings = [
            ("acks", "all"),
            ("enable.idempotence", arm.idempotent),
            ("message.timeout.ms", arm.timeout_ms),
        ];
        let writer = Writer::new(&cluster.all(), &topic, 0, &settings)?;
        // An idempotent client asks for its id first, which may take longer than it keeps a record. What is so written twice does not count.
        until("a first record is acknowledged", LIMIT, || {
            writer.send_all(0..1, LIMIT).is_ok() && writer.acknowledged().contains(&0)
        })?;
        streams.push(Stream {
            arm,
            topic,
            handled: writer.told().len(),
            writer,
            open: BTreeSet::new(),
            failed: 0,
            blamed: BTreeSet::new(),
        });
    }
    let (begun, mut n) = (Instant::now(), 1);
    write(&mut streams, begun, &mut n, BEFORE)?;
    for id in &replicas[1..] {
        run.wait(cluster.broker(*id)?.freeze())?;
    }
    let during = if run.tries() { BEFORE } else { DURING };
    let wrote = write(&mut streams, begun, &mut n, BEFORE + during);
    for id in &replicas[1..] {
        run.wait(cluster.broker(*id)?.thaw())?;
    }
    wrote?;
    let eye = Eye::new(&cluster.all());
    for stream in &streams {
        eye.wait_for(&stream.topic, "all its replicas again", LIMIT, |placed| {
            placed.in_sync.len() == replicas.len()
        })?;
    }
    for stream in &mut streams {
        let kept = stream.finish(cluster)?;
        let given = u64::from(n);
        let lost = kept.lacks(&(0..n).collect::<Vec<_>>());
        let repeated: Vec<_> = kept.repeated().filter(|(n, _)| *n > 0).collect();
        let doubled = repeated.iter().map(|(_, times)| times - 1).sum();
        let unblamed = repeated.iter().filter(|(n, _)| !stream.blamed.contains(n)).count() as u64;
        let mut add = |metric, value: u64| figures.add(stream.arm.name, metric, value as f64, given);
        add("failed", stream.failed);
        add("doubled", doubled);
        add("doubled_unfailed", unblamed);
        add("lost", lost);
        ensure!(
            !run.tries() || doubled + lost + stream.failed == 0,
            "nothing was stopped, and yet {kept:?}"
        );
        cluster.remove(&stream.topic)?;
    }
    Ok(())
}

/// Each record when it is due, until so long after the beginning; the caller looks at its reports meanwhile.
fn write(streams: &mut [Stream<'_>], begun: Instant, n: &mut u32, until: Duration) -> anyhow::Result<()> {
    while begun.elapsed() < until {
        let due = begun + Duration::from_secs_f64(f64::from(*n) / RATE);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        for stream in &mut *streams {
            stream.writer.send(*n)?;
            stream.handle()?;
        }
        *n += 1;
    }
    Ok(())
}

impl Stream<'_> {
    /// Looks at the reports since last time.
    fn handle(&mut self) -> anyhow::Result<()> {
        let told = self.writer.told_from(self.handled);
        self.handled += told.len();
        for told in told.iter().filter(|told| told.code != Code::NoError) {
            self.failed += 1;
            self.blamed.insert(told.n);
            match self.arm.cure {
                Cure::Resend => self.writer.send(told.n)?,
                Cure::Look => {
                    let next = next(told.code, Acks::All, true);
                    ensure!(
                        matches!(next, Next::ReadBack | Next::Again),
                        "{:?} asks for {next:?}",
                        told.code
                    );
                    self.open.insert(told.n);
                }
            }
        }
        Ok(())
    }

    /// Until every record is acknowledged; what is then in the log.
    fn finish(&mut self, cluster: &Cluster<'_>) -> anyhow::Result<crate::reader::Kept> {
        let started = Instant::now();
        loop {
            self.writer.settle(LIMIT)?;
            let before = self.handled;
            self.handle()?;
            if self.handled == before {
                let kept = Log::read(&cluster.all(), &self.topic)?.of(0);
                if self.open.is_empty() {
                    return Ok(kept);
                }
                for n in std::mem::take(&mut self.open) {
                    if !kept.holds(n) {
                        self.writer.send(n)?;
                    }
                }
            }
            ensure!(
                started.elapsed() < LIMIT,
                "some records of {} fail again and again",
                self.topic
            );
        }
    }
}
