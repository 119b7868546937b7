//! The ways one thinks of first, and how each fails. Nothing here calls the library: these tests are green from the start.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

// ANCHOR: in_a_row
/// The clock is paused: it goes on when everybody sleeps, and exactly as far as the first one to wake.
#[tokio::test(start_paused = true)]
async fn waits_in_a_row_add_up_and_joined_waits_do_not() {
    let database = || async { sleep(Duration::from_secs(3)).await };
    let api = || async { sleep(Duration::from_secs(2)).await };

    let began = Instant::now();
    database().await;
    api().await;
    assert_eq!(
        began.elapsed().as_secs(),
        5,
        "nobody asked the API while the database was waited for"
    );

    let began = Instant::now();
    let (one, other) = (database(), api());
    one.await;
    other.await;
    assert_eq!(
        began.elapsed().as_secs(),
        5,
        "a future that nobody polls does nothing: it is no task"
    );

    let began = Instant::now();
    tokio::join!(database(), api());
    assert_eq!(began.elapsed().as_secs(), 3, "both wait at once, on one thread");
}
// ANCHOR_END: in_a_row

// ANCHOR: blocking
#[test]
fn a_blocking_call_on_the_runtime_stops_all_its_neighbours() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let steps = Arc::new(AtomicUsize::new(0));
        let counted = steps.clone();
        tokio::spawn(async move {
            loop {
                counted.fetch_add(1, Relaxed);
                tokio::task::yield_now().await;
            }
        });
        tokio::task::yield_now().await;
        let before = steps.load(Relaxed);
        std::thread::sleep(ms(50));
        assert_eq!(
            steps.load(Relaxed),
            before,
            "the one thread slept, and the neighbour with it"
        );

        let given_away = tokio::task::spawn_blocking(|| std::thread::sleep(ms(50)));
        given_away.await.unwrap();
        assert!(
            steps.load(Relaxed) > before + 1,
            "another thread slept, and the neighbour went on"
        );
    });
}
// ANCHOR_END: blocking

/// A trade comes each millisecond, and its consumer needs two.
const COME: usize = 10_000;

// ANCHOR: unbounded
#[tokio::test(start_paused = true)]
async fn a_channel_without_a_bound_holds_whatever_its_consumer_is_behind() {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let most = Arc::new(AtomicUsize::new(0));
    let held = most.clone();
    tokio::spawn(async move {
        while receiver.recv().await.is_some() {
            held.fetch_max(receiver.len(), Relaxed);
            sleep(ms(2)).await;
        }
    });
    for n in 0..COME {
        sender.send(n).unwrap();
        sleep(ms(1)).await;
    }
    let held = most.load(Relaxed);
    assert!(held > COME / 2 - 10, "{held} of them, and nobody was told to slow down");
}

#[tokio::test(start_paused = true)]
async fn a_bound_passes_the_slowness_on_to_who_sends() {
    let (sender, mut receiver) = mpsc::channel(16);
    let most = Arc::new(AtomicUsize::new(0));
    let held = most.clone();
    tokio::spawn(async move {
        while receiver.recv().await.is_some() {
            held.fetch_max(receiver.len(), Relaxed);
            sleep(ms(2)).await;
        }
    });
    let began = Instant::now();
    for n in 0..COME {
        sender.send(n).await.unwrap();
        sleep(ms(1)).await;
    }
    assert!(most.load(Relaxed) <= 16, "never more than the bound");
    assert!(
        began.elapsed() >= ms(19_900),
        "and twice the time: who sends now knows it, and must decide"
    );
}
// ANCHOR_END: unbounded

// ANCHOR: herd
/// A thousand clients lose their server at 0 and it is back at 3 s. How many of them try in each 100 ms, by how each waits for its
/// n-th attempt.
fn attempts(mut wait: impl FnMut(u32) -> f64) -> Vec<usize> {
    let mut slots = vec![0; 200];
    for _client in 0..1_000 {
        let mut at = 0.0;
        for n in 0.. {
            at += wait(n);
            slots[at as usize / 100] += 1;
            if at >= 3_000.0 {
                break;
            }
        }
    }
    slots
}

#[test]
fn without_jitter_all_clients_come_back_in_the_same_tenth_of_a_second() {
    let bound = |n: u32| 250.0 * f64::from(1 << n.min(5));
    let in_step = attempts(bound);
    assert_eq!(
        in_step.iter().filter(|count| **count > 0).collect::<Vec<_>>(),
        [&1_000; 4],
        "four times nothing but silence, and then everybody: a server that is just coming up falls over again"
    );
    let mut random = StdRng::seed_from_u64(7);
    let spread = attempts(|n| bound(n) * random.random::<f64>());
    let most = spread[30..].iter().max().unwrap();
    assert!(*most < 100, "with jitter at most {most} in the same tenth: {spread:?}");
}
// ANCHOR_END: herd

/// A frame: its length in one byte, and that many of these.
fn frame(of: u8) -> Vec<u8> {
    [&[20][..], &[of; 20]].concat()
}

/// All frames up to the end.
async fn frames(mut from: DuplexStream) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let Ok(length) = from.read_u8().await {
        let mut body = Vec::new();
        (&mut from)
            .take(u64::from(length))
            .read_to_end(&mut body)
            .await
            .unwrap();
        frames.push(body);
    }
    frames
}

// ANCHOR: torn
#[tokio::test(start_paused = true)]
async fn a_write_that_is_given_up_half_way_leaves_half_a_frame() {
    // Eight bytes of room, and nobody reads yet.
    let (mut ours, theirs) = tokio::io::duplex(8);
    let written = timeout(ms(10), ours.write_all(&frame(1))).await;
    assert!(
        written.is_err(),
        "the limit drops the write, and not what it has written"
    );
    let reading = tokio::spawn(frames(theirs));
    ours.write_all(&frame(2)).await.unwrap();
    drop(ours);
    let read = reading.await.unwrap();
    let mixed = [&[1; 7][..], &[20], &[2; 12]].concat();
    assert_eq!(
        read[0], mixed,
        "the next frame stands inside the torn one, its length and all"
    );
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_place_may_give_up_and_who_writes_may_not() {
    let (mut ours, theirs) = tokio::io::duplex(8);
    let (sender, mut queue) = mpsc::channel::<Vec<u8>>(1);
    tokio::spawn(async move {
        while let Some(frame) = queue.recv().await {
            ours.write_all(&frame).await.unwrap();
        }
    });
    sender.send(frame(1)).await.unwrap();
    sender.send(frame(2)).await.unwrap();
    let third = timeout(ms(10), sender.send(frame(3))).await;
    assert!(third.is_err(), "given up before anything of it was written");
    let reading = tokio::spawn(frames(theirs));
    drop(sender);
    assert_eq!(reading.await.unwrap(), [[1; 20], [2; 20]], "whole frames, or none");
}
// ANCHOR_END: torn

/// Four bytes come, one each 10 ms, and then nothing.
fn four_bytes() -> DuplexStream {
    let (mut ours, theirs) = tokio::io::duplex(64);
    tokio::spawn(async move {
        for byte in 1..=4 {
            sleep(ms(10)).await;
            ours.write_all(&[byte]).await.unwrap();
        }
        std::future::pending::<()>().await;
    });
    theirs
}

// ANCHOR: lost_read
/// Every 15 ms there is something else to look at.
const LOOK: Duration = Duration::from_millis(15);

#[tokio::test(start_paused = true)]
async fn a_read_that_is_given_up_loses_what_it_had_read() {
    let mut from = four_bytes();
    for _look in 0..20 {
        let mut four = [0; 4];
        let read = timeout(LOOK, from.read_exact(&mut four)).await;
        assert!(
            read.is_err(),
            "each look drops the read, and the bytes in it: nobody ever has four"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_that_keeps_what_it_has_read_outside_may_be_given_up() {
    let (mut from, mut kept) = (four_bytes(), Vec::new());
    for _look in 0..20 {
        // Either all of a read is in the buffer, or the read has not happened.
        let _ = timeout(LOOK, from.read_buf(&mut kept)).await;
    }
    assert_eq!(kept, [1, 2, 3, 4]);
}
// ANCHOR_END: lost_read
