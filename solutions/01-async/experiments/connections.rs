//! connections: many connections on which little comes, by tasks on one thread and by a thread for each.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use measure::{Latency, Teller};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

use crate::machine;
use crate::part::Part;
use crate::run::{Figures, Run, cpu, one_thread, shared_ns};
use crate::serve::TICK;

/// What was seen of one arm.
struct Seen {
    latency: Latency,
    /// Of a core, in percent.
    busy: f64,
    /// KiB for each connection.
    resident: Option<f64>,
}

/// What a process that reads is to do.
const READS: &str = "TICKBOOK_EXPERIMENT_READS";

/// The reader is a process of its own each time: an allocator keeps what was freed, and a second round would seem to take no memory.
fn reading(order: &str) -> anyhow::Result<Value> {
    let output = Command::new(std::env::current_exe()?)
        .arg("connections")
        .env(READS, order)
        .stdin(Stdio::null())
        .output()?;
    let words = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "reading {order:?} failed: {}", words.trim());
    serde_json::from_slice(&output.stdout).with_context(|| format!("reading {order:?} said no JSON"))
}

/// Reads as it was told to, and says what it saw.
fn reads(order: &str) -> anyhow::Result<()> {
    let words: Vec<&str> = order.split_whitespace().collect();
    let [way, connections, seconds, address] = words[..] else {
        anyhow::bail!("{order:?} is no order");
    };
    let (connections, seconds, address) = (connections.parse()?, seconds.parse()?, address.parse()?);
    let seen = match way {
        "tasks" => tasks(address, connections, seconds)?,
        _ => threads(address, connections, seconds)?,
    };
    let told = json!({
        "n": seen.latency.count(),
        "p50": seen.latency.millis_at(0.5),
        "p99": seen.latency.millis_at(0.99),
        "busy": seen.busy,
        "memory": seen.resident,
    });
    Ok(writeln!(std::io::stdout(), "{told}")?)
}

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    machine::allow_files();
    if let Ok(order) = std::env::var(READS) {
        return reads(&order);
    }
    let arms: &[(&str, usize)] = run.pick(
        &[
            ("tasks", 100),
            ("tasks", 1_000),
            ("tasks", 5_000),
            ("threads", 100),
            ("threads", 1_000),
        ][..],
        &[("tasks", 100), ("tasks", 1_000), ("tasks", 5_000), ("threads", 1_000)][..],
        &[("tasks", 10), ("threads", 10)][..],
    );
    let (rounds, seconds) = run.pick((5, 10), (1, 4), (1, 1));
    let mut teller = Teller::new(rounds * arms.len());
    let mut figures = Figures::default();
    for _ in 0..rounds {
        for (way, connections) in arms {
            teller.step(&format!("{connections} connections, {way}"));
            if machine::files() < *connections as u64 + 100
                || machine::threads() < *connections as u64 && *way == "threads"
            {
                figures.lacks(format!(
                    "This machine does not allow {connections} connections with {way}: it limits open files or threads."
                ));
                continue;
            }
            let server = Part::start(&format!("ticks {connections} {seconds}"))?;
            let told = reading(&format!("{way} {connections} {seconds} {}", server.address()?))?;
            let arm = format!("way={way} connections={connections}");
            let number = |name: &str| told.get(name).and_then(Value::as_f64);
            let n = number("n").unwrap_or_default() as u64;
            anyhow::ensure!(n == (connections * seconds) as u64, "{n} ticks came; some are missing");
            for metric in ["p50", "p99", "busy", "memory"] {
                match number(metric) {
                    Some(value) => figures.add(&arm, metric, value, n),
                    None => {
                        figures.lacks("The memory of a connection is read from /proc, and this system has none.".into())
                    }
                }
            }
        }
    }
    figures.tell(&teller);
    Ok(())
}

fn note(latency: &mut Latency, tick: &[u8; TICK]) {
    let due = tick.first_chunk().map_or(0, |due| u64::from_be_bytes(*due));
    latency.record(shared_ns().saturating_sub(due) / 1_000, 1);
}

fn resident() -> Option<f64> {
    machine::memory("self").map(|memory| memory.resident)
}

fn tasks(address: SocketAddr, connections: usize, seconds: usize) -> anyhow::Result<Seen> {
    one_thread()?.block_on(async {
        let latency = Arc::new(Mutex::new(Latency::default()));
        let before = resident();
        let mut running = Vec::with_capacity(connections);
        for _ in 0..connections {
            let mut socket = tokio::net::TcpStream::connect(address).await?;
            let latency = latency.clone();
            running.push(tokio::spawn(async move {
                let mut tick = [0; TICK];
                for _ in 0..seconds {
                    socket.read_exact(&mut tick).await?;
                    note(&mut latency.lock().unwrap_or_else(PoisonError::into_inner), &tick);
                }
                std::io::Result::Ok(())
            }));
        }
        let (began, used) = (Instant::now(), cpu());
        // Halfway every task has run, and waits.
        tokio::time::sleep(Duration::from_millis(500 * seconds as u64)).await;
        let resident = resident()
            .zip(before)
            .map(|(after, before)| (after - before) / connections as f64);
        for task in running {
            task.await??;
        }
        Ok(seen(&latency, began, used, resident))
    })
}

fn threads(address: SocketAddr, connections: usize, seconds: usize) -> anyhow::Result<Seen> {
    let latency = Arc::new(Mutex::new(Latency::default()));
    let before = resident();
    let mut running = Vec::with_capacity(connections);
    for _ in 0..connections {
        let mut socket = TcpStream::connect(address)?;
        let latency = latency.clone();
        running.push(std::thread::Builder::new().spawn(move || {
            let mut tick = [0; TICK];
            for _ in 0..seconds {
                socket.read_exact(&mut tick)?;
                note(&mut latency.lock().unwrap_or_else(PoisonError::into_inner), &tick);
            }
            std::io::Result::Ok(())
        })?);
    }
    let (began, used) = (Instant::now(), cpu());
    std::thread::sleep(Duration::from_millis(500 * seconds as u64));
    let resident = resident()
        .zip(before)
        .map(|(after, before)| (after - before) / connections as f64);
    for thread in running {
        thread
            .join()
            .unwrap_or_else(|_| Err(std::io::Error::other("a thread panicked")))?;
    }
    Ok(seen(&latency, began, used, resident))
}

fn seen(latency: &Mutex<Latency>, began: Instant, used: Duration, resident: Option<f64>) -> Seen {
    Seen {
        latency: latency.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        busy: 100.0 * (cpu() - used).as_secs_f64() / began.elapsed().as_secs_f64(),
        resident,
    }
}
