//! Every trade is one row, through crashes at each point of a delivery, zombies, and changes of the group.

#![allow(clippy::unwrap_used)] // helpers of tests: a panic is the failure

mod rig;

use std::time::Duration;

use ledger::Verdict;
use rand::{RngExt, SeedableRng};
use rig::{Rig, until};
use rustix::process::{Signal, kill_process};

/// One run at a time: two of them on two cores would test the machine.
static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

const POINTS: [&str; 4] = ["prepared", "trades-written", "written", "claimed"];

/// Workers are killed at points and passes drawn from the seed, one after the other, and the last one lives.
async fn killed_again_and_again(seed: u64) {
    let _one = ONE.lock().await;
    let rig = Rig::start(seed, 1_500.0).await;
    rig.exchange.begin();
    let mut dice = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    for n in 0..6 {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let point = POINTS[(dice % 4) as usize];
        let pass = if point == "claimed" { 1 } else { 1 + dice / 4 % 12 };
        let mut worker = rig.worker(&format!("victim-{n}"), Some(&format!("{point}:{pass}:kill")));
        until(
            &format!("worker {n} of seed {seed} to be killed at {point}:{pass}"),
            || worker.has_ended(),
        )
        .await;
        assert_eq!(
            worker.killed_by(),
            Some(Signal::KILL.as_raw()),
            "worker {n} of seed {seed} ended by itself: see its log above"
        );
    }
    let survivor = rig.worker("survivor", None);
    let report = rig.finish(vec![survivor]).await;
    assert_eq!(report.verdict, Verdict::Pass, "seed {seed}\n{}", report.render());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_at_random_points_loses_and_doubles_nothing_seed_1() {
    killed_again_and_again(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_at_random_points_loses_and_doubles_nothing_seed_2() {
    killed_again_and_again(2).await;
}

/// The first test that the design asks for: stopped between prepare and insert, taken over from, woken.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_stopped_between_prepare_and_insert_writes_nothing_after_it_was_taken_over() {
    let _one = ONE.lock().await;
    let rig = Rig::start(3, 1_500.0).await;
    rig.exchange.begin();
    let zombie = rig.worker("zombie", Some("prepared:20:stop"));
    until("the zombie to own all partitions", || {
        zombie.last().partitions.len() == 4
    })
    .await;
    let heir = rig.worker("heir", None);
    until("the heir to own all partitions of the stopped worker", || {
        heir.last().partitions.len() == 4
    })
    .await;
    let before = heir.last().acked;
    until("the heir to deliver", || heir.last().acked > before + 1_000).await;
    kill_process(zombie.pid(), Signal::CONT).unwrap();
    until("the woken worker to come back into the group", || {
        zombie.last().takeovers > 4
    })
    .await;
    until("the block of the woken worker to be refused by the tables", || {
        zombie.last().fenced > 0
    })
    .await;
    let report = rig.finish(vec![zombie, heir]).await;
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.render());
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_join_and_leave_in_mid_flight_lose_and_double_nothing() {
    let _one = ONE.lock().await;
    let rig = Rig::start(4, 3_000.0).await;
    rig.exchange.begin();
    let first = rig.worker("first", None);
    until("the first worker to deliver", || first.last().acked > 1_000).await;
    let mut second = rig.worker("second", None);
    until("the second worker to deliver", || second.last().acked > 1_000).await;
    let third = rig.worker("third", None);
    until("the third worker to deliver", || third.last().acked > 500).await;
    second.drain("the second worker").await;
    until("the others to own all partitions", || {
        first.last().partitions.len() + third.last().partitions.len() == 4
    })
    .await;
    let report = rig.finish(vec![first, third]).await;
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.render());
}

/// Faster than takeovers are done: partitions are taken back while they are being taken over.
#[tokio::test(flavor = "multi_thread")]
async fn workers_that_come_and_go_faster_than_they_take_over_lose_and_double_nothing() {
    let _one = ONE.lock().await;
    let rig = Rig::start(5, 2_000.0).await;
    rig.exchange.begin();
    let mut dice = rand_chacha::ChaCha8Rng::seed_from_u64(5);
    let mut workers = vec![rig.worker("w0", None)];
    for n in 1..14 {
        tokio::time::sleep(Duration::from_millis(dice.random_range(20..900))).await;
        if workers.len() < 2 || (workers.len() < 4 && dice.random_bool(0.6)) {
            workers.push(rig.worker(&format!("w{n}"), None));
        } else {
            let at = dice.random_range(0..workers.len());
            let mut leaving = workers.remove(at);
            if dice.random_bool(0.5) {
                leaving.drain("a worker that leaves").await;
            }
            // Otherwise it is dropped, which kills it.
        }
    }
    let report = rig.finish(workers).await;
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.render());
}
