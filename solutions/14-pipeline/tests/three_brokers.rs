//! Every trade is one row, through the loss of any one of three brokers and of their controller; and an acknowledgement of the
//! leader alone is worth what it says.

#![allow(clippy::unwrap_used)] // helpers of tests: a panic is the failure

mod rig;

use std::time::{Duration, Instant};

use ledger::{Report, Verdict};
use measure::WorkerProgress;
use rig::{Process, Rig, until};
use stack::{Kafka, Placed, Server, Stack};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

/// One run at a time: the servers that one of them hurts are the others' too.
static ONE: Mutex<()> = Mutex::const_new(());

/// Three brokers and a controller for all tests of this program; they go when it goes.
async fn alone() -> (MutexGuard<'static, ()>, &'static Stack) {
    static THREE: OnceCell<Stack> = OnceCell::const_new();
    let turn = ONE.lock().await;
    let start = || async {
        let started = Stack::own(3).await;
        started.expect("three brokers start: ./lab doctor says what is missing")
    };
    let stack = THREE.get_or_init(start).await;
    // What a test that failed has left: its failure is to be the only one.
    for broker in stack.kafka().brokers() {
        broker.heal().await.unwrap();
    }
    (turn, stack)
}

/// A run that has delivered its first thousand trades when `fault` begins, and delivers on when it is over.
async fn survives(seed: u64, fault: impl AsyncFnOnce(&Rig, &Process<WorkerProgress>)) -> Report {
    let (_turn, stack) = alone().await;
    let rig = Rig::start_on(stack, seed, 1_000.0, &[], |_| {}).await;
    let worker = rig.worker("worker", None);
    until("the worker to own all partitions", || {
        worker.last().partitions.len() == 4
    })
    .await;
    rig.exchange.begin();
    delivers(&worker, 1_000).await;
    fault(&rig, &worker).await;
    whole(&rig).await;
    delivers(&worker, 1_000).await;
    let report = rig.finish(vec![worker]).await;
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.render());
    report
}

async fn delivers(worker: &Process<WorkerProgress>, more: u64) {
    let before = worker.last().acked;
    until(&format!("{more} more trades after {before} to be delivered"), || {
        worker.last().acked >= before + more
    })
    .await;
}

/// Waits until `wanted` holds of every partition of the trades.
async fn placed(rig: &Rig, what: &str, wanted: impl Fn(&Placed) -> bool) {
    let (from, limit) = (Instant::now(), Duration::from_secs(60));
    loop {
        let placed = rig.stack.kafka().placed(&rig.topic()).await.unwrap_or_default();
        if !placed.is_empty() && placed.iter().all(&wanted) {
            return;
        }
        assert!(from.elapsed() < limit, "waited a minute for {what}: {placed:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn whole(rig: &Rig) {
    placed(rig, "all replicas to be in sync", |placed| {
        placed.leader.is_some() && placed.in_sync.len() == 3
    })
    .await;
}

/// The leader of the first partition.
async fn leader(rig: &Rig) -> (i32, &'static Server) {
    let kafka: &'static Kafka = rig.stack.kafka();
    let id = kafka.placed(&rig.topic()).await.unwrap()[0].leader.unwrap();
    (id, kafka.broker(id).unwrap())
}

/// Who coordinates the workers' group: the leader of the partition in which Kafka keeps it.
async fn coordinator(rig: &Rig) -> i32 {
    let groups = rig.stack.kafka().placed("__consumer_offsets").await.unwrap();
    // The absolute value of a Java string's hash, and 0 for the one that has none.
    let hash = rig
        .group()
        .bytes()
        .fold(0i32, |hash, byte| hash.wrapping_mul(31).wrapping_add(i32::from(byte)));
    groups[hash.checked_abs().unwrap_or_default() as usize % groups.len()]
        .leader
        .unwrap()
}

async fn others_lead(rig: &Rig, id: i32) {
    placed(rig, "others to lead", |placed| {
        placed.leader.is_some_and(|leader| leader != id)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_killed_under_load_and_restarted() {
    survives(31, async |rig, worker| {
        let (id, broker) = leader(rig).await;
        broker.kill().await.unwrap();
        others_lead(rig, id).await;
        delivers(worker, 500).await;
        broker.restart().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_frozen_replaced_and_thawed() {
    survives(32, async |rig, worker| {
        let (id, broker) = leader(rig).await;
        broker.freeze().await.unwrap();
        others_lead(rig, id).await;
        delivers(worker, 500).await;
        broker.thaw().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_cut_off_while_its_clients_still_reach_it() {
    survives(33, async |rig, worker| {
        let (kafka, coordinator) = (rig.stack.kafka(), coordinator(rig).await);
        let placed = kafka.placed(&rig.topic()).await.unwrap();
        let mut leaders = placed.iter().filter_map(|placed| placed.leader);
        let id = leaders.find(|leader| *leader != coordinator).unwrap();
        let broker = kafka.broker(id).unwrap();
        broker.cut().await.unwrap();
        others_lead(rig, id).await;
        // What came since the cut and what comes now: while it could acknowledge what is then lost.
        delivers(worker, 2_000).await;
        broker.heal().await.unwrap();
    })
    .await;
}

/// Such a coordinator does not know that it is none any more, and keeps the members that still reach it: librdkafka (2.12) asks the broker
/// that it used last who the coordinator is, which is this one. Until it is healed nothing is delivered, and nothing is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_groups_coordinator_cut_off_while_its_members_still_reach_it() {
    survives(37, async |rig, _| {
        let id = coordinator(rig).await;
        let broker = rig.stack.kafka().broker(id).unwrap();
        broker.cut().await.unwrap();
        others_lead(rig, id).await;
        let from = rig.ingest.last().acked;
        until("trades to be written meanwhile", || {
            rig.ingest.last().acked > from + 5_000
        })
        .await;
        broker.heal().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_three_brokers_restarted_one_after_another() {
    survives(34, async |rig, _| {
        for broker in rig.stack.kafka().brokers() {
            broker.kill().await.unwrap();
            broker.restart().await.unwrap();
            whole(rig).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_controller_killed_and_restarted() {
    survives(35, async |rig, worker| {
        let controller = rig.stack.kafka().controller().unwrap();
        controller.kill().await.unwrap();
        delivers(worker, 2_000).await;
        controller.restart().await.unwrap();
    })
    .await;
}

/// The leader that is cut off goes on acknowledging alone, and forgets it all when it hears of the next one.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_cut_off_leader_acknowledged_alone_is_lost_and_the_audit_says_where() {
    let (_turn, stack) = alone().await;
    let rig = Rig::start_on(stack, 36, 1_000.0, &["--acks", "1"], |_| {}).await;
    let worker = rig.worker("worker", None);
    until("the worker to own all partitions", || {
        worker.last().partitions.len() == 4
    })
    .await;
    rig.exchange.begin();
    delivers(&worker, 1_000).await;
    let (id, broker) = leader(&rig).await;
    broker.cut().await.unwrap();
    let acked = rig.ingest.last().acked;
    others_lead(&rig, id).await;
    until("trades to be acknowledged meanwhile", || {
        rig.ingest.last().acked > acked + 2_000
    })
    .await;
    broker.heal().await.unwrap();
    whole(&rig).await;
    delivers(&worker, 1_000).await;
    let report = rig.finish_with_losses(vec![worker]).await;
    assert_eq!(report.verdict, Verdict::Fail, "{}", report.render());
    assert!(
        report.lost_by_stage.ingest > 0 && report.lost_by_stage.worker == 0,
        "{}",
        report.render()
    );
}
