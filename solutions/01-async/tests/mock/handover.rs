//! What happens while nobody takes the batches.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use feed::{Batch, Feed, FeedConfig, FeedError};
use tokio::sync::mpsc::Receiver;

use crate::common::{LIMIT, Plain, Running, Venue};

/// A channel of one batch of 16 frames, PINGs every 100 ms, and dead after 400 ms of silence.
fn narrow(venue: &Venue) -> FeedConfig {
    FeedConfig {
        batches: 1,
        batch_frames: 16,
        ping_every: Duration::from_millis(100),
        silence_limit: Duration::from_millis(400),
        ..venue.config()
    }
}

/// A feed whose channel is full, and whose exchange has much more for it.
async fn full(venue: &Venue) -> (Feed, Receiver<Batch>) {
    let (feed, batches) = feed::connect(narrow(venue), Arc::new(Plain)).unwrap();
    let waiting = async {
        while venue.exchange.counters().subscribed == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        venue.exchange.begin();
        while feed.stats().stalls == 0 || venue.exchange.counters().executed < 2000 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        biased;
        () = waiting => {}
        ended = feed.ended() => panic!("the feed has ended ({ended:?}): {:?}", feed.stats()),
        () = tokio::time::sleep(LIMIT) => panic!("the full channel never stopped the reading: {:?}", feed.stats()),
    }
    (feed, batches)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task4_a_consumer_that_stands_still_stops_the_reading_and_loses_nothing() {
    let venue = Venue::open(10, 3000.0).await;
    let (feed, batches) = full(&venue).await;
    let before = feed.stats();
    tokio::time::sleep(Duration::from_millis(800)).await; // longer than the silence limit: the silence is the feed's own
    let after = feed.stats();
    assert_eq!(
        (after.frames, after.trades),
        (before.frames, before.trades),
        "nothing is read while nobody takes the batches"
    );
    assert_eq!(
        (after.connections, after.stalls),
        (1, 1),
        "one wait, and the connection is not given up for it"
    );
    let (_, stats) = venue.complete(Running::of(feed, batches), 0).await;
    assert_eq!(
        stats.connections, 1,
        "when there is room again, silence begins anew: {stats:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task4_an_exchange_that_suffers_no_silence_hears_pings_while_the_consumer_stands_still() {
    let venue = Venue::with(10, 3000.0, |config| config.limits.idle = Duration::from_millis(500)).await;
    let (feed, batches) = full(&venue).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await; // three times what the exchange suffers
    let (_, stats) = venue.complete(Running::of(feed, batches), 0).await;
    assert_eq!(stats.connections, 1, "PINGs go on while the channel is full: {stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task4_a_batch_that_had_to_wait_comes_whole_once_and_in_its_place() {
    let venue = Venue::open(1, 3000.0).await;
    let (feed, mut batches) = full(&venue).await;
    let mut trades = Vec::new();
    for _ in 0..50 {
        let batch = tokio::time::timeout(LIMIT, batches.recv())
            .await
            .expect("a batch")
            .expect("a batch");
        assert!(batch.trades.len() <= 16, "a batch holds batch_frames at most");
        trades.extend(batch.trades.iter().map(|got| got.trade));
    }
    // Trades are executed in another order than they are sent; the time of sending is the connection's order.
    let swapped = trades
        .windows(2)
        .filter(|pair| pair[0].sent_time > pair[1].sent_time)
        .count();
    assert_eq!(
        swapped, 0,
        "a connection keeps its order, and so does a feed that waits"
    );
    let ids: HashSet<u64> = trades.iter().map(|trade| trade.sequential_id).collect();
    assert_eq!(
        ids.len(),
        trades.len(),
        "one market, and no fault: every trade comes once"
    );
    assert!(feed.stats().stalls >= 1, "{:?}", feed.stats());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task4_a_feed_that_waits_for_room_ends_with_its_handle() {
    let venue = Venue::open(10, 3000.0).await;
    let (feed, mut batches) = full(&venue).await;
    drop(feed);
    // The channel stays full: who waits for room alone would wait on.
    let ended = async {
        while !batches.is_closed() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, ended)
        .await
        .expect("a feed that waits for room looks at what it is told");
    assert!(batches.recv().await.is_some(), "what was handed over is still there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task4_a_feed_that_waits_for_room_ends_with_its_receiver() {
    let venue = Venue::open(10, 3000.0).await;
    let (feed, batches) = full(&venue).await;
    drop(batches);
    let ended = tokio::time::timeout(LIMIT, feed.ended()).await;
    assert_eq!(
        ended.expect("a receiver that is gone ends the wait"),
        Err(FeedError::ConsumerGone)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task4_a_slow_consumer_makes_the_feed_as_slow_and_loses_nothing() {
    let venue = Venue::open(10, 3000.0).await;
    let (feed, mut batches) = full(&venue).await;
    let (one, slow) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        // Two of three batches wait a little: room comes and goes.
        for n in 0u64.. {
            let Some(batch) = batches.recv().await else { break };
            tokio::time::sleep(Duration::from_millis(n % 3)).await;
            if one.send(batch).await.is_err() {
                break;
            }
        }
    });
    let (_, stats) = venue.complete(Running::of(feed, slow), 0).await;
    assert!(stats.stalls > 1, "room comes and goes: {stats:?}");
    assert_eq!(stats.connections, 1, "{stats:?}");
}
