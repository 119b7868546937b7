//! Whatever the exchange does to the connection, every trade arrives, and none twice.

use std::sync::Arc;
use std::time::Duration;

use feed::backoff::Jitter;
use feed::{FeedConfig, Origin};

use crate::common::{LIMIT, Plain, Running, Venue};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task6_a_dropped_socket_is_repaired() {
    // At the pace that Upbit allows.
    let venue = Venue::with(10, 2000.0, |config| config.limits.requests_per_second = 10).await;
    let config = FeedConfig {
        rest_per_second: 10,
        ..venue.config()
    };
    let running = venue.feed_with(config).await;
    venue.exchange.faults().drop_sockets();
    running
        .until("a second connection", |stats| stats.connections >= 2)
        .await;
    let now = running.feed.stats().trades;
    running.trades(now + 1000).await;
    let (_, stats) = venue.complete(running, 0).await;
    assert_eq!(stats.gaps, 1, "{stats:?}");
    assert_eq!(
        (stats.repairing, stats.unrepaired),
        (0, 0),
        "nothing is owed: {stats:?}"
    );
    assert!(
        stats.repeats > 20,
        "a repair reads the overlap, too, and what it knows of that is counted; see page: {stats:?}"
    );
    assert_eq!(venue.exchange.counters().refused, 0, "and nobody was asked too often");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task6_drops_again_and_again_also_in_the_middle_of_a_repair_are_repaired() {
    let venue = Venue::open(8, 3000.0).await;
    let running = venue.feed().await;
    for drop in 2..8 {
        venue.exchange.faults().drop_sockets();
        running
            .until("the next connection", |stats| {
                stats.connections >= drop && stats.connected
            })
            .await;
        let frames = running.feed.stats().frames;
        running.until("frames", |stats| stats.frames > frames + 50).await;
    }
    let (_, stats) = venue.complete(running, 0).await;
    assert_eq!(stats.gaps, 6, "{stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task6_a_gap_of_many_pages_is_repaired_with_little_memory() {
    let venue = Venue::open(2, 4000.0).await;
    let config = FeedConfig {
        repair_buffer: 700,
        // A second away at least.
        jitter: Jitter::Equal,
        backoff_min: Duration::from_secs(2),
        backoff_max: Duration::from_secs(2),
        ..venue.config()
    };
    let running = venue.feed_with(config).await;
    venue.exchange.faults().drop_sockets();
    running
        .until("a second connection", |stats| stats.connections >= 2)
        .await;
    let (received, stats) = venue.complete(running, 0).await;
    let repaired: Vec<_> = received
        .trades
        .iter()
        .filter(|got| got.origin == Origin::Repair)
        .collect();
    assert!(
        repaired.len() > 3 * 700 && stats.rest_requests > 4,
        "too short a gap to show anything: {stats:?}"
    );
    let backwards = repaired
        .windows(2)
        .filter(|pair| pair[0].trade.market == pair[1].trade.market)
        .filter(|pair| pair[0].trade.sequential_id > pair[1].trade.sequential_id)
        .count();
    assert!(
        (1..=repaired.len() / 700 + 1).contains(&backwards),
        "at repair_buffer trades a stretch is handed over, the newest stretch first and each oldest first: {backwards} steps back"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task6_the_socket_and_a_repair_take_turns_at_a_slow_consumer() {
    let venue = Venue::open(1, 3000.0).await;
    let config = FeedConfig {
        batches: 1,
        batch_frames: 16,
        // Half of it at least: some thirty batches are missing.
        jitter: Jitter::Equal,
        backoff_min: Duration::from_millis(300),
        backoff_max: Duration::from_millis(300),
        ..venue.config()
    };
    let (feed, mut batches) = feed::connect(config, Arc::new(Plain)).unwrap();
    while venue.exchange.counters().subscribed == 0 {
        assert!(!batches.is_closed(), "the feed has ended: {:?}", feed.stats());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    venue.exchange.begin();
    let mut next = async || {
        let batch = tokio::time::timeout(LIMIT, batches.recv()).await;
        let batch = batch.expect("a batch").expect("the feed goes on");
        batch.trades.first().expect("the exchange sends nothing bad").origin
    };
    for _ in 0..20 {
        next().await;
    }
    venue.exchange.faults().drop_sockets();
    // The repair has all that was missed in its hands when the first of it comes.
    while next().await != Origin::Repair {}
    let mut turns = Vec::new();
    for _ in 0..12 {
        // Longer than a tick.
        tokio::time::sleep(Duration::from_millis(120)).await;
        turns.push(next().await);
    }
    let repaired = turns.iter().filter(|&&origin| origin == Origin::Repair).count();
    assert!(
        (4..=8).contains(&repaired),
        "of twelve batches to each about six, whoever else waits for room: wait_for_room keeps its place in the queue over \
         ticks; {turns:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task6_a_half_open_connection_is_found_out_and_repaired() {
    let venue = Venue::open(20, 2000.0).await;
    let config = FeedConfig {
        ping_every: Duration::from_millis(200),
        silence_limit: Duration::from_millis(500),
        ..venue.config()
    };
    let running = venue.feed_with(config).await;
    // Longer than the test: only the feed's own clock can find it out.
    venue.exchange.faults().half_open(Duration::from_secs(600));
    running
        .until("a second connection", |stats| stats.connections >= 2)
        .await;
    assert!(
        running
            .feed
            .stats()
            .last_error
            .is_some_and(|error| error.contains("pong")),
        "the reason is told"
    );
    let (_, stats) = venue.complete(running, 0).await;
    assert!(stats.repaired > 0, "trades were lost to the dead connection: {stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task6_a_repair_outlasts_refusals_outages_and_broken_answers() {
    let venue = Venue::open(4, 2000.0).await;
    let config = FeedConfig {
        repair_tries: 2,
        ..venue.config()
    };
    let running = venue.feed_with(config).await;
    let faults = venue.exchange.faults();
    faults.unavailable(Duration::from_millis(1500));
    faults.drop_sockets();
    running
        .until("a market that counts as unrepaired", |stats| stats.unrepaired > 0)
        .await;
    faults.rate_limit(Duration::from_millis(500));
    faults.truncate_rest(3);
    let (_, stats) = venue.complete(running, 0).await;
    assert!(stats.rest_requests > 6, "{stats:?}");
    assert_eq!((stats.repairing, stats.unrepaired), (0, 0), "{stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task6_a_market_that_first_trades_in_the_gap_is_repaired_from_the_start() {
    let venue = Venue::open(40, 400.0).await;
    let config = FeedConfig {
        // Half a second away at least: the loss is seen, and trades fall into it.
        jitter: Jitter::Equal,
        backoff_min: Duration::from_secs(1),
        backoff_max: Duration::from_secs(1),
        ..venue.config()
    };
    let running = Running::start(config);
    venue.subscribed(&running).await;
    // Nothing has traded: no market has a snapshot, and all trades up to the reconnect fall into the gap.
    venue.exchange.faults().drop_sockets();
    running.until("the loss", |stats| !stats.connected).await;
    venue.exchange.begin();
    running
        .until("a second connection", |stats| stats.connections >= 2)
        .await;
    running.trades(200).await;
    let (_, stats) = venue.complete(running, 0).await;
    assert!(stats.repaired > 0, "nothing was traded in the gap: {stats:?}");
}
