//! When there is no connection: how often another one is tried.

use std::sync::Arc;
use std::time::{Duration, Instant};

use feed::backoff::Jitter;
use feed::{FeedConfig, FeedError};
use tokio::net::TcpListener;

use crate::common::{LIMIT, Plain, Running, Venue};
use crate::scripted::{Manner, Scripted};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Runs a feed until the server has seen so many connections.
async fn connections(server: &Scripted, config: FeedConfig, count: usize) -> Vec<Instant> {
    let running = Running::start(config);
    running
        .until("enough attempts to connect", |_| server.came().len() >= count)
        .await;
    server.came()[..count].to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task2_an_exchange_that_is_not_there_yet_is_waited_for() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let url = |scheme: &str, path: &str| format!("{scheme}://{address}{path}").parse().unwrap();
    let config = FeedConfig {
        backoff_min: ms(20),
        backoff_max: ms(100),
        ..FeedConfig::new(
            url("ws", "/websocket/v1"),
            url("http", "/v1"),
            vec!["KRW-BTC".parse().unwrap()],
        )
    };
    let running = Running::start(config);
    running
        .until("a failure", |stats| {
            stats
                .last_error
                .as_ref()
                .is_some_and(|error| error.contains("cannot connect"))
        })
        .await;
    let venue = Venue::with(1, 500.0, |config| config.address = address).await;
    venue.subscribed(&running).await;
    venue.exchange.begin();
    running.trades(100).await;
    let (_, stats) = venue.complete(running, 0).await;
    assert_eq!(stats.gaps, 0, "what was never connected has no gap: {stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task2_a_dropped_connection_is_made_and_subscribed_again() {
    let venue = Venue::open(5, 500.0).await;
    let running = Running::start(venue.config_without_repair());
    venue.subscribed(&running).await;
    venue.exchange.faults().drop_sockets();
    running
        .until("a second connection", |stats| stats.connections >= 2 && stats.connected)
        .await;
    venue.subscribed(&running).await;
    assert_eq!(
        running.feed.stats().gaps,
        1,
        "an interval without a connection is a gap"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task2_a_server_that_accepts_and_never_answers_is_given_up_and_tried_again() {
    let server = Scripted::open(Manner::Silent).await;
    let config = FeedConfig {
        connect_limit: ms(50),
        connect_spacing: ms(1),
        backoff_min: ms(1),
        backoff_max: ms(2),
        ..server.config()
    };
    let running = Running::start(config);
    running
        .until("a third attempt", |stats| {
            let told = stats.last_error.as_ref();
            server.came().len() >= 3 && told.is_some_and(|error| error.contains("no connection within 50ms"))
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task2_a_feed_that_waits_for_its_next_attempt_ends_with_its_receiver() {
    let server = Scripted::open(Manner::Ends).await;
    let config = FeedConfig {
        jitter: Jitter::Equal,
        backoff_min: 10 * LIMIT,
        backoff_max: 10 * LIMIT,
        ..server.config()
    };
    let (feed, batches) = feed::connect(config, Arc::new(Plain)).unwrap();
    let failed = async {
        while feed.stats().last_error.is_none() {
            tokio::time::sleep(ms(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, failed).await.expect("a failed attempt");
    drop(batches);
    let ended = tokio::time::timeout(LIMIT, feed.ended()).await;
    assert_eq!(
        ended
            .expect("an exchange that stays away tells nobody that the receiver is gone; see run in src/connection.rs"),
        Err(FeedError::ConsumerGone)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task2_attempts_keep_their_distance_however_short_the_waits_are() {
    let server = Scripted::open(Manner::Ends).await;
    let config = FeedConfig {
        connect_spacing: ms(60),
        backoff_min: ms(1),
        backoff_max: ms(2),
        ..server.config()
    };
    let came = connections(&server, config, 5).await;
    let took = came[4] - came[0];
    // From the first to the last: what comes late itself cannot make that shorter than the distances less one.
    assert!(
        took >= ms(3 * 60),
        "five attempts within {took:?}; the exchange allows five connections a second"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task2_a_server_that_takes_connections_and_drops_them_is_left_alone_longer_and_longer() {
    let server = Scripted::open(Manner::ShakesHandsAndEnds).await;
    let config = FeedConfig {
        connect_spacing: ms(1),
        backoff_min: ms(20),
        backoff_max: LIMIT,
        jitter: Jitter::Equal,
        snapshot_wait: LIMIT,
        ..server.config()
    };
    let came = connections(&server, config, 6).await;
    let took = came[5] - came[0];
    // Half of 20, 40, 80, 160 and 320 ms at least; each connection was made, and none was stable.
    assert!(took >= ms(310), "six attempts within {took:?}; see Backoff::lost");
}
