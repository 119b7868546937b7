//! kafka-engine: ClickHouse's own reader of a topic against a sink in Rust, over the same records.

use std::time::{Duration, Instant};

use measure::{Latency, Teller};
use olap::{Reader, kafka_reader};

use crate::load::{LIMIT, Sink, flush, json, producer, send};
use crate::run::{Figures, Run};
use crate::server::Server;
use crate::trades::Trades;

/// Records a second, for the delay.
const RATE: f64 = 1_000.0;
/// How long a reader may stand at a record that it cannot read before it is called stuck.
const STUCK: Duration = Duration::from_secs(8);
/// How seldom it is asked whether all rows are there: each asking costs the server as much as an insert.
const ASK: Duration = Duration::from_millis(100);
/// What the lab's reader and the server's default say, and a fifth of each.
const WAITS: [Waits; 3] = [
    Waits { flush: 500, poll: 500 },
    Waits { flush: 100, poll: 500 },
    Waits { flush: 100, poll: 100 },
];
const POISON: &str = r#"{"market": poison"#;

/// How long rows wait for a block, and a poll for records, milliseconds. Only the engine's poll waits until it has many.
#[derive(Clone, Copy)]
struct Waits {
    flush: u64,
    poll: u64,
}

/// Who reads the topic.
enum Reading {
    Rust(Sink),
    Engine,
}

/// What the engine is told to do about what it cannot read.
#[derive(Clone, Copy, PartialEq)]
enum Handling {
    Default,
    Skip,
    Stream,
}

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let count = run.pick(400_000, 150_000, 500);
    let rounds = run.pick(5, 1, 1);
    let mut teller = Teller::new(2 + rounds * (2 + 2 + WAITS.len()) + 4);
    teller.step("servers");
    let server = Server::start(run, &teller)?;
    teller.step("trades");
    let trades = Trades::make(run, count)?;
    let mut figures = Figures::default();
    for _ in 0..rounds {
        for way in ["rust", "engine"] {
            teller.step(&format!("way={way}, a backlog"));
            backlog(&server, &trades, way, &mut figures)?;
            for waits in WAITS
                .iter()
                .filter(|waits| way == "engine" || waits.flush == waits.poll)
            {
                let arm = match way {
                    "rust" => format!("way={way} flush={}ms", waits.flush),
                    _ => format!("way={way} flush={}ms poll={}ms", waits.flush, waits.poll),
                };
                teller.step(&format!("{arm}, {RATE} records/s"));
                let span = Duration::from_millis(run.pick(4_000, 1_500, 200));
                delay(&server, &trades, way, *waits, span, &arm, &mut figures)?;
            }
        }
    }
    let poisoned: &[(&str, Handling)] = &[
        ("way=rust handling=dead-letter", Handling::Stream),
        ("way=engine handling=default", Handling::Default),
        ("way=engine handling=skip", Handling::Skip),
        ("way=engine handling=stream", Handling::Stream),
    ];
    for (arm, handling) in poisoned.iter().take(run.pick(4, 4, 1)) {
        teller.step(&format!("{arm}, a poison message"));
        poison(&server, &trades, arm, *handling, &mut figures)?;
    }
    figures.tell(&teller);
    Ok(())
}

fn topic(server: &Server<'_>) -> anyhow::Result<String> {
    let name = stack::unique("x09");
    server
        .run
        .wait(server.stack.stack().kafka().create_topic(&name, 1, &[]))?;
    Ok(name)
}

/// Starts to read a topic into the table `rows`, which is new.
fn read(server: &Server<'_>, topic: &str, way: &str, waits: Waits, handling: Handling) -> anyhow::Result<Reading> {
    let kafka = server.stack.stack().kafka();
    let reader = Reader {
        database: &server.database,
        name: "rows",
        brokers: kafka.bootstrap_for_servers(),
        topic,
        group: topic,
        encoding: market::Encoding::Json,
    };
    let statements = kafka_reader(&reader)?;
    server.sql(&statements[0])?;
    if handling == Handling::Stream {
        server.sql("CREATE TABLE dead (raw String, why String) ENGINE = MergeTree ORDER BY ()")?;
    }
    if way == "rust" {
        // A client of its own: connections belong to the runtime that made them, and the sink's runs only while it inserts.
        let client = server
            .stack
            .stack()
            .clickhouse()
            .client()
            .with_database(&server.database);
        let delay = Duration::from_millis(waits.flush);
        return Ok(Reading::Rust(Sink::start(
            kafka.bootstrap(),
            topic,
            client,
            "rows",
            delay,
        )?));
    }
    let setting = match handling {
        Handling::Default => "",
        Handling::Skip => ",\n    kafka_skip_broken_messages = 10",
        Handling::Stream => ",\n    kafka_handle_error_mode = 'stream'",
    };
    let given = "kafka_flush_interval_ms = 500";
    anyhow::ensure!(statements[1].contains(given), "the reader's statement has no {given}");
    let waits = format!(
        "kafka_flush_interval_ms = {},\n    kafka_poll_timeout_ms = {}",
        waits.flush, waits.poll
    );
    server.sql(&format!("{}{setting}", statements[1].replace(given, &waits)))?;
    if handling == Handling::Stream {
        server.sql("CREATE MATERIALIZED VIEW dead_view TO dead AS SELECT _raw_message AS raw, _error AS why FROM rows_queue WHERE _error != ''")?;
        server.sql(&format!("{} WHERE _error = ''", statements[2]))?;
    } else {
        server.sql(&statements[2])?;
    }
    Ok(Reading::Engine)
}

fn end(server: &Server<'_>, reading: Reading) -> anyhow::Result<()> {
    if let Reading::Rust(sink) = reading {
        sink.end()?;
    }
    for gone in ["rows_view", "dead_view", "rows_queue", "dead", "rows"] {
        server.sql(&format!("DROP TABLE IF EXISTS {gone} SYNC"))?;
    }
    Ok(())
}

fn rows(server: &Server<'_>) -> anyhow::Result<f64> {
    server.number("SELECT count() FROM rows")
}

/// Everything is in the topic before the reading begins. The rate is from the first part to the last but one: how long a consumer takes to
/// join its group is in `begins`, and the last part waits for rows that do not come.
fn backlog(server: &Server<'_>, trades: &Trades, way: &str, figures: &mut Figures) -> anyhow::Result<()> {
    let topic = topic(server)?;
    {
        let producer = producer(server.stack.stack().kafka().bootstrap())?;
        for n in 0..trades.len() {
            send(&producer, &topic, &json(trades, n))?;
        }
        flush(&producer)?;
    }
    let mine = || measure::cpu_of(std::process::id()).as_secs_f64();
    let (own, theirs, started) = (mine(), server.cpu(), Instant::now());
    let reading = read(server, &topic, way, WAITS[0], Handling::Default)?;
    come(server, trades.len(), way)?;
    let (arm, all) = (format!("way={way}"), trades.len() as f64);
    if let (Some(before), Some(after)) = (theirs, server.cpu()) {
        figures.add(&arm, "server_cpu", 1e6 * (after - before) / all, all as u64);
        figures.add(&arm, "own_cpu", 1e6 * (mine() - own) / all, all as u64);
    }
    let parts = server.inserted("rows", started)?;
    if let (Some((first, _)), Some((last, _))) = (parts.first(), parts.last()) {
        figures.add(&arm, "begins", first.as_secs_f64() * 1e3, 1);
        figures.add(&arm, "whole", all / last.as_secs_f64(), all as u64);
    }
    if let [(first, _), between @ .., (last, rows), _] = &parts[..] {
        let rows = between.iter().map(|(_, rows)| rows).sum::<u64>() + rows;
        figures.add(&arm, "rate", rows as f64 / (*last - *first).as_secs_f64(), rows);
    }
    figures.add(&arm, "parts", parts.len() as f64, all as u64);
    end(server, reading)
}

/// Waits until `rows` has so many rows.
fn come(server: &Server<'_>, all: usize, way: &str) -> anyhow::Result<()> {
    let started = Instant::now();
    while rows(server)? < all as f64 {
        anyhow::ensure!(
            started.elapsed() < LIMIT,
            "way={way}: {} of {all} rows after {LIMIT:?}",
            rows(server)?
        );
        std::thread::sleep(ASK);
    }
    Ok(())
}

/// Records come at their times, while somebody reads; a row counts from when its record was due until its part is there.
fn delay(
    server: &Server<'_>,
    trades: &Trades,
    way: &str,
    waits: Waits,
    span: Duration,
    arm: &str,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let topic = topic(server)?;
    let producer = producer(server.stack.stack().kafka().bootstrap())?;
    let reading = read(server, &topic, way, waits, Handling::Default)?;
    // One record through it all, so that whoever reads has begun.
    send(&producer, &topic, &json(trades, 0))?;
    come(server, 1, way)?;
    let count = ((span.as_secs_f64() * RATE) as usize).min(trades.len() - 1);
    let (started, mut delay) = (Instant::now(), Latency::default());
    let due = |n: usize| Duration::from_secs_f64(n as f64 / RATE);
    for n in 0..count {
        std::thread::sleep(due(n).saturating_sub(started.elapsed()));
        send(&producer, &topic, &json(trades, n + 1))?;
    }
    come(server, 1 + count, way)?;
    // Rows stand in the parts as their records stand in the topic: it has one partition.
    let mut row = 0;
    for (there, rows) in server.inserted("rows", started)? {
        for n in row.max(1)..row + rows as usize {
            delay.record(there.saturating_sub(due(n - 1)).as_micros() as u64, 1);
        }
        row += rows as usize;
    }
    figures.add(arm, "delay_p50", delay.millis_at(0.5), delay.count());
    figures.add(arm, "delay_p99", delay.millis_at(0.99), delay.count());
    end(server, reading)
}

/// A hundred trades, a record that is none, a hundred more: how many of the trades come, and where the other one is.
fn poison(
    server: &Server<'_>,
    trades: &Trades,
    arm: &str,
    handling: Handling,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    const EACH: usize = 100;
    let topic = topic(server)?;
    let producer = producer(server.stack.stack().kafka().bootstrap())?;
    for n in 0..EACH {
        send(&producer, &topic, &json(trades, n))?;
    }
    send(&producer, &topic, POISON.as_bytes())?;
    for n in EACH..2 * EACH {
        send(&producer, &topic, &json(trades, n))?;
    }
    flush(&producer)?;
    let way = if arm.contains("rust") { "rust" } else { "engine" };
    let reading = read(server, &topic, way, WAITS[0], handling)?;
    let kept = || match handling {
        Handling::Stream => server.number(&format!("SELECT count() FROM dead WHERE raw = '{POISON}'")),
        Handling::Default | Handling::Skip => Ok(0.0),
    };
    let all = |come: f64, kept: f64| come >= (2 * EACH) as f64 && (kept > 0.0 || handling != Handling::Stream);
    let started = Instant::now();
    while !all(rows(server)?, kept()?) && started.elapsed() < STUCK {
        std::thread::sleep(ASK);
    }
    figures.add(arm, "come", 100.0 * rows(server)? / (2 * EACH) as f64, 2 * EACH as u64);
    figures.add(arm, "kept", 100.0 * kept()?, 1);
    end(server, reading)
}
