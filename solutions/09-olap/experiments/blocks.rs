//! insert-blocks: rows for each insert against rate, parts and processor time; and a table that gets too many parts.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use measure::{Latency, Teller};
use olap::{Batcher, Bounds, too_many_parts};

use crate::run::{Figures, Run};
use crate::server::Server;
use crate::trades::{Stored, Trades};

const BLOCKS: [usize; 6] = [1, 10, 100, 1_000, 10_000, 100_000];
/// Rows a second that come whether or not the table takes them: no more than one writer can insert one by one.
const ARRIVE: f64 = 100.0;
/// The server's own limit is 3,000 parts of a partition, which one writer does not reach in seconds.
const PARTS: u32 = 20;
/// How long a refused row waits until it is tried again.
const AGAIN: Duration = Duration::from_millis(10);

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let blocks: &[usize] = run.pick(&BLOCKS, &BLOCKS, &[1, 1_000]);
    let rounds = run.pick(5, 1, 1);
    let span = Duration::from_millis(run.pick(3_000, 700, 20));
    let mut teller = Teller::new(2 + rounds * (blocks.len() + 2));
    teller.step("servers");
    let server = Server::start(run, &teller)?;
    teller.step("trades");
    let trades = Trades::make(run, run.pick(200_000, 200_000, 2_000))?;
    let mut figures = Figures::default();
    for _ in 0..rounds {
        for block in blocks {
            let arm = format!("rows={block}");
            teller.step(&arm);
            closed(&server, &trades, *block, span, &arm, &mut figures)?;
        }
        for way in ["each", "batcher"] {
            teller.step(&format!("way={way}"));
            open(
                &server,
                &trades,
                way == "batcher",
                Duration::from_millis(run.pick(5_000, 2_500, 100)),
                &mut figures,
            )?;
        }
    }
    figures.tell(&teller);
    Ok(())
}

fn insert(server: &Server<'_>, rows: &[Stored<'_>]) -> Result<(), clickhouse::error::Error> {
    server.run.wait(async {
        let mut insert = server.client.insert::<Stored<'_>>("blocks").await?;
        for row in rows {
            insert.write(row).await?;
        }
        insert.end().await
    })
}

fn make(server: &Server<'_>, settings: Vec<(&'static str, String)>) -> anyhow::Result<()> {
    server.sql("DROP TABLE IF EXISTS blocks SYNC")?;
    let table = olap::Table {
        name: "blocks",
        settings,
        ..olap::trades()?
    };
    server.sql(&table.statement(&server.database)?)
}

/// One writer, as fast as it can: its rate, and what the server does for it, merges included as far as they run meanwhile.
fn closed(
    server: &Server<'_>,
    trades: &Trades,
    block: usize,
    span: Duration,
    arm: &str,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    make(server, olap::trades()?.settings)?;
    let rows: Vec<Stored<'_>> = (0..trades.len()).map(|n| trades.stored(n)).collect();
    insert(server, &rows[..1])?; // the writer asks for the table's columns once
    let (before, started, mut at, mut inserts) = (server.cpu(), Instant::now(), 1, 0_u64);
    let mut written = 0;
    while started.elapsed() < span {
        if at + block > rows.len() {
            at = 0;
        }
        let until = (at + block).min(rows.len());
        insert(server, &rows[at..until])?;
        written += until - at;
        at = until;
        inserts += 1;
    }
    let took = started.elapsed().as_secs_f64();
    figures.add(arm, "rate", written as f64 / took, written as u64);
    figures.add(arm, "insert", 1e3 * took / inserts as f64, inserts);
    if let (Some(before), Some(after)) = (before, server.cpu()) {
        figures.add(arm, "cpu", 1e6 * (after - before) / written as f64, written as u64);
    }
    server.sql("SYSTEM FLUSH LOGS part_log")?;
    let events = |what: &str, of: &str| {
        server.number(&format!(
            "SELECT {of} FROM system.part_log WHERE event_type = '{what}' AND database = currentDatabase() AND table_uuid = \
             (SELECT uuid FROM system.tables WHERE database = currentDatabase() AND name = 'blocks')"
        ))
    };
    figures.add(
        arm,
        "parts",
        1e5 * events("NewPart", "count()")? / (written + 1) as f64,
        inserts,
    );
    figures.add(
        arm,
        "merged",
        events("MergeParts", "sum(rows)")? / (written + 1) as f64,
        inserts,
    );
    Ok(())
}

/// Rows come at their times; either each is inserted when it is due, or the batcher says when. For a fifth of the time nothing is merged, as
/// when the server is busy with large parts. What is refused is tried again.
fn open(
    server: &Server<'_>,
    trades: &Trades,
    batched: bool,
    span: Duration,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    make(
        server,
        vec![
            ("parts_to_delay_insert", "0".into()),
            ("parts_to_throw_insert", PARTS.to_string()),
        ],
    )?;
    let arm = if batched { "way=batcher" } else { "way=each" };
    let mut batcher = Batcher::new(Bounds {
        rows: 10_000,
        delay_ms: 200,
        part_ms: 100,
        refused_ms: 5_000,
    });
    let count = ((span.as_secs_f64() * ARRIVE) as usize).min(trades.len());
    let (started, mut next, mut waiting) = (Instant::now(), 0, Vec::new());
    let (mut tried, mut refused, mut delay) = (0_u64, 0_u64, Latency::default());
    let due = |n: usize| Duration::from_secs_f64(n as f64 / ARRIVE);
    let limit = span + Duration::from_secs(30);
    let (stand, go) = (span / 4, span / 4 + span / 5);
    let mut merges = vec![(go, "START"), (stand, "STOP")];
    while next < count || !waiting.is_empty() {
        if let Some((_, what)) = merges.pop_if(|(at, _)| *at <= started.elapsed()) {
            server.sql(&format!("SYSTEM {what} MERGES blocks"))?;
        }
        anyhow::ensure!(
            started.elapsed() < limit,
            "{} rows still wait after {limit:?}",
            waiting.len()
        );
        let now = started.elapsed();
        let from = waiting.len();
        while next < count && due(next) <= now {
            let row = trades.stored(next);
            batcher.push(due(next).as_millis() as i64, 20_240_101);
            waiting.push((next, row));
            next += 1;
        }
        let cut = if batched {
            batcher.cut(now.as_millis() as i64).is_some()
        } else {
            !waiting.is_empty()
        };
        if !cut {
            if from == waiting.len() {
                std::thread::sleep(Duration::from_millis(1));
            }
            continue;
        }
        // Each by itself, or all that wait.
        let take = if batched { waiting.len() } else { 1 };
        let rows: Vec<Stored<'_>> = waiting[..take].iter().map(|(_, row)| *row).collect();
        tried += 1;
        match insert(server, &rows) {
            Ok(()) => {
                batcher.taken();
                for (n, _) in waiting.drain(..take) {
                    delay.record((started.elapsed().saturating_sub(due(n))).as_micros() as u64, 1);
                }
            }
            Err(error) if too_many_parts(&error) => {
                refused += 1;
                batcher.refused(started.elapsed().as_millis() as i64);
                // The rows stay; with the batcher they count as come, so that the next cut takes them.
                if batched {
                    batcher.push(now.as_millis() as i64, 20_240_101);
                } else {
                    std::thread::sleep(AGAIN);
                }
            }
            Err(error) => return Err(error).context("inserting"),
        }
    }
    figures.add(arm, "refused", 100.0 * refused as f64 / tried.max(1) as f64, tried);
    figures.add(arm, "inserts", tried as f64, tried);
    figures.add(arm, "delay_p99", delay.millis_at(0.99), delay.count());
    let stored = server.number("SELECT count() FROM blocks")?;
    anyhow::ensure!(stored == count as f64, "{arm}: {stored} of {count} rows are stored");
    Ok(())
}
