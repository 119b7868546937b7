//! Every trade is one row, through the faults of the exchange and of the servers: each a whole run, under the audit.

#![allow(clippy::unwrap_used)] // helpers of tests: a panic is the failure

mod rig;

use std::sync::Mutex;
use std::time::Duration;

use exchange::{BadFrame, ExchangeConfig};
use ledger::{Report, Verdict};
use rig::{Process, Rig, until};
use stack::{Provider, Stack};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Two runs at a time, which mostly wait, each on servers of its own: what one of them kills the other needs.
struct Servers {
    stack: &'static Stack,
    _turn: SemaphorePermit<'static>,
}

/// Those that nobody uses at the moment.
static FREE: Mutex<Vec<&'static Stack>> = Mutex::new(Vec::new());

impl Servers {
    async fn alone() -> Self {
        const AT_ONCE: u32 = 2;
        static TURNS: Semaphore = Semaphore::const_new(AT_ONCE as usize);
        // Of servers that somebody else runs there is one set.
        let external = Provider::from_env().expect("LAB_STACK names a stack") == Provider::External;
        let turns = if external { AT_ONCE } else { 1 };
        let turn = TURNS.acquire_many(turns).await.expect("it is never closed");
        let free = FREE.lock().unwrap().pop();
        let stack = match free {
            Some(stack) => stack,
            None => {
                let started = Stack::own(0).await;
                let stack = started.expect("the servers start: ./lab doctor says what is missing");
                // They go with the process.
                Box::leak(Box::new(stack))
            }
        };
        Self { stack, _turn: turn }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // A run that failed may have left them dead or frozen: the next one takes others.
        if !std::thread::panicking() {
            FREE.lock().unwrap().push(self.stack);
        }
    }
}

/// A run that has delivered its first thousand trades when `fault` begins; the run ends when `fault` does.
async fn survives(seed: u64, fault: impl AsyncFnOnce(&Rig, &Process<measure::WorkerProgress>)) -> Report {
    survives_on(seed, |_| {}, fault).await
}

/// The same with an exchange that is set up otherwise.
async fn survives_on(
    seed: u64,
    change: impl FnOnce(&mut ExchangeConfig),
    fault: impl AsyncFnOnce(&Rig, &Process<measure::WorkerProgress>),
) -> Report {
    let servers = Servers::alone().await;
    let rig = Rig::start_on(servers.stack, seed, 1_000.0, &[], change).await;
    let worker = rig.worker("worker", None);
    until("the worker to own all partitions", || {
        worker.last().partitions.len() == 4
    })
    .await;
    rig.exchange.begin();
    delivers(&worker, 1_000).await;
    fault(&rig, &worker).await;
    delivers(&worker, 1_000).await;
    let report = rig.finish(vec![worker]).await;
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.render());
    report
}

/// Waits until the worker has delivered so many more trades.
async fn delivers(worker: &Process<measure::WorkerProgress>, more: u64) {
    let before = worker.last().acked;
    until(&format!("{more} more trades after {before} to be delivered"), || {
        worker.last().acked >= before + more
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_dropped_again_and_again() {
    survives(11, async |rig, worker| {
        for drop in 1..=4 {
            rig.exchange.faults().drop_sockets();
            until(&format!("gap {drop} to be found"), || rig.ingest.last().gaps >= drop).await;
            delivers(worker, 300).await;
        }
    })
    .await;
}

/// Nothing but a ping without an answer tells a dead socket from a quiet market.
#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_half_open() {
    survives(12, async |rig, _| {
        rig.exchange.faults().half_open(Duration::from_secs(90));
        until("the dead socket to be given up", || rig.ingest.last().gaps > 0).await;
    })
    .await;
}

/// Also a repeat that comes from the repair of a gap.
#[tokio::test(flavor = "multi_thread")]
async fn frames_that_come_twice_or_out_of_order() {
    survives(13, async |rig, worker| {
        rig.exchange.faults().duplicate(500);
        rig.exchange.faults().reorder(500);
        until("repeats to be dropped", || worker.last().repeats >= 400).await;
        rig.exchange.faults().duplicate(200);
        rig.exchange.faults().drop_sockets();
        until("the gap to be found", || rig.ingest.last().gaps > 0).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_cannot_be_read() {
    let report = survives(14, async |rig, worker| {
        for kind in BadFrame::UNREADABLE.into_iter().chain([BadFrame::UnknownKey]) {
            rig.exchange.faults().inject(kind, 7);
        }
        delivers(worker, 500).await;
    })
    .await;
    assert_eq!(report.dead_letters, 7 * BadFrame::UNREADABLE.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_killed_and_restarted() {
    survives(15, async |rig, worker| {
        for _ in 0..2 {
            let broker = &rig.stack.kafka().brokers()[0];
            broker.kill().await.unwrap();
            broker.restart().await.unwrap();
            delivers(worker, 500).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clickhouse_killed_and_restarted() {
    survives(16, async |rig, worker| {
        for _ in 0..3 {
            let server = rig.stack.clickhouse().server();
            server.kill().await.unwrap();
            server.restart().await.unwrap();
            delivers(worker, 500).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clickhouse_killed_at_the_rename_of_a_part() {
    survives(17, async |rig, worker| {
        for _ in 0..3 {
            let server = rig.stack.clickhouse().server();
            let trap = server.kill_at_rename().await.unwrap();
            until("ClickHouse to be killed at a rename", || !server.is_alive()).await;
            let seen = trap.seen();
            assert!(seen.contains("rename"), "what strace saw: {seen}");
            server.restart().await.unwrap();
            delivers(worker, 500).await;
        }
    })
    .await;
}

/// As against the real exchange, but for the certificate, which only this run trusts.
#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_behind_tls_whose_socket_is_dropped() {
    let tls = |config: &mut ExchangeConfig| config.tls = true;
    survives_on(18, tls, async |rig, _| {
        assert!(rig.exchange.ws_url().starts_with("wss://") && rig.exchange.rest_url().starts_with("https://"));
        rig.exchange.faults().drop_sockets();
        until("the gap to be found", || rig.ingest.last().gaps > 0).await;
    })
    .await;
}

/// Shorter than the feed takes for a dead socket: everything follows, late.
#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_stalled() {
    survives(19, async |rig, _| {
        let stalled = rig.exchange.counters().stalled;
        rig.exchange.faults().stall(Duration::from_secs(5));
        until("the socket to be stalled", || rig.exchange.counters().stalled > stalled).await;
        let before = rig.ingest.last().trades;
        until("trades to wait behind the stall", || {
            rig.exchange.counters().queued > 2_000
        })
        .await;
        until("what waited to follow", || rig.ingest.last().trades > before + 2_000).await;
        assert_eq!(rig.ingest.last().gaps, 0, "a stall was taken for a dead socket");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_that_is_refused_by_the_rate_limit_and_by_a_server_that_is_down() {
    survives(20, async |rig, worker| {
        let before = rig.exchange.counters();
        rig.exchange.faults().rate_limit(Duration::from_secs(4));
        rig.exchange.faults().unavailable(Duration::from_secs(6));
        // A feed whose socket is dropped may be back within 2 ms, before a trade is missed; this one misses two seconds of them.
        rig.exchange.faults().half_open(Duration::from_secs(2));
        until("the gap to be found", || rig.ingest.last().gaps > 0).await;
        until("the repair to be refused", || {
            rig.exchange.counters().refused > before.refused
        })
        .await;
        until("the gap to be repaired", || {
            let ingest = rig.ingest.last();
            ingest.repairing == 0 && ingest.repaired > 0
        })
        .await;
        delivers(worker, 500).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clickhouse_frozen_and_thawed() {
    survives(21, async |rig, worker| {
        let server = rig.stack.clickhouse().server();
        server.freeze().await.unwrap();
        let read = worker.last().records;
        until("trades to wait for the frozen server", || {
            worker.last().records > read + 2_000
        })
        .await;
        server.thaw().await.unwrap();
    })
    .await;
}

/// What waits for ClickHouse is bounded by rows (`--epoch-rows`, twice) and by what Kafka's client fetches ahead (32 MiB);
/// the rest stays in the topic.
#[tokio::test(flavor = "multi_thread")]
async fn clickhouse_away_for_longer_than_the_queues_hold_takes_no_more_memory() {
    const ROWS: u64 = 5_000;
    const BOUND: u64 = 160 << 20;
    let servers = Servers::alone().await;
    let rig = Rig::start_on(servers.stack, 22, 20_000.0, &[], |_| {}).await;
    let worker = rig.worker_with("worker", &["--epoch-rows", &ROWS.to_string()]);
    until("the worker to own all partitions", || {
        worker.last().partitions.len() == 4
    })
    .await;
    rig.exchange.begin();
    delivers(&worker, 20_000).await;
    let before = worker.last().memory;
    let server = rig.stack.clickhouse().server();
    server.kill().await.unwrap();
    let sent = rig.exchange.counters().executed;
    until("ten times as many trades as may wait to be in the topic", || {
        rig.ingest.last().acked > sent + 40 * ROWS
    })
    .await;
    let (held, memory) = (worker.last().records, worker.last().memory);
    server.restart().await.unwrap();
    delivers(&worker, 20 * ROWS).await;
    assert!(
        memory < before + BOUND,
        "the worker held {} MiB before and {} MiB when it had read {held} trades",
        before >> 20,
        memory >> 20
    );
    let report = rig.finish(vec![worker]).await;
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.render());
}
