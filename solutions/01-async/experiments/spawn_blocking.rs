//! spawn-blocking: a message's work done where it arrives, or given to a pool of threads each time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use market::{Decode as _, Frame};
use measure::Teller;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::decode::Plain;
use crate::machine;
use crate::python::Python;
use crate::run::{Figures, Run, cpu, workers};
use crate::serve::Trades;

/// Where records go: as bounded as a producer's queue is.
#[derive(Default)]
struct Queue {
    records: VecDeque<Vec<u8>>,
    taken: usize,
}

const BOUND: usize = 10_000;

type Shared = Arc<Mutex<Queue>>;

const WAYS: [&str; 4] = ["inline", "spawn-blocking", "spawn-blocking-100", "one-thread"];

/// The work of one message: read it, and put a record of it into the queue.
fn work(frame: &[u8], queue: &Shared) -> bool {
    let Ok(Frame::Trade { trade, .. }) = Plain.frame(frame) else {
        return false;
    };
    let record = format!(
        r#"{{"market":"{}","id":{},"price":"{}","volume":"{}"}}"#,
        trade.market, trade.sequential_id, trade.price, trade.volume
    );
    let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
    queue.taken += 1;
    queue.records.push_back(record.into_bytes());
    if queue.records.len() > BOUND {
        queue.records.pop_front();
    }
    true
}

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let python = Python::find();
    let (rounds, messages) = run.pick((7, 100_000), (3, 40_000), (1, 300));
    let mut trades = Trades::prefixed();
    let frames: Vec<Vec<u8>> = (0..messages).map(|_| trades.text().to_vec()).collect();
    let mut teller = Teller::new(rounds * (WAYS.len() + 1));
    let mut figures = Figures::default();
    for _ in 0..rounds {
        let mut inline = 0.0;
        for way in WAYS {
            teller.step(&format!("Rust, {way}"));
            let queue = Shared::default();
            // Two workers, as a default runtime has on two cores. It lives until its threads' switches have been counted.
            let runtime = workers(2)?;
            let (switched, used, began) = (machine::switches(), cpu(), Instant::now());
            let frames = frames.clone();
            let copied = began.elapsed();
            let began = Instant::now();
            handled(&runtime, way, frames, &queue)?;
            let each = |time: f64| time * 1e6 / messages as f64;
            let wall = each(began.elapsed().as_secs_f64());
            let used = each((cpu() - used).saturating_sub(copied).as_secs_f64());
            let taken = queue.lock().unwrap_or_else(PoisonError::into_inner).taken;
            anyhow::ensure!(taken == messages, "{taken} of {messages} messages were handled");
            if way == "inline" {
                inline = wall;
            }
            let arm = format!("language=rust way={way}");
            figures.add(&arm, "wall", wall, messages as u64);
            figures.add(&arm, "cpu", used, messages as u64);
            figures.add(&arm, "added", wall - inline, messages as u64);
            let counted = machine::switches().zip(switched);
            // A thread of its own is gone by now, and its switches with it.
            if let Some((after, before)) = counted.filter(|_| way != "one-thread") {
                figures.add(
                    &arm,
                    "switches",
                    (after.0 - before.0) / messages as f64,
                    messages as u64,
                );
            }
        }
        teller.step("Python, in a row and by a pool of threads");
        let python = match &python {
            Ok(python) => python,
            Err(why) => {
                figures.lacks(why.clone());
                continue;
            }
        };
        let fewer = run.pick(20_000, 8_000, 100);
        let told = python.run(include_str!("python/pool.py"), &[&fewer.to_string()])?;
        let of = |way: &str, metric: &str| told.get(way).and_then(|seen| seen.get(metric)).and_then(Value::as_f64);
        for way in ["inline", "executor", "executor-not-awaited"] {
            let arm = format!("language=python way={way}");
            for metric in ["wall", "cpu", "switches"] {
                if let Some(value) = of(way, metric) {
                    figures.add(&arm, metric, value, fewer as u64);
                }
            }
            if let Some((each, inline)) = of(way, "wall").zip(of("inline", "wall")) {
                figures.add(&arm, "added", each - inline, fewer as u64);
            }
        }
    }
    figures.tell(&teller);
    Ok(())
}

/// The task that handles the messages is one of the workers'.
fn handled(runtime: &Runtime, way: &str, frames: Vec<Vec<u8>>, queue: &Shared) -> anyhow::Result<()> {
    let queue = queue.clone();
    let way = way.to_owned();
    runtime.block_on(async move {
        tokio::spawn(async move {
            match way.as_str() {
                "inline" => {
                    for frame in frames {
                        work(&frame, &queue);
                    }
                }
                "spawn-blocking" => {
                    for frame in frames {
                        let queue = queue.clone();
                        tokio::task::spawn_blocking(move || work(&frame, &queue)).await?;
                    }
                }
                "spawn-blocking-100" => {
                    for hundred in frames.chunks(100) {
                        let (hundred, queue) = (hundred.to_vec(), queue.clone());
                        tokio::task::spawn_blocking(move || hundred.iter().all(|frame| work(frame, &queue))).await?;
                    }
                }
                _ => {
                    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Vec<u8>>(1_024);
                    let worker = std::thread::spawn(move || {
                        while let Some(frame) = receiver.blocking_recv() {
                            work(&frame, &queue);
                        }
                    });
                    for frame in frames {
                        sender.send(frame).await?;
                    }
                    drop(sender);
                    tokio::task::spawn_blocking(move || worker.join())
                        .await?
                        .map_err(|_| anyhow::anyhow!("a panic"))?;
                }
            }
            anyhow::Ok(())
        })
        .await?
    })
}
