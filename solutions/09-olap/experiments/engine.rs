//! kafka-engine: ClickHouse's own reader of a topic against a sink in Rust, over the same records.

use std::time::{Duration, Instant};

use measure::{Latency, Teller};
use olap::{Reader, kafka_reader};

use crate::load::{LIMIT, Sink, flush, json, producer, send};
use crate::run::{Figures, Run, until};
use crate::server::Server;
use crate::trades::Trades;

/// Records a second, for the delay.
const RATE: f64 = 1_000.0;
/// How long a reader may stand at a record that it cannot read before it is called stuck.
const STUCK: Duration = Duration::from_secs(8);

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
    let count = run.pick(400_000, 100_000, 500);
    let rounds = run.pick(5, 1, 1);
    let mut teller = Teller::new(2 + rounds * 4 + 4);
    teller.step("servers");
    let server = Server::start(run, &teller)?;
    teller.step("trades");
    let trades = Trades::make(run, count)?;
    let mut figures = Figures::default();
    for _ in 0..rounds {
        for way in ["rust", "engine"] {
            teller.step(&format!("way={way}, a backlog"));
            backlog(&server, &trades, way, &mut figures)?;
            teller.step(&format!("way={way}, {RATE} records/s"));
            delay(
                &server,
                &trades,
                way,
                Duration::from_millis(run.pick(4_000, 1_500, 200)),
                &mut figures,
            )?;
        }
    }
    let poisoned: &[(&str, Handling)] = &[
        ("way=rust handling=dead-letter", Handling::Default),
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
fn read(server: &Server<'_>, topic: &str, way: &str, handling: Handling) -> anyhow::Result<Reading> {
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
    if way == "rust" {
        // A client of its own: connections belong to the runtime that made them, and the sink's runs only while it inserts.
        let client = server
            .stack
            .stack()
            .clickhouse()
            .client()
            .with_database(&server.database);
        return Ok(Reading::Rust(Sink::start(kafka.bootstrap(), topic, client, "rows")?));
    }
    let setting = match handling {
        Handling::Default => "",
        Handling::Skip => ",\n    kafka_skip_broken_messages = 10",
        Handling::Stream => ",\n    kafka_handle_error_mode = 'stream'",
    };
    server.sql(&format!("{}{setting}", statements[1]))?;
    if handling == Handling::Stream {
        server.sql("CREATE TABLE dead (raw String, why String) ENGINE = MergeTree ORDER BY ()")?;
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

/// Everything is in the topic before the reading begins. The rate is from the first rows that can be read to the last: how long a
/// consumer takes to join its group is not asked here.
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
    let (own, theirs) = (mine(), server.cpu());
    let reading = read(server, &topic, way, Handling::Default)?;
    let started = Instant::now();
    let (mut first, mut all) = (None, 0.0);
    while all < trades.len() as f64 {
        anyhow::ensure!(started.elapsed() < LIMIT, "way={way}: {all} rows after {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(5));
        all = rows(server)?;
        if all > 0.0 {
            first.get_or_insert((Instant::now(), all));
        }
    }
    let arm = format!("way={way}");
    figures.add(&arm, "whole", all / started.elapsed().as_secs_f64(), all as u64);
    if let Some((at, there)) = first.filter(|(_, there)| *there < all) {
        figures.add(&arm, "rate", (all - there) / at.elapsed().as_secs_f64(), all as u64);
    }
    figures.add(
        &arm,
        "begins",
        first.map_or(0.0, |(at, _)| at.duration_since(started).as_secs_f64() * 1e3),
        1,
    );
    if let (Some(before), Some(after)) = (theirs, server.cpu()) {
        figures.add(&arm, "server_cpu", 1e6 * (after - before) / all, all as u64);
        figures.add(&arm, "own_cpu", 1e6 * (mine() - own) / all, all as u64);
    }
    let blocks = server.number("SELECT uniqExact(_part) FROM rows")?;
    figures.add(&arm, "parts", blocks, all as u64);
    end(server, reading)
}

/// Records come at their times, while somebody reads; a row counts from when its record was due until a query sees it.
fn delay(server: &Server<'_>, trades: &Trades, way: &str, span: Duration, figures: &mut Figures) -> anyhow::Result<()> {
    let topic = topic(server)?;
    let producer = producer(server.stack.stack().kafka().bootstrap())?;
    let reading = read(server, &topic, way, Handling::Default)?;
    // One record through it all, so that whoever reads has begun.
    send(&producer, &topic, &json(trades, 0))?;
    until("the first record is a row", LIMIT, || {
        rows(server).is_ok_and(|rows| rows > 0.0)
    })?;
    let count = ((span.as_secs_f64() * RATE) as usize).min(trades.len() - 1);
    let (started, mut sent, mut seen, mut delay) = (Instant::now(), 0, 0, Latency::default());
    let due = |n: usize| Duration::from_secs_f64(n as f64 / RATE);
    while seen < count {
        anyhow::ensure!(started.elapsed() < span + LIMIT, "way={way}: {seen} of {count} rows");
        while sent < count && due(sent) <= started.elapsed() {
            send(&producer, &topic, &json(trades, sent + 1))?;
            sent += 1;
        }
        let there = (rows(server)? as usize).saturating_sub(1);
        let now = started.elapsed();
        for n in seen..there {
            delay.record(now.saturating_sub(due(n)).as_micros() as u64, 1);
        }
        seen = seen.max(there);
        std::thread::sleep(Duration::from_millis(2));
    }
    let arm = format!("way={way}");
    figures.add(&arm, "delay_p50", delay.millis_at(0.5), delay.count());
    figures.add(&arm, "delay_p99", delay.millis_at(0.99), delay.count());
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
    send(&producer, &topic, b"{\"market\": poison")?;
    for n in EACH..2 * EACH {
        send(&producer, &topic, &json(trades, n))?;
    }
    flush(&producer)?;
    let reading = read(
        server,
        &topic,
        if arm.contains("rust") { "rust" } else { "engine" },
        handling,
    )?;
    let started = Instant::now();
    while rows(server)? < (2 * EACH) as f64 && started.elapsed() < STUCK {
        std::thread::sleep(Duration::from_millis(20));
    }
    figures.add(arm, "come", 100.0 * rows(server)? / (2 * EACH) as f64, 2 * EACH as u64);
    let kept = match &reading {
        Reading::Rust(sink) => sink.dead() as f64,
        Reading::Engine if handling == Handling::Stream => server.number("SELECT count() FROM dead")?,
        Reading::Engine => 0.0,
    };
    figures.add(arm, "kept", 100.0 * kept, 1);
    end(server, reading)
}
