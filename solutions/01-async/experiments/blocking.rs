//! blocking: what a call that does not let go of its thread does to the task beside it.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use measure::{Latency, Teller};
use tokio::io::AsyncReadExt as _;
use tokio::runtime::Runtime;

use crate::run::{Figures, Run, one_thread, shared_ns, workers};

/// An event each millisecond, whether the one before was dealt with or not.
const EVERY: Duration = Duration::from_millis(1);
/// A call so often.
const CALL_EVERY: Duration = Duration::from_millis(100);

/// How the call is made, how long it takes, and how many threads run tasks.
const ARMS: [(&str, u64, usize); 13] = [
    ("none", 0, 1),
    ("none", 0, 2),
    ("in-a-task", 1, 1),
    ("in-a-task", 10, 1),
    ("in-a-task", 50, 1),
    ("in-a-task", 1, 2),
    ("in-a-task", 10, 2),
    ("in-a-task", 50, 2),
    ("block-in-place", 50, 2),
    ("spawn-blocking", 10, 1),
    ("spawn-blocking", 50, 1),
    ("spawn-blocking", 50, 2),
    ("awaited", 50, 1),
];

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let (rounds, events) = run.pick((5, 4_000), (1, 2_000), (1, 30));
    let mut teller = Teller::new(rounds * ARMS.len());
    let mut figures = Figures::default();
    for _ in 0..rounds {
        for (way, call_ms, threads) in ARMS {
            teller.step(&format!("{way}, {call_ms} ms, threads: {threads}"));
            let latency = one(way, Duration::from_millis(call_ms), threads, events)?;
            let arm = format!("way={way} call_ms={call_ms} threads={threads}");
            let n = latency.count();
            anyhow::ensure!(n == events, "{n} of {events} events came");
            figures.add(&arm, "p50", latency.millis_at(0.5), n);
            figures.add(&arm, "p99", latency.millis_at(0.99), n);
            figures.add(&arm, "most", latency.max_millis(), n);
        }
    }
    figures.tell(&teller);
    Ok(())
}

fn one(way: &'static str, call: Duration, threads: usize, events: u64) -> anyhow::Result<Latency> {
    let runtime = match threads {
        1 => one_thread()?,
        _ => workers(threads)?,
    };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let ours = TcpStream::connect(listener.local_addr()?)?;
    let (mut theirs, _) = listener.accept()?;
    theirs.set_nodelay(true)?;
    ours.set_nonblocking(true)?;
    let over = Arc::new(AtomicBool::new(false));
    let sending = std::thread::spawn(move || {
        let first = shared_ns() + 20_000_000;
        for n in 0..events {
            let due = first + n * EVERY.as_nanos() as u64;
            std::thread::sleep(Duration::from_nanos(due.saturating_sub(shared_ns())));
            if theirs.write_all(&due.to_be_bytes()).is_err() {
                break;
            }
        }
        theirs
    });
    let latency = receive(&runtime, ours, events, way, call, over)?;
    drop(sending.join());
    // A call that is still going on is not waited for.
    runtime.shutdown_background();
    Ok(latency)
}

/// The task that is looked at, and beside it the one that makes calls.
fn receive(
    runtime: &Runtime,
    socket: TcpStream,
    events: u64,
    way: &'static str,
    call: Duration,
    over: Arc<AtomicBool>,
) -> anyhow::Result<Latency> {
    runtime.block_on(async move {
        let mut socket = tokio::net::TcpStream::from_std(socket)?;
        let ends = over.clone();
        let calling = tokio::spawn(async move {
            while way != "none" && !ends.load(Relaxed) {
                tokio::time::sleep(CALL_EVERY.saturating_sub(call)).await;
                match way {
                    "in-a-task" => std::thread::sleep(call),
                    "block-in-place" => tokio::task::block_in_place(|| std::thread::sleep(call)),
                    "spawn-blocking" => drop(tokio::task::spawn_blocking(move || std::thread::sleep(call)).await),
                    _ => tokio::time::sleep(call).await,
                }
            }
        });
        // A task like any other: what `block_on` runs is on a thread of its own where there are workers.
        let looked_at = tokio::spawn(async move {
            let mut latency = Latency::default();
            for _ in 0..events {
                let due = socket.read_u64().await?;
                latency.record(shared_ns().saturating_sub(due) / 1_000, 1);
            }
            std::io::Result::Ok(latency)
        });
        let latency = looked_at.await??;
        over.store(true, Relaxed);
        calling.await?;
        Ok(latency)
    })
}
