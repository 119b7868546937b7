//! full-queue: the broker stands still for seconds under a steady stream, and what each cure for the full queue costs.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use measure::Teller;

use crate::caller::{Caller, Cure, Handled};
use crate::cluster::{Cluster, LIMIT};
use crate::count::matched;
use crate::run::{Figures, Run, until};
use crate::trades::Trades;
use crate::unbuilt::producer_is_built;

const CURES: [(&str, Cure); 4] = [
    ("drop", Cure::Drop),
    ("guide", Cure::Guide),
    ("poll-only", Cure::PollOnly),
    ("awaited", Cure::Awaited),
];

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    // Only the last cure is the lab's own code.
    let cures = &CURES[..if producer_is_built()? { 4 } else { 3 }];
    let rounds = run.pick(5, 1, 1);
    let mut teller = Teller::new(1 + rounds * cures.len());
    teller.step("servers");
    // Four seconds of it find the broker standing still. In a trial it is the shared one, and nothing is done to it.
    let stream = run.millis(6_000, 6_000, 200);
    let trades = Trades::make(run, (stream.as_secs_f64() * crate::caller::RATE) as usize)?;
    let cluster = if run.tries() {
        Cluster::shared(run)?
    } else {
        Cluster::own(run, 1)?
    };
    cluster.tell(&teller);
    let mut figures = Figures::default();
    for _ in 0..rounds {
        for (name, cure) in cures {
            teller.step(name);
            let seen = once(run, &cluster, &trades, *cure).with_context(|| format!("cure {name}"))?;
            let arm = format!("cure={name}");
            figures.add(&arm, "lost", seen.lost as f64, trades.len() as u64);
            figures.add(
                &arm,
                "blocked",
                seen.handled.blocked.as_secs_f64() * 1e3,
                trades.len() as u64,
            );
            if let Some(cpu) = seen.cpu {
                figures.add(&arm, "cpu", cpu.as_secs_f64() * 1e3, 1);
            }
        }
    }
    if !run.tries() && !figures.has("cpu") {
        teller.not_here("The processor time of one thread is read from /proc, and this system has none.");
    }
    figures.tell(&teller);
    Ok(())
}

struct Seen {
    lost: u64,
    handled: Handled,
    cpu: Option<Duration>,
}

fn once(run: &Run, cluster: &Cluster<'_>, trades: &Trades, cure: Cure) -> anyhow::Result<Seen> {
    let topic = cluster.topic(1, &[])?;
    let caller = Caller::new(cluster.bootstrap(), &topic.name, cure)?;
    let (handled, cpu) = thread::scope(|scope| {
        let (told, thread) = std::sync::mpsc::channel();
        let stream = scope.spawn(move || {
            let _ = told.send(std::fs::read_link("/proc/thread-self").ok());
            caller.run(trades)
        });
        let thread = thread.recv_timeout(LIMIT)?;
        let used = || {
            thread
                .as_ref()
                .and_then(|thread| used(&std::path::Path::new("/proc").join(thread)))
        };
        let mut cpu = None;
        if !run.tries() {
            let broker = &cluster.kafka().brokers()[0];
            thread::sleep(Duration::from_secs(1));
            run.wait(broker.freeze())?;
            let before = used();
            thread::sleep(Duration::from_secs(4));
            cpu = used().zip(before).map(|(after, before)| after.saturating_sub(before));
            run.wait(broker.thaw())?;
        }
        let limit = Instant::now();
        until("the stream ends", 3 * LIMIT, || stream.is_finished())
            .with_context(|| format!("{:?} after the broker was let go on", limit.elapsed()))?;
        let handled = stream
            .join()
            .unwrap_or_else(|_| Err(anyhow::anyhow!("the stream panicked")))?;
        anyhow::Ok((handled, cpu))
    })?;
    let given: Vec<_> = (0..trades.len()).map(|n| trades.trade(n)).collect();
    let lost = matched(cluster.bootstrap(), &topic, given.into_iter())?.lost;
    cluster.remove(&topic)?;
    Ok(Seen { lost, handled, cpu })
}

/// Processor time of a thread so far.
fn used(thread: &std::path::Path) -> Option<Duration> {
    let text = std::fs::read_to_string(thread.join("schedstat")).ok()?;
    let nanos: u64 = text.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}
