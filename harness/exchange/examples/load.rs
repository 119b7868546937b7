//! How many frames a second the exchange puts on a loopback socket, and what each costs it:
//! `cargo run --release -p exchange --example load -- [seconds]`. The client is a process of its own that reads and counts
//! bytes, so that the processor time shown is the exchange's.

#![allow(clippy::print_stdout)] // a tool for the terminal

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use exchange::{Exchange, ExchangeConfig, Limits, Rate, Source, capture};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    match args.get(1).map(String::as_str) {
        Some("client") => client(&args[2], args[3].parse()?, &args[4]),
        seconds => exchange(seconds.unwrap_or("5").parse()?),
    }
}

#[tokio::main]
async fn exchange(seconds: u64) -> Result<(), Box<dyn std::error::Error>> {
    for (format, rate) in [
        ("SIMPLE", Rate::Max),
        ("DEFAULT", Rate::Max),
        ("DEFAULT", Rate::PerSecond(200_000.0)),
        ("DEFAULT", Rate::PerSecond(2_000.0)),
    ] {
        let dir = tempfile::tempdir()?;
        let source = Source::Generate {
            seed: 1,
            markets: 120,
            rate,
        };
        let mut config = ExchangeConfig::new(source, dir.path());
        config.limits = Limits {
            idle: Duration::from_secs(3600),
            ..Limits::default()
        };
        let exchange = Exchange::start(config).await?;
        let port = exchange
            .ws_url()
            .trim_end_matches("/websocket/v1")
            .rsplit(':')
            .next()
            .unwrap_or_default()
            .to_owned();
        let message = capture::subscription("load", exchange.markets()).replace("DEFAULT", format);
        let mut child = Command::new(std::env::current_exe()?)
            .args(["client", &port, &seconds.to_string(), &message])
            .spawn()?;
        while exchange.counters().subscribed == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        exchange.begin();
        let (from, cpu) = (Instant::now(), cpu_seconds());
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let (counters, cpu, took) = (exchange.counters(), cpu_seconds() - cpu, from.elapsed().as_secs_f64());
        println!(
            "{format:8}{rate:?}: {:.0} frames/s, {:.0} MB/s, {:.3} µs of processor per frame, {:.0} % of a core, {} ms behind, {} trades, at most {} MB held",
            counters.frames as f64 / took,
            counters.bytes as f64 / took / 1e6,
            cpu * 1e6 / counters.frames.max(1) as f64,
            cpu / took * 100.0,
            counters.behind_ms,
            counters.executed,
            peak_memory_kb() / 1024,
        );
        drop(exchange);
        child.wait()?;
    }
    Ok(())
}

/// Processor time of this process, from `/proc`: ticks of 10 ms.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// The most memory this process ever held, in kB.
fn peak_memory_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// Reads whatever comes and throws it away, until the exchange goes.
fn client(port: &str, seconds: u64, message: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut socket = TcpStream::connect(("127.0.0.1", port.parse::<u16>()?))?;
    let headers = "Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13";
    write!(
        socket,
        "GET /websocket/v1 HTTP/1.1\r\n{headers}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )?;
    let mut buffer = vec![0; 1 << 20];
    let mut answer = socket.read(&mut buffer)?;
    while !buffer[..answer].windows(4).any(|window| window == b"\r\n\r\n") {
        answer += socket.read(&mut buffer[answer..])?;
    }
    // A mask of zeros is a mask.
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend_from_slice(&u16::try_from(message.len())?.to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(message.as_bytes());
    socket.write_all(&frame)?;
    let until = Instant::now() + Duration::from_secs(seconds + 5);
    while Instant::now() < until && matches!(socket.read(&mut buffer), Ok(1..)) {}
    Ok(())
}
