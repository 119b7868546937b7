//! How a feed ends: drained, at its deadline, or at once.

use std::sync::Arc;
use std::time::Duration;

use feed::backoff::Jitter;
use feed::{FeedConfig, FeedError};

use crate::common::{LIMIT, Plain, Running, Venue};
use crate::scripted::{Manner, Scripted};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A feed that owes the answer of a gap, on an exchange whose history is not to be had.
async fn owing(venue: &Venue) -> Running {
    let running = venue.feed().await;
    venue.exchange.faults().unavailable(Duration::from_secs(3_600));
    venue.exchange.faults().drop_sockets();
    running
        .until("a repair", |stats| stats.connections >= 2 && stats.repairing > 0)
        .await;
    running
}

/// A feed whose consumer takes 10 ms over each batch.
fn slowly(config: FeedConfig) -> Running {
    let (feed, mut batches) = feed::connect(config, Arc::new(Plain)).unwrap();
    let (onwards, taken) = tokio::sync::mpsc::channel(64);
    tokio::spawn(async move {
        while let Some(batch) = batches.recv().await {
            tokio::time::sleep(ms(10)).await;
            if onwards.send(batch).await.is_err() {
                break;
            }
        }
    });
    Running::of(feed, taken)
}

#[tokio::test]
async fn task7_stop_ends_at_once_and_says_that_nothing_was_drained() {
    let venue = Venue::open(5, 500.0).await;
    let running = venue.feed().await;
    running.feed.stop();
    let ended = tokio::time::timeout(LIMIT, running.feed.ended()).await.unwrap();
    assert_eq!(ended, Err(FeedError::Stopped));
    running.ended().await;
}

#[tokio::test]
async fn task7_a_drain_after_a_stop_neither_waits_nor_makes_it_run_on() {
    let venue = Venue::open(5, 500.0).await;
    let running = venue.feed().await;
    // Both before the feed's task has looked: on this runtime it runs when this one waits.
    running.feed.stop();
    let drained = tokio::time::timeout(LIMIT, running.feed.drain()).await;
    assert_eq!(
        drained.expect("a stop holds"),
        Err(FeedError::Stopped),
        "the stronger command holds; see tell"
    );
    assert_eq!(
        tokio::time::timeout(LIMIT, running.feed.drain())
            .await
            .expect("it has ended"),
        Err(FeedError::Stopped),
        "and after the end, too"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task7_a_drained_feed_has_handed_over_everything() {
    let venue = Venue::open(20, 2000.0).await;
    let running = venue.feed().await;
    running.trades(2000).await;
    let (_, stats) = venue.audit(running, 0).await;
    assert!(!stats.connected, "a drained feed has closed its connection: {stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task7_what_is_still_in_the_socket_is_handed_over_before_a_drain_ends() {
    let venue = Venue::open(10, 3000.0).await;
    // The channel is narrow and its consumer slow: most of what was sent waits in the buffers of the sockets.
    let config = FeedConfig {
        batches: 1,
        batch_frames: 16,
        ..venue.config()
    };
    let running = slowly(config);
    venue.subscribed(&running).await;
    venue.exchange.begin();
    running
        .until("a consumer that is behind", |stats| {
            stats.stalls > 10 && venue.exchange.counters().executed > stats.trades + 1000
        })
        .await;
    venue.audit(running, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task7_a_drain_completes_the_repairs_first() {
    let venue = Venue::open(8, 3000.0).await;
    let running = venue.feed().await;
    venue.exchange.faults().unavailable(ms(700));
    venue.exchange.faults().drop_sockets();
    running
        .until("a second connection", |stats| stats.connections >= 2 && stats.connected)
        .await;
    let (_, stats) = venue.audit(running, 0).await;
    assert_eq!(
        (stats.repairing, stats.unrepaired),
        (0, 0),
        "a drained feed owes nothing: {stats:?}"
    );
    assert!(stats.rest_requests > 0, "{stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task7_a_drain_waits_for_what_a_repair_has_still_to_hand_over() {
    let venue = Venue::open(1, 1000.0).await;
    let config = FeedConfig {
        batches: 1,
        batch_frames: 16,
        jitter: Jitter::Equal,
        backoff_min: ms(2_000),
        backoff_max: ms(2_000),
        ..venue.config()
    };
    let running = slowly(config);
    venue.subscribed(&running).await;
    venue.exchange.begin();
    running.trades(200).await;
    venue.exchange.faults().drop_sockets();
    running
        .until("a gap of some size", |stats| {
            !stats.connected && venue.exchange.counters().executed > stats.trades + 500
        })
        .await;
    // Everything is in the history now: the drain ends when the repair has handed it over, a batch in 10 ms.
    venue.audit(running, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task7_a_drain_without_a_connection_makes_one_first() {
    let venue = Venue::open(10, 2000.0).await;
    let config = FeedConfig {
        ping_every: ms(200),
        silence_limit: ms(600),
        ..venue.config()
    };
    let running = venue.feed_with(config).await;
    venue.exchange.faults().drop_sockets();
    running
        .until("the loss", |stats| !stats.connected || stats.connections >= 2)
        .await;
    venue.audit(running, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task7_a_connection_whose_frames_arrive_and_whose_pongs_do_not_ends_no_drain_and_is_left() {
    let server = Scripted::open(Manner::Repeats(r#"{"status":"UP"}"#)).await;
    let running = Running::start(FeedConfig {
        ping_every: ms(50),
        silence_limit: ms(100),
        snapshot_wait: ms(50),
        ..server.config()
    });
    running.until("a connection", |stats| stats.connected).await;
    let drain = async {
        let drained = running.feed.drain().await;
        assert_eq!(drained, Err(FeedError::Stopped), "nothing says that all has arrived");
    };
    let left = async {
        running
            .until("a second connection", |stats| stats.connections >= 2)
            .await;
        let stats = running.feed.stats();
        assert!(
            stats.last_error.as_ref().is_some_and(|error| error.contains("no pong")),
            "the reason is told: {stats:?}"
        );
        running.feed.stop();
    };
    tokio::join!(drain, left);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task7_a_drain_in_time_is_a_drain() {
    let venue = Venue::open(10, 2000.0).await;
    let running = venue.feed().await;
    let drained = running.feed.drain_within(LIMIT).await;
    assert_eq!(drained, Ok(()), "{:?}", running.feed.stats());
    running.ended().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task7_a_drain_that_is_not_done_in_time_is_stopped_and_says_what_is_missing() {
    let venue = Venue::open(4, 2000.0).await;
    let running = owing(&venue).await;
    let drained = tokio::time::timeout(LIMIT, running.feed.drain_within(ms(300))).await;
    assert_eq!(
        drained.expect("the deadline holds; see drain_within"),
        Err(FeedError::Stopped),
        "not drained"
    );
    let ended = tokio::time::timeout(Duration::ZERO, running.feed.ended()).await;
    assert_eq!(
        ended,
        Ok(Err(FeedError::Stopped)),
        "and not left running: when drain_within returns, the feed has ended"
    );
    let (_, stats) = running.ended().await;
    assert!(stats.repairing > 0, "what is missing is told: {stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task7_a_stop_overrules_a_drain() {
    let venue = Venue::open(4, 2000.0).await;
    let running = owing(&venue).await;
    let drain = async {
        let drained = tokio::time::timeout(LIMIT, running.feed.drain()).await;
        assert_eq!(drained.expect("the stop ends the drain"), Err(FeedError::Stopped));
    };
    let stop = async {
        tokio::time::sleep(ms(100)).await; // the drain has begun, and cannot end
        running.feed.stop();
    };
    tokio::join!(drain, stop);
    running.ended().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task7_a_drain_whose_caller_gives_up_goes_on() {
    let venue = Venue::open(10, 2000.0).await;
    let running = venue.feed().await;
    // The caller's future is dropped after its first step: what was asked for was asked for.
    assert!(
        tokio::time::timeout(Duration::ZERO, running.feed.drain())
            .await
            .is_err()
    );
    let ended = tokio::time::timeout(LIMIT, running.feed.ended()).await;
    assert_eq!(ended.expect("the feed drains without its caller"), Ok(()));
    running.ended().await;
}
