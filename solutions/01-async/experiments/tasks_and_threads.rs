//! tasks-and-threads: what one that only waits costs to make and to keep: a task, a thread, a process, in Rust and in Python.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Barrier};
use std::time::Instant;

use measure::Teller;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::machine;
use crate::part::{self, Part};
use crate::python::Python;
use crate::run::{Figures, Run, one_thread};

/// Units, and how many of each: of everything, of a first answer, of a trial.
const ARMS: [(&str, [&[usize]; 3]); 6] = [
    ("task", [&[1_000, 10_000, 100_000], &[1_000, 100_000], &[100]]),
    ("task-of-4KiB", [&[10_000], &[10_000], &[100]]),
    ("thread", [&[100, 1_000, 10_000], &[100, 1_000], &[10]]),
    ("python-task", [&[1_000, 10_000, 100_000], &[1_000, 100_000], &[100]]),
    ("python-thread", [&[100, 1_000], &[100, 1_000], &[10]]),
    ("process", [&[50], &[50], &[2]]),
];

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let python = Python::find();
    let rounds = run.pick(5, 2, 1);
    let arms: Vec<(&str, usize)> = ARMS
        .iter()
        .flat_map(|(unit, counts)| {
            let counts = run.pick(counts[0], counts[1], counts[2]);
            counts.iter().map(move |count| (*unit, *count))
        })
        .collect();
    let mut teller = Teller::new(rounds * arms.len());
    let mut figures = Figures::default();
    for _ in 0..rounds {
        for (unit, count) in &arms {
            teller.step(&format!("{count} of {unit}"));
            if unit.contains("thread") && machine::threads() < *count as u64 {
                figures.lacks(format!(
                    "{count} threads are more than a quarter of what this machine allows; fewer were made."
                ));
                continue;
            }
            let held = match *unit {
                "process" => processes(*count)?,
                _ if unit.starts_with("python") => match &python {
                    Ok(python) => python.run(include_str!("python/hold.py"), &[unit, &count.to_string()])?,
                    Err(why) => {
                        figures.lacks(why.clone());
                        continue;
                    }
                },
                _ => part::told(&[], &format!("hold {unit} {count}"))?,
            };
            let arm = format!("unit={unit} count={count}");
            for metric in ["memory", "space", "kernel", "shared", "create"] {
                if let Some(value) = held.get(metric).and_then(Value::as_f64) {
                    figures.add(&arm, metric, value, *count as u64);
                }
            }
            if held.get("memory").is_none_or(Value::is_null) {
                figures.lacks("Memory is read from /proc, and this system has none.".into());
            }
        }
    }
    figures.tell(&teller);
    Ok(())
}

/// In a process of its own: makes so many that wait, and says what each has cost.
pub(crate) fn hold(unit: &str, count: usize) -> anyhow::Result<Value> {
    match unit {
        "thread" => threads(count),
        "task-of-4KiB" => one_thread()?.block_on(tasks(count, wait_with::<4096>)),
        _ => one_thread()?.block_on(tasks(count, wait_with::<0>)),
    }
}

/// What the tasks share.
#[derive(Default)]
struct Stage {
    begun: AtomicUsize,
    end: Notify,
}

/// Waits for the end, with so many bytes that are needed after it.
async fn wait_with<const BYTES: usize>(stage: Arc<Stage>) {
    let bytes = std::hint::black_box([1u8; BYTES]);
    let end = stage.end.notified();
    stage.begun.fetch_add(1, Relaxed);
    end.await;
    std::hint::black_box(&bytes);
}

async fn tasks<F: Future<Output = ()> + Send + 'static>(
    count: usize,
    one: impl Fn(Arc<Stage>) -> F,
) -> anyhow::Result<Value> {
    let stage = Arc::new(Stage::default());
    let mut running = Vec::with_capacity(count);
    let before = Before::now();
    for _ in 0..count {
        running.push(tokio::spawn(one(stage.clone())));
    }
    while stage.begun.load(Relaxed) < count {
        tokio::task::yield_now().await;
    }
    let made = before.each(count);
    stage.end.notify_waiters();
    for task in running {
        task.await?;
    }
    Ok(made)
}

fn threads(count: usize) -> anyhow::Result<Value> {
    let (begun, end) = (Arc::new(Barrier::new(count + 1)), Arc::new(Barrier::new(count + 1)));
    let mut running = Vec::with_capacity(count);
    let before = Before::now();
    for _ in 0..count {
        let (begun, end) = (begun.clone(), end.clone());
        running.push(std::thread::Builder::new().spawn(move || {
            begun.wait();
            end.wait();
        })?);
    }
    begun.wait();
    let made = before.each(count);
    end.wait();
    for thread in running {
        thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?;
    }
    Ok(made)
}

/// What there was before any was made.
struct Before {
    memory: Option<machine::Memory>,
    kernel: Option<f64>,
    began: Instant,
}

impl Before {
    fn now() -> Self {
        let (memory, kernel) = (machine::memory("self"), machine::of_the_kernel());
        Self {
            memory,
            kernel,
            began: Instant::now(),
        }
    }

    /// What each of so many has cost.
    fn each(&self, count: usize) -> Value {
        let create = self.began.elapsed().as_secs_f64() * 1e6 / count as f64;
        let per = |after: Option<f64>, before: Option<f64>| Some((after? - before?) / count as f64);
        let after = machine::memory("self");
        json!({
            "memory": per(after.map(|memory| memory.resident), self.memory.map(|memory| memory.resident)),
            "space": per(after.map(|memory| memory.virtual_), self.memory.map(|memory| memory.virtual_)),
            "kernel": per(machine::of_the_kernel(), self.kernel),
            "create": create,
        })
    }
}

/// So many processes of this same program, which wait: how much of the memory of each is its own.
fn processes(count: usize) -> anyhow::Result<Value> {
    let kernel = machine::of_the_kernel();
    let began = Instant::now();
    let running: Vec<Part> = (0..count).map(|_| Part::start("idle")).collect::<anyhow::Result<_>>()?;
    let create = began.elapsed().as_secs_f64() * 1e6 / count as f64;
    let memories: Option<Vec<machine::Memory>> = running
        .iter()
        .map(|part| machine::memory(&part.id().to_string()))
        .collect();
    let mean = |of: fn(&machine::Memory) -> f64| {
        let memories = memories.as_ref()?;
        Some(memories.iter().map(of).sum::<f64>() / count as f64)
    };
    Ok(json!({
        "memory": mean(|memory| memory.resident),
        "space": mean(|memory| memory.virtual_),
        "shared": mean(|memory| memory.resident - memory.proportional),
        "kernel": machine::of_the_kernel().zip(kernel).map(|(after, before)| (after - before) / count as f64),
        "create": create,
    }))
}
