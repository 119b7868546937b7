//! Connections on which nothing comes: which of them live.

use std::time::Duration;

use feed::FeedConfig;

use crate::common::{Running, Venue};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task3_a_half_open_connection_is_found_out() {
    let venue = Venue::open(5, 500.0).await;
    let config = FeedConfig {
        ping_every: ms(100),
        silence_limit: ms(400),
        ..venue.config_without_repair()
    };
    let running = Running::start(config);
    venue.subscribed(&running).await;
    // Longer than the test: only the feed's own clock can find it out.
    venue.exchange.faults().half_open(Duration::from_secs(600));
    running
        .until("a second connection", |stats| stats.connections >= 2 && stats.connected)
        .await;
    let stats = running.feed.stats();
    assert!(
        stats
            .last_error
            .as_ref()
            .is_some_and(|error| error.contains("not even a pong")),
        "the reason is told: {stats:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task3_pings_keep_a_quiet_connection_alive_at_both_ends() {
    let idle = ms(400);
    let venue = Venue::with(5, 500.0, |config| config.limits.idle = idle).await;
    let config = FeedConfig {
        ping_every: ms(50),
        silence_limit: ms(2_000),
        ..venue.config_without_repair()
    };
    let running = Running::start(config);
    venue.subscribed(&running).await;
    // Longer than the exchange suffers a client that says nothing.
    running.lives_through(3 * idle).await;
    let stats = running.feed.stats();
    assert_eq!(
        (stats.connected, stats.connections),
        (true, 1),
        "nothing traded, and both sides heard each other: {stats:?}"
    );
}
