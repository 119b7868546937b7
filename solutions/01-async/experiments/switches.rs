//! switches: what it costs to hand over to another thread, and to another task; by ping-pong.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use measure::Teller;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::machine;
use crate::part;
use crate::python::Python;
use crate::run::{Figures, Run, one_thread, workers};

/// Who hands over to whom, by what, and on how many cores; and how many times a thousand.
const ARMS: [(&str, &str, usize, usize); 9] = [
    ("calls", "function", 1, 10_000),
    ("tasks", "yield", 1, 2_000),
    ("tasks", "channel", 1, 1_000),
    ("tasks", "channel", 2, 200),
    ("threads", "condvar", 1, 100),
    ("threads", "condvar", 2, 100),
    ("threads", "socket", 1, 100),
    ("threads", "socket", 2, 100),
    ("python-tasks", "yield", 1, 200),
];

const IN_PYTHON: [(&str, &str, usize, usize); 2] =
    [("python-threads", "queue", 1, 20), ("python-threads", "queue", 2, 20)];

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let python = Python::find();
    let rounds = run.pick(7, 3, 1);
    let mut teller = Teller::new(rounds * (ARMS.len() + IN_PYTHON.len()));
    let mut figures = Figures::default();
    for _ in 0..rounds {
        for (who, by, cores, thousands) in ARMS.iter().chain(&IN_PYTHON) {
            teller.step(&format!("{who} by {by}, cores: {cores}"));
            let hops = run.pick(thousands * 1_000, thousands * 300, 1_000);
            let one_core = ["taskset", "-c", "0"];
            let wrapper = if *cores == 1 { &one_core[..] } else { &[] };
            if *cores == 1 && !has_taskset() {
                figures.lacks("A process is held on one core by taskset, and there is none.".into());
                continue;
            }
            let told = if who.starts_with("python") {
                match &python {
                    Ok(python) => python.below(wrapper, include_str!("python/switch.py"), &[who, &hops.to_string()])?,
                    Err(why) => {
                        figures.lacks(why.clone());
                        continue;
                    }
                }
            } else {
                part::told(wrapper, &format!("switch {who}-{by}-{cores} {hops}"))?
            };
            let arm = format!("between={who} by={by} cores={cores}");
            for metric in ["handover", "voluntary", "forced"] {
                if let Some(value) = told.get(metric).and_then(Value::as_f64) {
                    figures.add(&arm, metric, value, hops as u64);
                }
            }
        }
    }
    figures.tell(&teller);
    Ok(())
}

fn has_taskset() -> bool {
    let said = std::process::Command::new("taskset").arg("--version").output();
    said.is_ok_and(|output| output.status.success())
}

/// In a process of its own: hands over so many times. Nanoseconds for each, and switches of threads for each.
pub(crate) fn switch(how: &str, hops: usize) -> anyhow::Result<Value> {
    let before = machine::switches();
    let began = Instant::now();
    let after = match how {
        "calls-function-1" => calls(hops),
        "tasks-yield-1" => one_thread()?.block_on(yields(hops))?,
        "tasks-channel-1" => one_thread()?.block_on(channels(hops))?,
        "tasks-channel-2" => workers(2)?.block_on(channels(hops))?,
        "threads-condvar-1" | "threads-condvar-2" => condvars(hops)?,
        "threads-socket-1" | "threads-socket-2" => sockets(hops)?,
        _ => anyhow::bail!("nobody knows {how}"),
    };
    let took = began.elapsed();
    let per = |of: fn((f64, f64)) -> f64| Some((of(after?) - of(before?)) / hops as f64);
    Ok(json!({
        "handover": took.as_nanos() as f64 / hops as f64,
        "voluntary": per(|all| all.0),
        "forced": per(|all| all.1),
    }))
}

/// Switches so far, looked at while the threads that made them are still there.
type Switches = Option<(f64, f64)>;

fn calls(hops: usize) -> Switches {
    #[inline(never)]
    fn other(n: usize) -> usize {
        std::hint::black_box(n) + 1
    }
    let mut n = 0;
    while n < hops {
        n = other(n);
    }
    machine::switches()
}

async fn yields(hops: usize) -> anyhow::Result<Switches> {
    let one = || async move {
        for _ in 0..hops / 2 {
            tokio::task::yield_now().await;
        }
    };
    let (one, other) = (tokio::spawn(one()), tokio::spawn(one()));
    one.await?;
    other.await?;
    Ok(machine::switches())
}

async fn channels(hops: usize) -> anyhow::Result<Switches> {
    let (ping, mut pinged) = mpsc::channel(1);
    let (pong, mut ponged) = mpsc::channel(1);
    let other = tokio::spawn(async move {
        while let Some(()) = pinged.recv().await {
            if pong.send(()).await.is_err() {
                break;
            }
        }
    });
    let one = tokio::spawn(async move {
        for _ in 0..hops / 2 {
            let _ = ping.send(()).await;
            ponged.recv().await;
        }
        machine::switches()
    });
    let switches = one.await?;
    other.await?;
    Ok(switches)
}

fn condvars(hops: usize) -> anyhow::Result<Switches> {
    let turn = Arc::new((Mutex::new(0usize), Condvar::new()));
    let play = |turn: &(Mutex<usize>, Condvar), own: usize| {
        let mut at = turn.0.lock().unwrap_or_else(PoisonError::into_inner);
        while *at < hops {
            if *at % 2 == own {
                *at += 1;
                turn.1.notify_one();
            } else {
                at = turn.1.wait(at).unwrap_or_else(PoisonError::into_inner);
            }
        }
        // The other waits for this lock, and is counted.
        machine::switches()
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| play(&turn, 1));
        let one = play(&turn, 0);
        let other = other.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?;
        // Whoever looked first saw both threads.
        Ok(one
            .zip(other)
            .map(|(one, other)| (one.0.max(other.0), one.1.max(other.1))))
    })
}

fn sockets(hops: usize) -> anyhow::Result<Switches> {
    let (mut one, mut other) = UnixStream::pair()?;
    let answering = std::thread::spawn(move || -> std::io::Result<()> {
        let mut byte = [0];
        while other.read(&mut byte)? > 0 {
            other.write_all(&byte)?;
        }
        Ok(())
    });
    let mut byte = [0];
    for _ in 0..hops / 2 {
        one.write_all(&byte)?;
        one.read_exact(&mut byte)?;
    }
    let switches = machine::switches();
    drop(one);
    answering.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
    Ok(switches)
}
